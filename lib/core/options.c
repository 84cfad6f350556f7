/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include "base/text.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "image/pull.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "check the options";

#define DEFAULT_ROOT "/var/lib/libcri"
#define DEFAULT_STATE "/run/libcri"
#define DEFAULT_CGROUP_PARENT "/libcri"
#define DEFAULT_HANDLER "lxc"
#define DEFAULT_LAYERS 4
#define DEFAULT_LAYER_BYTES (UINT64_C(64) << 30)
#define DEFAULT_EVENTS 10000

/* What is appended to root and state stays well below PATH_MAX, and 127 layer paths below a page of mount options. */
#define DIRECTORY_MAX 1024

static const char *or_default(const char *text, const char *otherwise)
{
	return text_is_empty(text) ? otherwise : text;
}

/* Absolute, without "//" and trailing "/"; ".." would make two names of one root. */
static int settle_directory(struct arena *arena, const char *name, const char **directory, cri_call *call)
{
	const char *from = *directory;
	char *to;
	size_t n = 0;

	if (from[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" is not absolute", name, from);
	if (strlen(from) > DIRECTORY_MAX)
		return call_fail(call, CRI_EINVAL, step, "%s: it is longer than %d characters", name, DIRECTORY_MAX);
	if (strstr(from, "/../") || text_ends(from, "/.."))
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has a \"..\"", name, from);
	/* overlayfs separates layers by ':' and options by ','. */
	if (strpbrk(from, ":,\\\"\n"))
		return call_fail(call, CRI_EINVAL, step, "%s: \"%s\" has a character that mount options cannot hold",
				 name, from);
	to = arena_alloc(arena, strlen(from) + 1);
	if (!to)
		return call_no_memory(call, step);
	for (size_t i = 0; from[i]; i++) {
		if (from[i] != '/' || (from[i + 1] && from[i + 1] != '/'))
			to[n++] = from[i];
	}
	if (!n)
		return call_fail(call, CRI_EINVAL, step, "%s: it is \"/\"", name);
	*directory = to;
	return 0;
}

/* Options whose area is not built yet must not be taken and ignored. */
static int check_built(const cri_engine_options *options, cri_call *call)
{
	if (options->cgroup_driver != CRI_CGROUP_CGROUPFS)
		return call_fail(call, CRI_ENOTSUP, step, "cgroup_driver: the systemd driver is not built yet");
	if (options->n_handlers)
		return call_fail(call, CRI_ENOTSUP, step, "handlers: handlers beside lxc are not built yet");
	return 0;
}

static int settle(struct arena *arena, cri_engine_options *options, cri_call *call)
{
	const char *environment = secure_getenv("LIBCRI_HELPER_DIRECTORY");
	int result;

	options->root = or_default(options->root, DEFAULT_ROOT);
	options->state = or_default(options->state, DEFAULT_STATE);
	options->helper_directory =
		or_default(options->helper_directory, or_default(environment, LIBCRI_HELPER_DIRECTORY));
	options->cgroup_parent = or_default(options->cgroup_parent, DEFAULT_CGROUP_PARENT);
	options->default_handler = or_default(options->default_handler, DEFAULT_HANDLER);
	options->max_parallel_layers = options->max_parallel_layers ? options->max_parallel_layers : DEFAULT_LAYERS;
	options->max_layer_bytes = options->max_layer_bytes ? options->max_layer_bytes : DEFAULT_LAYER_BYTES;
	options->max_events = options->max_events ? options->max_events : DEFAULT_EVENTS;
	result = settle_directory(arena, "root", &options->root, call);
	if (result == 0)
		result = settle_directory(arena, "state", &options->state, call);
	if (result == 0)
		result = settle_directory(arena, "helper_directory", &options->helper_directory, call);
	if (result == 0)
		result = cgroup_check_path(options->cgroup_parent, "cgroup_parent", call);
	if (result == 0)
		result = registry_check_options(options, call);
	return result < 0 ? result : check_built(options, call);
}

int options_settle(struct arena *arena, const cri_engine_options *given, cri_engine_options *options, cri_call *call)
{
	cri_engine_options settled;
	const void *copy;
	int result = config_copy(&config_engine_options, arena, given, &copy, call);

	if (result < 0)
		return result;
	settled = *(const cri_engine_options *)copy;
	result = settle(arena, &settled, call);
	if (result == 0)
		*options = settled;
	return result;
}
