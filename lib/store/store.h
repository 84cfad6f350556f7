/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database: the only truth for images, layers, sandboxes, containers and events.
 *
 * Intent first: a row is inserted as CREATING (or marked REMOVING) before anything that it names is made (or
 * destroyed), and flipped (or deleted) after. Rows in those states are invisible to lists and are what recovery works
 * from. Every function is one transaction, safe from many threads and processes, and describes its failures in `call`.
 * Rows and their texts are allocated in the caller's arena.
 *
 * synchronous=NORMAL for sandboxes and containers: a power cut may lose the last commits, never the consistency.
 * Image and layer commits use FULL, after the caller's syncfs.
 */
#ifndef LIBCRI_STORE_STORE_H
#define LIBCRI_STORE_STORE_H

#include "base/arena.h"
#include "core/call.h"
#include "libcri/event.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/*
 * Opens or makes the database, with mode 0600 for it and what SQLite keeps beside it. Only SQLite may ever open these
 * files in a process that has a store open: closing any descriptor of them drops SQLite's locks.
 * CRI_EPRECONDITION: its schema is newer than this library, it is another program's, or its file system cannot do WAL;
 * CRI_ECORRUPT: it is damaged, the text says what to do (so may every function below). At least one event is kept.
 */
int store_open(const char *path, uint32_t max_events, struct store **store, cri_call *call);
/* After a fork, in the child, it only frees what is its own. NULL is allowed. */
void store_close(struct store *store);

/* Small facts about the root, such as its mount namespace and the last good network configuration.
 * CRI_ENOTFOUND, not described, when absent. value NULL deletes. */
int store_setting_get(struct store *store, struct arena *arena, const char *key, const char **value, cri_call *call);
int store_setting_set(struct store *store, const char *key, const char *value, cri_call *call);

/* --- sandboxes (sandboxes.c) --- */

enum sandbox_state { SANDBOX_CREATING, SANDBOX_READY, SANDBOX_NOTREADY, SANDBOX_REMOVING };

struct sandbox_row {
	const char *id;
	const char *name, *uid, *namespace_;
	uint32_t attempt;
	enum sandbox_state state;
	int64_t created_at;      /* set by store_sandbox_insert: max(last + 1, now) */
	const char *handler;     /* canonical: "lxc" */
	const char *config;      /* JSON of the cri_sandbox_config */
	const char *labels;      /* JSON object, for lists */
	const char *annotations; /* JSON object */
	const char *cgroup;      /* the pod's cgroup, "/libcri/<id>" */
	const char *network;     /* JSON: what was attached; "{}" */
	const char *pause;       /* the id of its pause container, or "" */
};

/* Inserts a CREATING row. CRI_EEXIST, with the id of the other in the text: the name is taken by any row. */
int store_sandbox_insert(struct store *store, struct sandbox_row *row, cri_call *call);
/* CRI_ENOTFOUND: it is gone. */
int store_sandbox_set_network(struct store *store, const char *id, const char *network, cri_call *call);
int store_sandbox_set_config(struct store *store, const char *id, const char *config, cri_call *call);
/* CREATING → READY adds event CREATED and STARTED of the sandbox; READY → NOTREADY adds STOPPED; → REMOVING none.
 * *changed false: the row was not in state `from`. */
int store_sandbox_set_state(struct store *store, const char *id, enum sandbox_state from, enum sandbox_state to,
			    bool *changed, cri_call *call);
/* Deletes the row; adds event DELETED if it was REMOVING and had ever been READY. A row that is gone is a success.
 * CRI_EPRECONDITION: it still has containers, in whatever state. */
int store_sandbox_delete(struct store *store, const char *id, cri_call *call);

/* By id or by an unambiguous prefix of at least 4 characters; visible rows only, unless `any` is set.
 * CRI_ENOTFOUND; CRI_EINVAL: ambiguous. */
int store_sandbox_get(struct store *store, struct arena *arena, const char *id, bool any, struct sandbox_row *row,
		      cri_call *call);
/* By its whole name, in any state. CRI_ENOTFOUND is not described. */
int store_sandbox_by_name(struct store *store, struct arena *arena, const char *name, const char *uid,
			  const char *namespace_, uint32_t attempt, struct sandbox_row *row, cri_call *call);

/* Which rows: bit i of `states` stands for enum value i. Newest first. */
#define SANDBOX_VISIBLE ((1u << SANDBOX_READY) | (1u << SANDBOX_NOTREADY))
#define STATES_ALL (~0u)
int store_sandbox_list(struct store *store, struct arena *arena, const char *id_prefix, unsigned states,
		       struct sandbox_row **rows, size_t *n_rows, cri_call *call);

/* --- containers (containers.c) --- */

enum container_state {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_REMOVING,
};

struct container_row {
	const char *id;
	const char *sandbox_id;
	const char *name;
	uint32_t attempt;
	enum container_state state;
	bool pause; /* a pod's pause container: hidden from lists, events and names */
	int64_t created_at, started_at, finished_at;
	int32_t exit_code;
	const char *reason, *message;
	const char *image, *user_specified_image; /* as the config named it */
	const char *image_id;
	const char *config;         /* JSON of the cri_container_config */
	const char *labels;         /* JSON object */
	const char *annotations;    /* JSON object */
	const char *log_path;       /* absolute and resolved, or "" */
	const char *shown_log_path; /* the same as the caller named it, or "": kubelet looks for what it asked for */
	const char *mounts;    /* JSON of a cri_container_config with its mounts alone, or "": a status needs no more */
	const char *resources; /* JSON of the cri_resources in force, or "" */
	const char *user;      /* JSON {"uid":0,"gid":0,"groups":[]}, or "" until created */
	const char *stop_signal; /* "SIGTERM" */
	const char *cgroup;      /* "/libcri/<sandbox>/<id>" */
	int32_t pid;
	const int64_t *layers; /* layer rows, lowest first; references that keep them */
	size_t n_layers;
};

/* Inserts a CREATING row and its layer references. CRI_EEXIST: (sandbox, name, attempt) is taken;
 * CRI_EPRECONDITION: the sandbox is gone or not READY (nor CREATING, for its pause container); CRI_ENOTFOUND: a layer
 * is gone. */
int store_container_insert(struct store *store, struct container_row *row, cri_call *call);
/* CREATING → CREATED with what became known; event CREATED. CRI_EPRECONDITION: not CREATING. */
int store_container_created(struct store *store, const char *id, const char *user, int32_t pid, cri_call *call);
/* CREATED → RUNNING; event STARTED. CRI_EPRECONDITION: not CREATED. */
int store_container_started(struct store *store, const char *id, int64_t started_at, cri_call *call);

struct container_exit {
	int64_t finished_at;
	int32_t exit_code;
	bool oom;
	int64_t started_at; /* when a start was not recorded yet; 0: keep */
	const char *reason; /* "" : derived from exit_code and oom */
	const char *message;
};
/* CREATED or RUNNING → EXITED; event STARTED if `started_at` tells of a start that was not recorded yet, OOM if so, and
 * STOPPED. *changed false: it had exited before; exactly one caller of all processes gets true.
 * CRI_ENOTFOUND, not described: it is gone. */
int store_container_exited(struct store *store, const char *id, const struct container_exit *exit, bool *changed,
			   cri_call *call);
/* `reason` unless it is empty, else "Completed", "OOMKilled" or "Error". Static or `reason` itself. */
const char *store_exit_reason(const char *reason, int32_t exit_code, bool oom);
int store_container_set_resources(struct store *store, const char *id, const char *resources, cri_call *call);
/* CREATED or EXITED, or CREATING by recovery, → REMOVING. CRI_EPRECONDITION: it is RUNNING. *changed false: it was
 * REMOVING before, or is gone. */
int store_container_removing(struct store *store, const char *id, bool *changed, cri_call *call);
/* Deletes the row and its layer references; event DELETED unless it was never CREATED. */
int store_container_delete(struct store *store, const char *id, cri_call *call);
/* As store_sandbox_get; a pause container only with `any`. */
int store_container_get(struct store *store, struct arena *arena, const char *id, bool any, struct container_row *row,
			cri_call *call);
/* The same of a visible one without config and layers, which are NULL: for what is asked often. */
int store_container_get_status(struct store *store, struct arena *arena, const char *id, struct container_row *row,
			       cri_call *call);
#define CONTAINER_VISIBLE ((1u << CONTAINER_CREATED) | (1u << CONTAINER_RUNNING) | (1u << CONTAINER_EXITED))
/* Newest first. The two ids are prefixes or NULL. `light` leaves config, resources, mounts,
 * shown_log_path and layers NULL. Pause containers
 * are among them when `states` has any that is not visible, as STATES_ALL. */
int store_container_list(struct store *store, struct arena *arena, const char *id_prefix, const char *sandbox_prefix,
			 unsigned states, bool light, struct container_row **rows, size_t *n_rows, cri_call *call);
/* CRI_EEXIST, naming it: a RUNNING container other than `id` writes to this log. Two that are being started do not see
 * each other: the caller holds a lock for the path from here to store_container_started. */
int store_container_check_log(struct store *store, const char *id, const char *log_path, cri_call *call);

/* --- images and layers (images.c, layers.c) --- */

struct layer_row {
	int64_t id;
	const char *diff_id;  /* "sha256:…" */
	const char *chain_id; /* "" for a layer that any parents may carry (DESIGN.md, Layers) */
	bool ready;
	uint64_t bytes, inodes; /* on disk */
};

/* A ready layer for `diff_id` that may stand at `chain_id`: one stored by diff id, else one stored by this chain id.
 * CRI_ENOTFOUND is not described. */
int store_layer_find(struct store *store, struct arena *arena, const char *diff_id, const char *chain_id,
		     struct layer_row *row, cri_call *call);
/* A new row that is not ready; its id names its directory. */
int store_layer_begin(struct store *store, const char *diff_id, int64_t *id, cri_call *call);
/* Makes it ready. CRI_EEXIST, not described: another process was quicker; *id is then the other's, and the caller
 * deletes its own. CRI_ENOTFOUND: the row is gone, or was ready. */
int store_layer_commit(struct store *store, int64_t *id, const char *diff_id, const char *chain_id, uint64_t bytes,
		       uint64_t inodes, cri_call *call);
/* CRI_EPRECONDITION: it is ready. One that is gone is a success. */
int store_layer_delete(struct store *store, int64_t id, cri_call *call);
/* Ready layers that no image and no container refers to are marked not ready and returned, with all that were not
 * ready before; the caller destroys those whose lock it gets and that are garbage still, then deletes their rows. FULL,
 * if any is marked. */
int store_layer_unused(struct store *store, struct arena *arena, int64_t **ids, size_t *n_ids, cri_call *call);
/* Whether a layer is there and not ready. To be asked under its lock: who was making it may have made it ready since
 * store_layer_unused looked. */
int store_layer_is_garbage(struct store *store, int64_t id, bool *garbage, cri_call *call);
/* Whether a layer has a row, ready or not. */
int store_layer_exists(struct store *store, int64_t id, bool *exists, cri_call *call);
/* A layer of an embedded image is a file of the host's, mounted in place; its diff_id is this and where it is
 * (image/embedded.h). Ready ones; with `idle` those that no container refers to. */
#define LAYER_EMBEDDED_PREFIX "embedded:"
#define LAYER_EMBEDDED_END "embedded;" /* the first text behind all that begin with the prefix */
int store_layer_embedded(struct store *store, struct arena *arena, bool idle, struct layer_row **rows, size_t *n_rows,
			 cri_call *call);
/* Of the ready ones. */
int store_layer_usage(struct store *store, uint64_t *bytes, uint64_t *inodes, cri_call *call);

struct image_row {
	const char *id;     /* "sha256:…" of the config */
	const char *config; /* the config blob's JSON text */
	const char *manifest_digest;
	const char *manifest; /* the manifest's bytes as text; "" for a docker-archive */
	uint64_t bytes;
	bool pinned, embedded;
	int64_t created_at;
	const char *const *tags; /* "docker.io/library/busybox:latest", sorted */
	size_t n_tags;
	const char *const *digests; /* "docker.io/library/busybox@sha256:…", sorted */
	size_t n_digests;
	const int64_t *layers; /* lowest first */
	size_t n_layers;
};

/* Inserts or refreshes an image; its tags are taken from whichever image had them; its digests are added. A refresh
 * keeps created_at, a pin, and the manifest when the new one is "". *stored, which may be NULL, is what is there now,
 * in the arena: who looks later may find it removed. CRI_ENOTFOUND: a layer is no longer ready: begin again. FULL. */
int store_image_commit(struct store *store, const struct image_row *row, struct arena *arena, struct image_row *stored,
		       cri_call *call);
/* By id ("sha256:…", hex, or prefix of at least 4), tag, or name@digest; references are already normalised.
 * A digest of several images (an index) names the one that was stored last. CRI_ENOTFOUND; CRI_EINVAL: an ambiguous
 * prefix. */
int store_image_get(struct store *store, struct arena *arena, const char *reference, struct image_row *row,
		    cri_call *call);
/* Newest first. */
int store_image_list(struct store *store, struct arena *arena, struct image_row **rows, size_t *n_rows, cri_call *call);
/* Pins the image; one that is gone is a success. */
int store_image_pin(struct store *store, const char *id, cri_call *call);
/* Deletes the image with all its names. One that is gone is a success. FULL. */
int store_image_delete(struct store *store, const char *id, cri_call *call);

/* --- events (events.c) --- */

struct event_row {
	int64_t sequence;
	cri_event_type type;
	const char *container_id, *sandbox_id;
	int64_t created_at;
	int32_t exit_code;
};

/* The newest sequence, 0 when there was never an event. */
int store_event_last(struct store *store, int64_t *sequence, cri_call *call);
/* Up to `limit` events after `after`, oldest first. *lost: some after it were dropped already, so `after` 0 loses as
 * soon as the very first event is dropped. */
int store_event_list(struct store *store, struct arena *arena, int64_t after, size_t limit, struct event_row **rows,
		     size_t *n_rows, bool *lost, cri_call *call);

#endif
