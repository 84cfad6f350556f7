/* SPDX-License-Identifier: Apache-2.0 */
/* Starting cri-shim, and a container with it: shim_protocol.h. */
#include "runtime/shim_start.h"

#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "cgroup/cgroup.h"
#include "core/paths.h"
#include "runtime/shim.h"
#include "runtime/shim_process.h"
#include "runtime/shim_protocol.h"
#include "runtime/shim_zygote.h"

#include <fcntl.h>
#include <string.h>

static const char start_step[] = "start cri-shim";

/* How long a shim whose creation failed or was given up may take to put away what it made; then it is killed. */
#define END_MILLISECONDS 10000

#define SHARED_MONITORS "/libcri/monitors"

int shim_open_monitor_cgroup(const char *directory, int *fd, cri_call *call)
{
	*fd = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (directory && *fd < 0)
		return call_fail_errno(call, errno, start_step, "the monitors' cgroup %s", directory);
	return 0;
}

int shim_spawn(cri_engine *engine, const char *id, const char *option, const char *first, int cgroup, int *socket,
	       cri_call *call)
{
	char program[PATH_MAX], directory[PATH_MAX];
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int its = -1;
	CLEANUP_CLOSE int pidfd = -1;
	int pair[2] = { -1, -1 };
	int result = socket_pair(pair);

	if (result < 0)
		return call_fail_errno(call, result, start_step, "make a socket");
	ours = pair[0];
	its = pair[1];
	if (!path_helper(engine, "cri-shim", program) || !path_container(engine, id, NULL, directory))
		return call_fail_errno(call, ENAMETOOLONG, start_step, "%s", id);

	const char *const with_option[] = { "cri-shim", option, directory, NULL };
	const char *const without_option[] = { "cri-shim", directory, NULL };
	const struct spawn spawn = {
		SPAWN_INIT,  .path = program, .argv = option ? with_option : without_option,
		.fds = &its, .n_fds = 1,      .cgroup_v2_fd = cgroup,
	};

	result = fs_set_nonblocking(ours, true);
	if (result == 0 && first)
		result = socket_send(ours, first, strlen(first), NULL, 0);
	if (result == 0)
		result = spawn_program(&spawn, &pidfd);
	if (result < 0)
		return call_fail_errno(call, result, start_step, "%s", program);
	*socket = take_fd(&ours);
	return 0;
}

/* SHIM_ENTER; NULL: memory ran out. */
static char *render_enter(const struct cgroup_entry *entry, bool zygote)
{
	CLEANUP_JSON cJSON *message = cJSON_CreateObject();
	cJSON *files = cJSON_CreateStringArray(entry->files, (int)entry->n_files);

	if (!message || !cJSON_AddStringToObject(message, "op", SHIM_ENTER) ||
	    !cJSON_AddBoolToObject(message, "zygote", zygote) || !cJSON_AddItemToObject(message, "files", files)) {
		cJSON_Delete(files);
		return NULL;
	}
	return cJSON_PrintUnformatted(message);
}

int shim_spawn_entered(cri_engine *engine, const char *id, const char *container_cgroup, bool zygote, int *socket,
		       cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *monitors = shim_monitor_cgroup(engine, container_cgroup, &arena);
	CLEANUP_FREE char *enter = NULL;
	CLEANUP_CLOSE int cgroup = -1;
	struct cgroup_entry entry;
	int result;

	if (!monitors)
		return call_no_memory(call, start_step);
	result = cgroup_create(engine->cgroups, monitors, call);
	if (result == 0)
		result = cgroup_escape_files(engine->cgroups, monitors, &arena, &entry, call);
	if (result == 0)
		result = shim_open_monitor_cgroup(entry.v2_directory, &cgroup, call);
	if (result)
		return result;
	enter = render_enter(&entry, zygote);
	return enter ? shim_spawn(engine, id, NULL, enter, cgroup, socket, call) : call_no_memory(call, start_step);
}

const char *shim_monitor_cgroup(const cri_engine *engine, const char *container_cgroup, struct arena *arena)
{
	const char *end;

	if (shim_begins_early(engine))
		return SHARED_MONITORS;
	end = strrchr(container_cgroup, '/');
	return arena_printf(arena, "%.*s/monitors", end ? (int)(end - container_cgroup) : 0, container_cgroup);
}

bool shim_begins_early(const cri_engine *engine)
{
	return engine->options.monitor_cgroup != CRI_MONITOR_CGROUP_POD;
}

static void start_free(struct shim_start *start)
{
	cleanup_close_fd(&start->begun);
	cleanup_close_fd(&start->status);
	*start = (struct shim_start)SHIM_START_NONE;
}

/* Ends for the engine, which never waits in the kernel for a shim, and for the shim. */
static int make_pair(int *ours, int *its, cri_call *call)
{
	int pair[2] = { -1, -1 };
	int result = socket_pair(pair);

	*ours = pair[0];
	*its = pair[1];
	if (result == 0)
		result = fs_set_nonblocking(*ours, true);
	return result < 0 ? call_fail_errno(call, result, start_step, "make a socket") : 0;
}

/* The zygote's, a pair for it to be told by. */
static int begin_forked(cri_engine *engine, const char *id, struct shim_start *start, cri_call *call)
{
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int its = -1;
	int result = make_pair(&ours, &its, call);

	if (result == 0)
		result = shim_zygote_ask(engine, id, its, call);
	if (result < 0)
		return result;
	start->begun = take_fd(&ours);
	return 0;
}

int shim_begin(cri_engine *engine, const char *id, const char *container_cgroup, struct shim_start *start,
	       cri_call *call)
{
	if (shim_begins_early(engine))
		return begin_forked(engine, id, start, call);
	return shim_spawn_entered(engine, id, container_cgroup, false, &start->begun, call);
}

/* What a shim said that ended before it took its order: why it cannot go on. CRI_EUNAVAILABLE: it said nothing, as one
 * that was killed, or whose zygote was. */
static int hear_failure(struct shim_start *start, cri_call *call)
{
	int result;

	call_clear(call);
	result = shim_receive(start->begun, NULL, NULL, NULL, call);
	return result ? result : call_fail(call, CRI_EINTERNAL, start_step, "the shim answered without an order");
}

static int send_order(cri_engine *engine, const char *id, const char *container_cgroup, struct shim_start *start,
		      int its, cri_call *call)
{
	for (int attempt = 0;; attempt++) {
		int result = start->begun < 0 ? shim_begin(engine, id, container_cgroup, start, call) : 0;

		if (result == 0)
			result = shim_send(start->begun, SHIM_ORDER, &its, 1, call);
		if (result == CRI_EUNAVAILABLE && start->begun >= 0)
			result = hear_failure(start, call);
		if (result != CRI_EUNAVAILABLE || attempt)
			return result;
		call_clear(call);
		start_free(start);
	}
}

int shim_order(cri_engine *engine, const char *id, const char *container_cgroup, struct shim_start *start,
	       cri_call *call)
{
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int its = -1;
	int result = make_pair(&ours, &its, call);

	if (result == 0)
		result = send_order(engine, id, container_cgroup, start, its, call);
	if (result == 0)
		start->status = take_fd(&ours);
	return result;
}

/* With the order's pair closed the shim undoes what it began, and ends. */
void shim_abandon(cri_engine *engine, const char *id, struct shim_start *start, cri_call *call)
{
	struct pollfd poll = { .fd = start->begun, .events = POLLIN };
	bool was_ordered = start->status >= 0;
	cri_call after;

	cleanup_close_fd(&start->status);
	start->status = -1;
	if (was_ordered) {
		call_init_child(&after, call);
		call_shield(&after);
		(void)call_wait(&after, start_step, &poll, 1, END_MILLISECONDS);
		call_clear(&after);
		if (shim_process_kill(engine, id, &after) < 0)
			engine_log(engine, CRI_LOG_ERROR, "%s", cri_call_message(&after));
		call_unshield(&after);
	}
	start_free(start);
}

static int take_created(const cJSON *answer, struct arena *arena, struct shim_created *created, cri_call *call)
{
	const cJSON *user = NULL;
	CLEANUP_FREE char *text = NULL;
	int64_t pid;

	if (json_int64(answer, "pid", &pid) < 0 || pid <= 0 || pid > INT32_MAX ||
	    json_object(answer, "user", &user) < 0)
		return call_fail(call, CRI_EINTERNAL, start_step, "the shim's answer lacks the process");
	text = cJSON_PrintUnformatted(user);
	created->pid = (int32_t)pid;
	created->user = text ? arena_strdup(arena, text) : NULL;
	return created->user ? 0 : call_no_memory(call, start_step);
}

int shim_go(const struct shim_start *start, cri_call *call)
{
	int result = shim_send(start->status, SHIM_GO, NULL, 0, call);

	/* One that has failed already has said why: shim_create hears it. */
	if (result != CRI_EUNAVAILABLE)
		return result;
	call_clear(call);
	return 0;
}

int shim_create(cri_engine *engine, const char *id, struct shim_start *start, struct arena *arena,
		struct shim_created *created, cri_call *call)
{
	CLEANUP_JSON cJSON *answer = NULL;
	int result = shim_receive(start->status, &answer, NULL, NULL, call);

	/* The order may have come when it had failed already. */
	if (result == CRI_EUNAVAILABLE)
		result = hear_failure(start, call);
	if (result == 0)
		result = take_created(answer, arena, created, call);
	if (result < 0)
		shim_abandon(engine, id, start, call);
	else
		start_free(start);
	return result;
}
