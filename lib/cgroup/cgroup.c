/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/files.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define PATH_LIMIT 2048
#define COMPONENT_LIMIT 256

const struct cgroup_hierarchy *cgroup_hierarchy_of(const struct cgroup_system *system, const char *controller)
{
	size_t length = strlen(controller);

	for (size_t i = 0; i < system->n_hierarchies; i++) {
		const char *list = system->hierarchies[i].controllers;

		for (const char *at = strchr(list, ','); at; at = strchr(at + 1, ',')) {
			if (strncmp(at + 1, controller, length) == 0 && at[1 + length] == ',')
				return &system->hierarchies[i];
		}
	}
	return NULL;
}

const struct cgroup_hierarchy *cgroup_hierarchy_v2(const struct cgroup_system *system)
{
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		if (system->hierarchies[i].v2)
			return &system->hierarchies[i];
	}
	return NULL;
}

int cgroup_check_path(const char *path, const char *field, cri_call *call)
{
	static const char step[] = "check the cgroup";

	if (text_is_empty(path) || path[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" is not absolute", field, path ? path : "");
	if (strlen(path) >= PATH_LIMIT)
		return call_fail(call, CRI_EINVAL, step, "%s: longer than %d bytes", field, PATH_LIMIT - 1);
	for (const char *at = path; *at && strcmp(path, "/") != 0;) {
		size_t length = strcspn(++at, "/");

		if (length == 0 || length >= COMPONENT_LIMIT)
			return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has a component of %zu bytes", field, path,
					 length);
		if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
			return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has the component \"%.*s\"", field, path,
					 (int)length, at);
		/* It becomes a line of a liblxc configuration. */
		for (size_t i = 0; i < length; i++) {
			if ((unsigned char)at[i] < ' ' || at[i] == '\x7f')
				return call_fail(call, CRI_EINVAL, step, "%s: it has a control character", field);
		}
		at += length;
	}
	return 0;
}

static bool is_bare(const struct cgroup_system *system, const struct cgroup_hierarchy *hierarchy)
{
	return hierarchy->v2 && !system->unified && strcmp(hierarchy->controllers, ",") == 0;
}

static int entry_files(const struct cgroup_system *system, const char *path, bool bare, struct arena *arena,
		       struct cgroup_entry *entry, cri_call *call)
{
	static const char step[] = "name the cgroup's files";
	const char **names = arena_array(arena, system->n_hierarchies, sizeof(*names));
	char name[PATH_MAX];

	if (!names)
		return call_no_memory(call, step);
	*entry = (struct cgroup_entry){ .files = names };
	for (size_t i = 0; i < system->n_hierarchies; i++) {
		const struct cgroup_hierarchy *hierarchy = &system->hierarchies[i];
		int result = cgroup_path(name, hierarchy, path, hierarchy->v2 ? NULL : "tasks");
		const char *kept;

		if (!bare && is_bare(system, hierarchy))
			continue;
		if (result < 0)
			return call_fail_errno(call, result, step, "%s", path);
		kept = arena_strdup(arena, name);
		if (!kept)
			return call_no_memory(call, step);
		if (hierarchy->v2) {
			entry->v2 = hierarchy;
			entry->v2_directory = kept;
		} else {
			names[entry->n_files++] = kept;
		}
	}
	return 0;
}

int cgroup_entry_files(const struct cgroup_system *system, const char *path, struct arena *arena,
		       struct cgroup_entry *entry, cri_call *call)
{
	return entry_files(system, path, false, arena, entry, call);
}

/* Whether this process is in the root cgroup of v2. */
static bool is_in_root(void)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	const char *at;

	if (fs_read(AT_FDCWD, "/proc/self/cgroup", 1u << 20, &text) < 0)
		return false;
	at = text_starts(text.data, "0::") ? text.data : strstr(text.data, "\n0::");
	return at && text_starts(strchr(at, ':'), "::/\n");
}

int cgroup_escape_files(const struct cgroup_system *system, const char *path, struct arena *arena,
			struct cgroup_entry *entry, cri_call *call)
{
	return entry_files(system, path, !is_in_root(), arena, entry, call);
}
