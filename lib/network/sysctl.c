/* SPDX-License-Identifier: Apache-2.0 */
#include "network/sysctl.h"

#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct {
	const char *path;
	bool prefix;
	enum sysctl_namespace which;
} namespaced[] = {
	{ "net/", true, SYSCTL_NETWORK },           { "kernel/shm", true, SYSCTL_IPC },
	{ "kernel/msg", true, SYSCTL_IPC },         { "kernel/sem", false, SYSCTL_IPC },
	{ "fs/mqueue/", true, SYSCTL_IPC },         { "kernel/sem_next_id", false, SYSCTL_IPC },
	{ "kernel/domainname", false, SYSCTL_UTS },
};

/* With "." as separator, "/" stands for a dot within a component (an interface's name). */
static void to_path(const char *name, char path[SYSCTL_PATH_MAX])
{
	const char *first = strpbrk(name, "./");
	bool dotted = first && *first == '.';

	for (; *name; name++)
		*path++ = !dotted ? *name : *name == '.' ? '/' : *name == '/' ? '.' : *name;
	*path = '\0';
}

static bool components_are_valid(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (!length || (length == 1 && path[0] == '.') || (length == 2 && !strncmp(path, "..", 2)))
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

int sysctl_path(const char *name, char path[SYSCTL_PATH_MAX], enum sysctl_namespace *which)
{
	if (strlen(name) >= SYSCTL_PATH_MAX)
		return -EINVAL;
	to_path(name, path);
	if (!components_are_valid(path))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(namespaced) / sizeof(namespaced[0]); i++) {
		if (namespaced[i].prefix ? text_starts(path, namespaced[i].path) : !strcmp(path, namespaced[i].path)) {
			*which = namespaced[i].which;
			return 0;
		}
	}
	return -ENOTSUP;
}
