/* SPDX-License-Identifier: Apache-2.0 */
#include "core/place.h"

#include "base/fs.h"
#include "base/lock.h"
#include "core/paths.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char step[] = "open the engine";

/* Of the root's lock file; hashes of names end below it. */
#define PRESENCE_BYTE (UINT64_C(1) << 62)

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct place {
	const char *boot;            /* mount namespaces are numbered anew at each boot */
	const char *mount_namespace; /* inode number */
	const char *state;
};

static int current_place(cri_engine *engine, struct arena *arena, struct place *place, cri_call *call)
{
	CLEANUP_BUFFER struct buffer boot = BUFFER_EMPTY;
	struct stat stat_;
	int result = fs_read(AT_FDCWD, BOOT_ID, 64, &boot);

	if (result < 0)
		return call_fail_errno(call, result, step, BOOT_ID);
	if (stat("/proc/thread-self/ns/mnt", &stat_) < 0)
		return call_fail_errno(call, errno, step, "/proc/thread-self/ns/mnt");
	place->boot = arena_strdup(arena, boot.data);
	place->mount_namespace = arena_printf(arena, "%llu", (unsigned long long)stat_.st_ino);
	place->state = engine->state;
	return place->boot && place->mount_namespace ? 0 : call_no_memory(call, step);
}

/* *known false: the root is new. */
static int recorded_place(cri_engine *engine, struct arena *arena, struct place *place, bool *known, cri_call *call)
{
	int result = store_setting_get(engine->store, arena, "boot_id", &place->boot, call);

	if (result == 0)
		result = store_setting_get(engine->store, arena, "mount_namespace", &place->mount_namespace, call);
	if (result == 0)
		result = store_setting_get(engine->store, arena, "state", &place->state, call);
	*known = result == 0;
	return result == CRI_ENOTFOUND ? 0 : result;
}

static int record(cri_engine *engine, const struct place *place, cri_call *call)
{
	int result = store_setting_set(engine->store, "mount_namespace", place->mount_namespace, call);

	if (result == 0)
		result = store_setting_set(engine->store, "state", place->state, call);
	return result < 0 ? result : store_setting_set(engine->store, "boot_id", place->boot, call);
}

/* Whether any process lives in that mount namespace. */
static bool is_inhabited(const char *mount_namespace)
{
	CLEANUP_DIR DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		char path[64], inode[32];
		struct stat stat_;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (fs_path(path, sizeof(path), "/proc/%s/ns/mnt", entry->d_name) < 0 || stat(path, &stat_) < 0)
			continue;
		snprintf(inode, sizeof(inode), "%llu", (unsigned long long)stat_.st_ino);
		if (!strcmp(inode, mount_namespace))
			return true;
	}
	return false;
}

/* The place of before is still somebody's: of pods, or of an engine. */
static int refuse(cri_engine *engine, const struct place *there, bool same_namespace, bool has_pods, cri_call *call)
{
	if (!same_namespace)
		return call_fail(call, CRI_EPRECONDITION, step,
				 "root %s is open in another mount namespace%s: open it there (nsenter --mount), or "
				 "%s there first",
				 engine->root, has_pods ? ", where its pods are mounted" : "",
				 has_pods ? "remove its pods" : "close it");
	if (has_pods)
		return call_fail(call, CRI_EPRECONDITION, step,
				 "root %s has pods in the state directory %s: open it with that, or remove them first",
				 engine->root, there->state);
	return call_fail(call, CRI_EPRECONDITION, step,
			 "root %s is open with the state directory %s: open it with that, or close it first",
			 engine->root, there->state);
}

static int check(cri_engine *engine, const char *lock_path, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct place here = { .boot = "", .mount_namespace = "", .state = "" },
		     there = { .boot = "", .mount_namespace = "", .state = "" };
	struct sandbox_row *rows;
	size_t n_rows;
	bool known = false, same_namespace, same_state;
	int open_elsewhere;
	int result = current_place(engine, &arena, &here, call);

	if (result == 0)
		result = recorded_place(engine, &arena, &there, &known, call);
	if (result)
		return result;
	if (!known || strcmp(here.boot, there.boot) != 0)
		return record(engine, &here, call);
	same_namespace = !strcmp(here.mount_namespace, there.mount_namespace);
	same_state = !strcmp(here.state, there.state);
	if (same_namespace && same_state)
		return 0;
	result = store_sandbox_list(engine->store, &arena, NULL, STATES_ALL, &rows, &n_rows, call);
	if (result < 0)
		return result;
	if (n_rows && (same_namespace || is_inhabited(there.mount_namespace)))
		return refuse(engine, &there, same_namespace, true, call);
	open_elsewhere = lock_is_held(lock_path, PRESENCE_BYTE);
	if (open_elsewhere < 0)
		return call_fail_errno(call, open_elsewhere, step, "look at %s", lock_path);
	return open_elsewhere ? refuse(engine, &there, same_namespace, false, call) : record(engine, &here, call);
}

int place_enter(cri_engine *engine, cri_call *call)
{
	char path[PATH_MAX];
	int result = check(engine, path_lock(engine, path), call);

	if (result < 0)
		return result;
	engine->presence = lock_share(path, PRESENCE_BYTE);
	return engine->presence < 0 ? call_fail_errno(call, engine->presence, step, "lock %s", path) : 0;
}

void place_leave(cri_engine *engine)
{
	if (engine->presence < 0)
		return;
	/* In the child of a fork the description is the parent's. */
	if (engine->opened_by == getpid())
		lock_release(engine->presence);
	else
		close(engine->presence);
}
