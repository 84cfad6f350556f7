/* SPDX-License-Identifier: Apache-2.0 */
/* libcri.so's side of cri-shim: starting it, asking it, and what it left. See shim_protocol.h. */
#ifndef LIBCRI_RUNTIME_SHIM_H
#define LIBCRI_RUNTIME_SHIM_H

#include "base/arena.h"
#include "base/json.h"
#include "core/engine.h"

struct shim_created {
	int32_t pid;
	const char *user; /* JSON {"uid":0,"gid":0,"groups":[]} */
};

/* A shim that starts. */
struct shim_start {
	int begun;  /* takes its order; at its end when the shim has ended */
	int status; /* since the order */
};
#define SHIM_START_NONE                                                                                                \
	{                                                                                                              \
		-1, -1                                                                                                 \
	}

/* The cgroup that a container's shim and monitor live in: shared by all, or in the pod's, beside the container's, which
 * then must be given. In the arena; NULL: memory ran out. */
const char *shim_monitor_cgroup(const cri_engine *engine, const char *container_cgroup, struct arena *arena);

/* Whether a shim can begin before anything of its container is committed: its cgroup is no part of the pod. */
bool shim_begins_early(const cri_engine *engine);

/* Starts a cri-shim for a container of which nothing need exist. It touches nothing until shim_order, and ends by
 * itself with this program; then comes shim_create or shim_abandon, which end *start. */
int shim_begin(cri_engine *engine, const char *id, const char *container_cgroup, struct shim_start *start,
	       cri_call *call);

/* The container is prepared, but for its cgroup, which is made while the shim starts it. Begins another shim if there
 * is none, or none any more. */
int shim_order(cri_engine *engine, const char *id, const char *container_cgroup, struct shim_start *start,
	       cri_call *call);

/* The cgroup is there: the first process may enter it, or be born in it. */
int shim_go(const struct shim_start *start, cri_call *call);

/* Waits until the container's first process is created but not yet executed. On failure nothing of it runs any more;
 * what failed inside is described in `call`. */
int shim_create(cri_engine *engine, const char *id, struct shim_start *start, struct arena *arena,
		struct shim_created *created, cri_call *call);

/* Something could not be made, as `call` says: nothing of it runs any more. Nothing to do for one that did not begin.
 */
void shim_abandon(cri_engine *engine, const char *id, struct shim_start *start, cri_call *call);

/* What of a container's processes is alive: locks, not pids (DESIGN.md, Liveness). */
enum shim_liveness {
	SHIM_ALIVE,    /* shim and monitor, or the shim alone while it publishes the exit */
	SHIM_ORPHANED, /* the monitor without its shim: shim_resume */
	SHIM_DEAD,     /* neither: read the exit record, or there is none */
};
int shim_liveness(cri_engine *engine, const char *id, enum shim_liveness *liveness, cri_call *call);

/* True: the shim lives and has published no exit record, and nobody else has. False says nothing. */
bool shim_runs_on(cri_engine *engine, const char *id);

/* Starts `cri-shim --resume` for an orphaned container. Under the container's object lock. */
int shim_resume(cri_engine *engine, const char *id, cri_call *call);

/* A connection; resumes first if the shim is dead. CRI_EPRECONDITION: the container's processes are gone. */
int shim_connect(cri_engine *engine, const char *id, int *fd, cri_call *call);

/* One request and its answer; `fds` go along and stay the caller's. *answer, unless NULL, is freed with cJSON_Delete.
 * An error in the answer is described in `call` and returned as its code. */
int shim_request(int fd, const cJSON *request, const int *fds, size_t n_fds, cJSON **answer, cri_call *call);
/* One message without an answer, as text. CRI_EUNAVAILABLE: the shim is gone. */
int shim_send(int fd, const char *text, const int *fds, size_t n_fds, cri_call *call);
/* Waits for one more message on the connection. */
int shim_receive(int fd, cJSON **answer, int *fds, size_t *n_fds, cri_call *call);

/* Connect, ask, close. */
int shim_command(cri_engine *engine, const char *id, const cJSON *request, cJSON **answer, cri_call *call);

struct exit_record {
	int32_t exit_code;
	int64_t finished_at, started_at;
	bool oom;
	const char *reason; /* "", or "Unknown" when its end was not seen */
	const char *message;
};

/* The exit record of a container, published or (with the shim and the monitor dead) not. CRI_ENOTFOUND, not described:
 * none; *liveness, unless NULL, is then what was found alive. A record that is no record is CRI_ECORRUPT. */
int exit_record_read(cri_engine *engine, const char *id, struct arena *arena, struct exit_record *record,
		     enum shim_liveness *liveness, cri_call *call);
/* Deletes it, after its content was committed. */
void exit_record_delete(cri_engine *engine, const char *id);

#endif
