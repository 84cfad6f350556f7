/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of embedded layers come with the first container that needs them and go with the last. */
#include "image/embedded.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "core/paths.h"
#include "core/test_point.h"
#include "image/mount_protocol.h"
#include "image/mounted.h"
#include "image/process.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "mount the embedded layers";

/* --- cri-mount --- */

struct order {
	const char *arguments[5];
	int fds[3]; /* the first is the socket's */
	size_t n_fds;
	const char *what; /* for failures */
};

static int describe(const struct order *order, const struct embedded_source *source, const struct mount_answer *answer,
		    cri_call *call)
{
	const char *type = source ? source->filesystem : "";

	switch ((enum mount_step)answer->step) {
	case MOUNT_DONE:
		return 0;
	case MOUNT_STEP_LOOP_CONTROL:
		return call_fail(call, CRI_ENOTSUP, step,
				 "%s: /dev/loop-control: %s: embedded images need the kernel's loop devices",
				 order->what, strerrordesc_np(answer->error));
	case MOUNT_STEP_FILESYSTEM:
		if (answer->error == ENODEV)
			return call_fail(call, CRI_ENOTSUP, step, "%s: this kernel has no %s", order->what, type);
		return call_fail_errno(call, answer->error, step, "%s: %s", order->what, type);
	case MOUNT_STEP_SUPERBLOCK:
		return call_fail(call, CRI_ECORRUPT, step,
				 "%s: the kernel cannot mount it as %s: %s (damaged, or compressed in a way that this "
				 "kernel was built without)",
				 order->what, type, strerrordesc_np(answer->error));
	case MOUNT_STEP_LOOP:
		return call_fail_errno(call, answer->error, step, "%s: put a loop device before it", order->what);
	case MOUNT_STEP_REQUEST:
	case MOUNT_STEP_MOUNT:
	case MOUNT_STEP_NAMESPACE:
	case MOUNT_STEP_DIRECTORY:
		break;
	}
	return call_fail_errno(call, answer->error, step, "%s (step %u)", order->what, answer->step);
}

static int receive(int socket, const struct order *order, struct mount_answer *answer, cri_call *call)
{
	struct pollfd readable = { .fd = socket, .events = POLLIN };
	int fds[SOCKET_MAX_FDS];
	size_t n_fds;
	ssize_t n;
	int result = call_wait(call, step, &readable, 1, -1);

	if (result < 0)
		return result;
	n = socket_receive(socket, answer, sizeof(*answer), fds, &n_fds, 0);
	if (n < 0)
		return call_fail_errno(call, (int)n, step, "read the answer of cri-mount");
	if (n != sizeof(*answer))
		return call_fail(call, CRI_EINTERNAL, step, "%s: cri-mount ended without an answer", order->what);
	return 0;
}

static int run(cri_engine *engine, struct order *order, const struct embedded_source *source, bool *mounted,
	       cri_call *call)
{
	struct mount_answer answer = { 0 };
	char path[PATH_MAX];
	int pair[2];
	int result = socket_pair(pair);
	CLEANUP_CLOSE int ours = result < 0 ? -1 : pair[0];
	CLEANUP_CLOSE int theirs = result < 0 ? -1 : pair[1];
	CLEANUP_CLOSE int process = -1;
	const struct spawn spawn = { SPAWN_INIT, .path = path_helper(engine, "cri-mount", path),
				     .argv = order->arguments, .fds = order->fds, .n_fds = order->n_fds };

	if (result < 0)
		return call_fail_errno(call, result, step, "make a socket");
	order->fds[0] = theirs;
	result = spawn_program(&spawn, &process);
	if (result < 0)
		return call_fail(call, CRI_EINTERNAL, step, "start %s: %s", spawn.path, strerrordesc_np(-result));
	close(take_fd(&theirs));
	result = receive(ours, order, &answer, call);
	if (result < 0) {
		/* One that goes on after the user lost patience would mount what nobody waits for. */
		call_shield(call);
		(void)process_end(process, call);
		call_unshield(call);
		return result;
	}
	if (mounted)
		*mounted = answer.mounted;
	return describe(order, source, &answer, call);
}

static const char *type_of(const struct embedded_source *source)
{
	return *source->filesystem ? source->filesystem : "directory";
}

int embedded_check(cri_engine *engine, const struct embedded_source *source, int fd, cri_call *call)
{
	struct order order = { .arguments = { "cri-mount", "check", type_of(source) },
			       .fds = { -1, fd },
			       .n_fds = 2,
			       .what = source->path };

	return run(engine, &order, source, NULL, call);
}

static int open_monitors(cri_engine *engine, int *fd, cri_call *call)
{
	char path[PATH_MAX];

	*fd = open(path_monitor_mounts(engine, path), O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? call_fail_errno(call, errno, step, "open %s", path) : 0;
}

/* --- one layer --- */

static int verify(cri_engine *engine, const struct embedded_source *source, int fd, cri_call *call)
{
	CLEANUP_FETCH struct fetch fetch = FETCH_CLOSED;
	const struct fetch_expected expected = { source->digest, source->size, UINT64_MAX };
	char digest[DIGEST_SIZE];
	int result;

	if (!*source->digest)
		return call_fail(call, CRI_EPRECONDITION, step,
				 "%s has no digest in its manifest and verify_embedded_at_mount is set", source->path);
	result = fetch_start(engine, &fetch, call);
	if (result == 0)
		result = fetch_digest(&fetch, fd, &expected, digest, NULL, NULL, call);
	if (result != CRI_ECORRUPT)
		return result;
	call_clear(call);
	return call_fail(call, CRI_ECORRUPT, step,
			 "%s is not what it was when the embedded image was loaded: its digest is no longer %s",
			 source->path, source->digest);
}

static int mount_source(cri_engine *engine, const struct embedded_source *source, const char *directory, int monitors,
			cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	struct order order = { .arguments = { "cri-mount", "mount", type_of(source), directory },
			       .n_fds = 3,
			       .what = source->path };
	int result = embedded_source_open(source, &fd, call);

	if (result == 0 && engine->options.verify_embedded_at_mount)
		result = verify(engine, source, fd, call);
	if (result < 0)
		return result;
	order.fds[1] = fd;
	order.fds[2] = monitors;
	return run(engine, &order, source, NULL, call);
}

static int mount_layer(cri_engine *engine, struct arena *arena, const struct layer_row *row, int monitors,
		       cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	struct embedded_source source;
	char name[LAYER_LOCK_SIZE], path[PATH_MAX];
	struct order look = {
		.arguments = { "cri-mount", "look", path }, .fds = { -1, monitors }, .n_fds = 2, .what = path
	};
	bool mounted = false;
	int result;

	if (!embedded_source_parse(arena, row->diff_id, &source))
		return call_fail(call, CRI_ECORRUPT, step, "\"%.200s\" is no embedded layer", row->diff_id);
	layer_lock_name(row->id, name);
	result = engine_lock_object(engine, name, &lock, call);
	if (result < 0)
		return result;
	result = fs_make_directories(path_layer_fs(engine, row->id, path), 0755);
	if (result < 0)
		return call_fail_errno(call, result, step, "make %s", path);
	result = run(engine, &look, NULL, &mounted, call);
	if (result == 0 && !mounted)
		result = mount_source(engine, &source, path, monitors, call);
	test_point("layer mounted");
	return result;
}

int image_mount_layers(cri_engine *engine, const int64_t *layers, size_t n_layers, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_CLOSE int monitors = -1;
	struct layer_row *rows = NULL;
	size_t n_rows = 0;
	int result = store_layer_embedded(engine->store, &arena, false, &rows, &n_rows, call);

	if (result == 0 && n_rows > 0)
		result = open_monitors(engine, &monitors, call);
	for (size_t i = 0; i < n_rows && result == 0; i++) {
		bool needed = false;

		for (size_t k = 0; k < n_layers; k++)
			needed |= layers[k] == rows[i].id;
		if (needed)
			result = mount_layer(engine, &arena, &rows[i], monitors, call);
	}
	return result;
}

/* --- the last container --- */

/* Under its lock: whether still no container needs it. */
static int is_idle(cri_engine *engine, struct arena *arena, int64_t row, bool *idle, cri_call *call)
{
	struct layer_row *rows = NULL;
	size_t n_rows = 0;
	int result = store_layer_embedded(engine->store, arena, true, &rows, &n_rows, call);

	*idle = false;
	for (size_t i = 0; i < n_rows && result == 0; i++)
		*idle |= rows[i].id == row;
	return result;
}

static int unmount_layer(cri_engine *engine, struct arena *arena, int64_t row, cri_call *call)
{
	CLEANUP_LOCK int lock = -1;
	char name[LAYER_LOCK_SIZE], path[PATH_MAX];
	bool idle = false;
	int result;

	/* Most are not mounted. */
	if (access(path_layer_fs(engine, row, path), F_OK))
		return errno == ENOENT ? 0 : call_fail_errno(call, errno, step, "%s", path);
	layer_lock_name(row, name);
	/* Waits: who has it may have looked just before the last container went, and will not look again. */
	result = engine_lock_object(engine, name, &lock, call);
	if (result == 0)
		result = is_idle(engine, arena, row, &idle, call);
	if (result < 0 || !idle)
		return result;
	test_point("layer idle");
	/* Here it is an empty directory, and where it is mounted it is unmounted by this. */
	if (rmdir(path) && errno != ENOENT)
		return call_fail_errno(call, errno, "unmount an embedded layer", "remove %s", path);
	test_point("layer unmounted");
	return 0;
}

void image_unmount_idle(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct layer_row *rows = NULL;
	size_t n_rows = 0;
	cri_call quiet;
	int result;

	call_init_child(&quiet, call);
	result = store_layer_embedded(engine->store, &arena, true, &rows, &n_rows, &quiet);
	for (size_t i = 0; i < n_rows && result == 0; i++)
		result = unmount_layer(engine, &arena, rows[i].id, &quiet);
	if (result < 0)
		engine_log(engine, CRI_LOG_WARNING, "%s", cri_call_message(&quiet));
}
