/* SPDX-License-Identifier: Apache-2.0 */
/* The pause container: a first process that keeps a shared PID namespace alive and reaps its orphans. */
#include "sandbox/sandbox.h"

#include "base/lock.h"
#include "base/random.h"
#include "base/signals.h"
#include "container/container.h"
#include "core/paths.h"
#include "image/mounted.h"
#include "runtime/capability.h"
#include "runtime/seccomp.h"
#include "runtime/shim.h"

#include <string.h>

static const char step[] = "start the pause container";

#if defined(__x86_64__)
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "aarch64" /* as the 2019 interface names it, not arm64 */
#else
#define MACHINE "unknown"
#endif

bool sandbox_needs_pause(const cri_engine *engine, const cri_sandbox_config *config)
{
	return config->pid == CRI_NAMESPACE_POD || !text_is_empty(engine->options.pod_sandbox_image);
}

/* pod_sandbox_image with ${machine} replaced. */
static const char *image_reference(const cri_engine *engine, struct arena *arena)
{
	static const char variable[] = "${machine}";
	const char *image = engine->options.pod_sandbox_image;
	const char *at = strstr(image, variable);

	if (!at)
		return image;
	return arena_printf(arena, "%.*s" MACHINE "%s", (int)(at - image), image, at + strlen(variable));
}

int sandbox_prepare_pause(cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct image_row image;
	const char *reference;
	cri_call own;
	int result;

	if (text_is_empty(engine->options.pod_sandbox_image))
		return 0;
	reference = image_reference(engine, &arena);
	if (!reference)
		return call_no_memory(call, step);
	/* Its failures are about the image; here they are told of the pod. */
	call_init_child(&own, call);
	result = image_ensure_pinned(engine, &arena, reference, &image, &own);
	return result < 0 ? call_fail(call, result, step, "pod_sandbox_image: %s", cri_call_message(&own)) : 0;
}

static int use_image(cri_engine *engine, struct arena *arena, const char *id, struct runtime_container *pause,
		     struct container_row *row, cri_call *call)
{
	const char *reference = image_reference(engine, arena);
	struct image_row image;
	struct image_config config;
	struct image_root root;
	const char **arguments;
	char path[PATH_MAX];
	int result;

	if (!reference)
		return call_no_memory(call, step);
	result = image_find(engine, arena, reference, &image, call);
	if (result == CRI_ENOTFOUND) {
		call_clear(call);
		return call_fail(call, CRI_EPRECONDITION, step, "pod_sandbox_image %s was removed meanwhile",
				 reference);
	}
	if (result == 0)
		result = image_config_parse(arena, image.config, strlen(image.config), &config, call);
	if (result)
		return result;
	arguments = arena_array(arena, config.n_entrypoint + config.n_command, sizeof(*arguments));
	if (!arguments)
		return call_no_memory(call, step);
	result = image_root(engine, arena, &image, &root, call);
	if (result < 0)
		return result;
	if (root.n_mounts)
		return call_fail(call, CRI_ENOTSUP, step,
				 "pod_sandbox_image %s has layers that are mounted beside its root", reference);
	for (size_t i = 0; i < config.n_entrypoint; i++)
		arguments[i] = config.entrypoint[i];
	for (size_t i = 0; i < config.n_command; i++)
		arguments[config.n_entrypoint + i] = config.command[i];
	pause->process.arguments = arguments;
	pause->process.n_arguments = config.n_entrypoint + config.n_command;
	pause->process.environment = config.environment;
	pause->process.n_environment = config.n_environment;
	pause->process.directory = text_is_empty(config.working_dir) ? "/" : config.working_dir;
	pause->process.user = config.user;
	pause->layers = root.layers;
	pause->n_layers = root.n_layers;
	pause->writable = arena_strdup(arena, path_container_root(engine, id, path));
	row->image = reference;
	row->image_id = image.id;
	row->layers = image.layers;
	row->n_layers = image.n_layers;
	if (!pause->writable)
		return call_no_memory(call, step);
	if (!pause->process.n_arguments)
		return call_fail(call, CRI_EPRECONDITION, step, "image %s names no command", reference);
	return 0;
}

/* The pod's security context is the pause process's own; its containers have theirs. */
static void apply_security(const cri_sandbox_config *config, struct arena *arena, struct runtime_container *pause)
{
	if (config->has_run_as_user)
		pause->process.user = arena_printf(arena, "%lld", (long long)config->run_as_user);
	pause->process.has_group = config->has_run_as_group;
	pause->process.group = config->run_as_group;
	pause->process.groups = config->supplemental_groups;
	pause->process.n_groups = config->n_supplemental_groups;
	pause->process.groups_strict = config->supplemental_groups_policy == CRI_GROUPS_STRICT;
	pause->process.no_new_privs = true;
	pause->readonly_rootfs = config->readonly_rootfs;
	pause->privileged = config->privileged;
}

static int describe(cri_engine *engine, struct arena *arena, const struct sandbox_row *sandbox,
		    const cri_sandbox_config *config, struct runtime_container *pause, cri_call *call)
{
	char path[PATH_MAX];

	pause->sandbox_id = sandbox->id;
	pause->handler = sandbox->handler;
	pause->cgroup = arena_printf(arena, "%s/%s", sandbox->cgroup, pause->id);
	pause->network_namespace = config->network == CRI_NAMESPACE_NODE
					   ? RUNTIME_NAMESPACE_HOST
					   : arena_strdup(arena, path_sandbox(engine, sandbox->id, "net", path));
	pause->ipc_namespace = config->ipc == CRI_NAMESPACE_NODE
				       ? RUNTIME_NAMESPACE_HOST
				       : arena_strdup(arena, path_sandbox(engine, sandbox->id, "ipc", path));
	pause->uts_namespace = sandbox_shares_host_name(config)
				       ? RUNTIME_NAMESPACE_HOST
				       : arena_strdup(arena, path_sandbox(engine, sandbox->id, "uts", path));
	pause->pid_namespace = "";
	pause->log = "";
	if (!pause->cgroup || !pause->network_namespace || !pause->ipc_namespace || !pause->uts_namespace)
		return call_no_memory(call, step);
	return 0;
}

int sandbox_start_pause(cri_engine *engine, const struct sandbox_row *sandbox, const cri_sandbox_config *config,
			cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct runtime_container pause = { .id = sandbox->pause, .writable = "" };
	struct container_row row = {
		.id = sandbox->pause,
		.sandbox_id = sandbox->id,
		.name = "",
		.pause = true,
		.reason = "",
		.message = "",
		.image = "",
		.user_specified_image = "",
		.image_id = "",
		.config = "{}",
		.labels = "{}",
		.annotations = "{}",
		.log_path = "",
		.resources = "",
		.user = "",
		.stop_signal = "SIGTERM",
	};
	struct shim_start start = SHIM_START_NONE;
	CLEANUP_LOCK int lock = -1;
	int result = describe(engine, &arena, sandbox, config, &pause, call);

	row.cgroup = pause.cgroup;
	if (text_is_empty(engine->options.pod_sandbox_image)) {
		pause.process.pause = true;
		pause.process.directory = "/";
		pause.process.user = "";
	} else if (result == 0) {
		result = use_image(engine, &arena, pause.id, &pause, &row, call);
	}
	if (result < 0)
		return result;
	apply_security(config, &arena, &pause);
	if (!pause.process.user)
		return call_no_memory(call, step);
	if (!config->privileged)
		result = seccomp_settle(&arena, config->seccomp, config->seccomp_profile_path, &pause.seccomp, call);
	if (result == 0)
		result = engine_lock_object(engine, row.id, &lock, call);
	if (result == 0)
		result = container_make(engine, &row, &pause, NULL, &start, call);
	return result < 0 ? result : container_launch(engine, &row, call);
}
