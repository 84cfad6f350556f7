/* SPDX-License-Identifier: Apache-2.0 */
#include "core/place.h"

#include "base/fs.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char step[] = "open the engine";

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

int place_check(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct place here = { .boot = "", .mount_namespace = "", .state = "" },
		     there = { .boot = "", .mount_namespace = "", .state = "" };
	struct sandbox_row *rows;
	size_t n_rows;
	bool known = false, same_namespace, same_state;
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
	if (n_rows && !same_namespace && is_inhabited(there.mount_namespace))
		return call_fail(
			call, CRI_EPRECONDITION, step,
			"root %s is open in another mount namespace, where its pods are mounted: open it there "
			"(nsenter --mount), or remove its pods there first",
			engine->root);
	if (n_rows && same_namespace)
		return call_fail(call, CRI_EPRECONDITION, step,
				 "root %s has pods in the state directory %s: open it with that, or remove them first",
				 engine->root, there.state);
	return record(engine, &here, call);
}
