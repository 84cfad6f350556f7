/* SPDX-License-Identifier: Apache-2.0 */
#include "image/charge.h"

#include "base/fs.h"
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "charge the pull to its pod";

/* Below the pod's: on v2 a cgroup with controllers for others has no processes of its own. */
#define PREFIX "libcri-pull-"
/* Names the cgroup in the directory of the intent. */
#define INTENT "cgroup"

static int open_files(cri_engine *engine, struct arena *arena, struct charge *charge, cri_call *call)
{
	struct cgroup_entry entry = { .n_files = 0 };
	int result = cgroup_entry_files(engine->cgroups, charge->cgroup, arena, &entry, call);
	int *files = result < 0 ? NULL : arena_array(arena, entry.n_files + 1, sizeof(*files));

	if (result < 0)
		return result;
	if (!files)
		return call_no_memory(call, step);
	files[0] = -1;
	charge->files = files;
	for (size_t i = 0; i < entry.n_files; i++) {
		files[i] = open(entry.files[i], O_WRONLY | O_CLOEXEC);
		if (files[i] < 0)
			return call_fail_errno(call, errno, step, "open %s", entry.files[i]);
		files[i + 1] = -1;
	}
	if (entry.v2) {
		charge->v2 = open(entry.v2_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (charge->v2 < 0)
			return call_fail_errno(call, errno, step, "open %s", entry.v2_directory);
	}
	return 0;
}

int charge_begin(cri_engine *engine, struct arena *arena, const char *parent, struct charge *charge, cri_call *call)
{
	CLEANUP_CLOSE int directory = -1;
	const char *cgroup;
	int result = temporary_make(engine, &charge->intent, call);

	if (result < 0)
		return result;
	cgroup = arena_printf(arena, "%s/" PREFIX "%s", strcmp(parent, "/") == 0 ? "" : parent, charge->intent.id);
	if (!cgroup)
		return call_no_memory(call, step);
	directory = open(charge->intent.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = directory < 0 ? -errno : fs_write_atomic(directory, INTENT, cgroup, strlen(cgroup), 0600, false);
	if (result)
		return call_fail_errno(call, result, step, "write to %s", charge->intent.path);
	charge->cgroup = cgroup;
	result = cgroup_create(engine->cgroups, cgroup, call);
	return result < 0 ? result : open_files(engine, arena, charge, call);
}

void charge_spawn(const struct charge *charge, struct spawn *spawn)
{
	if (!charge || !charge->cgroup)
		return;
	spawn->cgroup_fds = charge->files;
	spawn->cgroup_v2_fd = charge->v2;
}

static int destroy(cri_engine *engine, const char *cgroup, cri_call *call)
{
	int result = cgroup_kill(engine->cgroups, cgroup, call);

	return result < 0 ? result : cgroup_remove(engine->cgroups, cgroup, call);
}

void charge_end(cri_engine *engine, struct charge *charge, cri_call *call)
{
	cri_call end;

	call_init_child(&end, call);
	call_shield(&end);
	for (int *file = charge->files; file && *file >= 0; file++)
		close(*file);
	cleanup_close_fd(&charge->v2);
	/* One that stays is found by its intent at the next open. */
	if (charge->cgroup && destroy(engine, charge->cgroup, &end) < 0) {
		engine_log(engine, CRI_LOG_WARNING, "%s", cri_call_message(&end));
		*charge->intent.path = '\0';
	}
	temporary_remove(engine, &charge->intent);
	call_unshield(&end);
	*charge = (struct charge)CHARGE_NONE;
}

void charge_recover(cri_engine *engine, const char *temporary, cri_call *call)
{
	CLEANUP_BUFFER struct buffer cgroup = BUFFER_EMPTY;
	CLEANUP_CLOSE int directory = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cri_call quiet;

	if (directory < 0 || fs_read(directory, INTENT, PATH_MAX, &cgroup) || !strstr(cgroup.data, "/" PREFIX))
		return;
	call_init_child(&quiet, call);
	if (destroy(engine, cgroup.data, &quiet) < 0)
		engine_log(engine, CRI_LOG_WARNING, "%s", cri_call_message(&quiet));
}
