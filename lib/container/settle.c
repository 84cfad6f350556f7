/* SPDX-License-Identifier: Apache-2.0 */
#include "container/settle.h"

#include "base/signals.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "config/config.h"
#include "container/log_path.h"
#include "core/paths.h"
#include "runtime/seccomp.h"
#include "runtime/shim.h"

#include <string.h>

static const char step[] = "settle the configuration";

#define PIDS_ANNOTATION "cgroup.pids.max"

static int settle_rootfs(cri_engine *engine, struct arena *arena, const char *id, struct settled_container *settled,
			 cri_call *call)
{
	struct runtime_container *description = &settled->description;
	char path[PATH_MAX];
	int result = image_root(engine, arena, &settled->image, &settled->root, call);

	if (result < 0)
		return result;
	description->layers = settled->root.layers;
	description->n_layers = settled->root.n_layers;
	description->writable = arena_strdup(arena, path_container_root(engine, id, path));
	description->readonly_rootfs = settled->config->readonly_rootfs;
	return description->writable ? 0 : call_no_memory(call, step);
}

/* cgroup.pids.max as an annotation is the 2019 interface's way to limit processes; the field is ours. */
static int settle_resources(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	cri_resources *resources;

	settled->resources = config->resources;
	for (size_t i = 0; i < config->n_annotations; i++) {
		if (strcmp(config->annotations[i]->key, PIDS_ANNOTATION) != 0)
			continue;
		resources = arena_alloc(arena, sizeof(*resources));
		if (!resources)
			return call_no_memory(call, step);
		if (config->resources)
			*resources = *config->resources;
		else
			cri_resources_init(resources, sizeof(*resources));
		if (text_to_int64(config->annotations[i]->value, &resources->pids_limit) < 0)
			return call_fail(call, CRI_EINVAL, step,
					 "annotations[\"" PIDS_ANNOTATION "\"]: \"%s\" is no number",
					 config->annotations[i]->value);
		settled->resources = resources;
	}
	return 0;
}

/* Privileged is unconfined, whatever is asked for (Kubernetes' rule). */
static int settle_seccomp(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;

	if (config->privileged)
		return 0;
	return seccomp_settle(arena, config->seccomp, config->seccomp_profile_path, &settled->description.seccomp,
			      call);
}

int settle_container(cri_engine *engine, struct arena *arena, const char *id, struct settled_container *settled,
		     cri_call *call)
{
	struct runtime_container *description = &settled->description;
	int result;

	description->id = id;
	description->sandbox_id = settled->sandbox.id;
	description->handler = settled->sandbox.handler;
	description->privileged = settled->config->privileged;
	description->stdin_open = settled->config->stdin_;
	description->stdin_once = settled->config->stdin_once;
	description->cgroup = arena_printf(arena, "%s/%s", settled->sandbox.cgroup, id);
	if (!description->cgroup)
		return call_no_memory(call, step);
	result = settle_rootfs(engine, arena, id, settled, call);
	if (result == 0)
		result = settle_resources(arena, settled, call);
	if (result == 0 && settled->resources)
		result = config_check_resources(settled->resources, "linux.resources", call);
	if (result == 0)
		result = settle_process(arena, settled, call);
	if (result == 0)
		result = settle_seccomp(arena, settled, call);
	if (result == 0)
		result = settle_namespaces(engine, arena, settled, call);
	if (result == 0)
		result = settle_devices(arena, settled, call);
	if (result == 0)
		result = settle_mounts(engine, arena, settled, call);
	if (result == 0)
		result = log_path_resolve(arena, settled->sandbox_config->log_directory, settled->config->log_path,
					  &description->log, call);
	return result;
}

static int settle_stop_signal(const struct settled_container *settled, const char **name, cri_call *call)
{
	const char *wanted = settled->config->stop_signal;
	int number;

	if (text_is_empty(wanted))
		wanted = settled->image_config.stop_signal;
	number = text_is_empty(wanted) ? signal_from_name("TERM") : signal_from_name(wanted);
	if (number < 0)
		return call_fail(call, CRI_EINVAL, step, "stop_signal: \"%s\" is no signal", wanted);
	*name = signal_name(number);
	return 0;
}

/* What a status shows of the config, so that it need not be read for that. */
static int settle_shown(struct arena *arena, const struct settled_container *settled, struct container_row *row,
			cri_call *call)
{
	const cri_container_config *config = settled->config;
	cri_container_config shown = { .mounts = config->mounts, .n_mounts = config->n_mounts };

	if (!text_is_empty(row->log_path))
		row->shown_log_path = log_path_join(arena, settled->sandbox_config->log_directory, config->log_path);
	if (!row->shown_log_path)
		return call_no_memory(call, step);
	return config->n_mounts ? config_to_text(&config_container, arena, &shown, &row->mounts, call) : 0;
}

int settle_row(struct arena *arena, const char *id, const struct settled_container *settled, struct container_row *row,
	       cri_call *call)
{
	const cri_container_config *config = settled->config;
	int result;

	*row = (struct container_row){
		.id = id,
		.sandbox_id = settled->sandbox.id,
		.name = config->name,
		.attempt = config->attempt,
		.state = CONTAINER_CREATING,
		.reason = "",
		.message = "",
		.image = config->image,
		.user_specified_image = config->user_specified_image,
		.image_id = settled->image.id,
		.log_path = settled->description.log,
		.shown_log_path = "",
		.mounts = "",
		.resources = "",
		.user = "",
		.cgroup = settled->description.cgroup,
		.layers = settled->image.layers,
		.n_layers = settled->image.n_layers,
	};
	result = settle_stop_signal(settled, &row->stop_signal, call);
	if (result < 0)
		return result;
	result = config_to_text(&config_container, arena, config, &row->config, call);
	if (result == 0)
		result = settle_shown(arena, settled, row, call);
	if (result == 0)
		result = config_pairs_to_text(arena, config->labels, config->n_labels, &row->labels, call);
	if (result == 0)
		result = config_pairs_to_text(arena, config->annotations, config->n_annotations, &row->annotations,
					      call);
	if (result == 0 && settled->resources)
		result = config_to_text(&config_resources, arena, settled->resources, &row->resources, call);
	return result;
}
