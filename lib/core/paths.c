/* SPDX-License-Identifier: Apache-2.0 */
#include "core/paths.h"

#include "base/fs.h"
#include "base/text.h"

#define BASE36_LENGTH 13 /* digits of INT64_MAX */

static char *join(char path[PATH_MAX], const char *directory, const char *kind, const char *name)
{
	const char *slash = text_is_empty(name) ? "" : "/";

	return fs_path(path, PATH_MAX, "%s/%s%s%s", directory, kind, slash, name ? name : "") < 0 ? NULL : path;
}

static char *join_object(char path[PATH_MAX], const char *directory, const char *kind, const char *id, const char *name)
{
	const char *slash = text_is_empty(name) ? "" : "/";

	return fs_path(path, PATH_MAX, "%s/%s/%s%s%s", directory, kind, id, slash, name ? name : "") < 0 ? NULL : path;
}

static void base36(int64_t number, char text[BASE36_LENGTH + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char reversed[BASE36_LENGTH];
	uint64_t rest = (uint64_t)number;
	size_t length = 0;

	do {
		reversed[length++] = digits[rest % 36];
		rest /= 36;
	} while (rest > 0);
	for (size_t i = 0; i < length; i++)
		text[i] = reversed[length - 1 - i];
	text[length] = '\0';
}

char *path_database(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->root, "libcri.db", NULL);
}

char *path_lock(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->root, "lock", NULL);
}

char *path_layer(const cri_engine *engine, int64_t layer, char path[PATH_MAX])
{
	char name[BASE36_LENGTH + 1];

	base36(layer, name);
	return join(path, engine->root, "l", name);
}

char *path_layer_fs(const cri_engine *engine, int64_t layer, char path[PATH_MAX])
{
	char name[BASE36_LENGTH + 1];

	base36(layer, name);
	return join_object(path, engine->root, "l", name, "fs");
}

char *path_container_root(const cri_engine *engine, const char *id, char path[PATH_MAX])
{
	return join(path, engine->root, "c", id);
}

char *path_temporary(const cri_engine *engine, const char *id, char path[PATH_MAX])
{
	return join(path, engine->root, "tmp", id);
}

char *path_empty_namespace(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->state, "ns", "empty");
}

char *path_host_namespace(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->state, "ns", "host");
}

char *path_monitor_mounts(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->state, "ns", "monitors");
}

char *path_exits(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->state, "exits", NULL);
}

char *path_exit(const cri_engine *engine, const char *container, char path[PATH_MAX])
{
	return join(path, engine->state, "exits", container);
}

char *path_wake(const cri_engine *engine, char path[PATH_MAX])
{
	return join(path, engine->state, "exits", ".wake");
}

char *path_sandbox(const cri_engine *engine, const char *id, const char *name, char path[PATH_MAX])
{
	return join_object(path, engine->state, "sandboxes", id, name);
}

char *path_container(const cri_engine *engine, const char *id, const char *name, char path[PATH_MAX])
{
	return join_object(path, engine->state, "containers", id, name);
}

char *path_helper(const cri_engine *engine, const char *program, char path[PATH_MAX])
{
	return join(path, engine->helpers, program, NULL);
}
