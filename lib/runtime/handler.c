/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/handler.h"

#include "base/fs.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "core/paths.h"
#include "runtime/seccomp.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "prepare the container";
static const char find_step[] = "find the runtime handler";

static int write_file(cri_engine *engine, const char *id, const char *name, const void *bytes, size_t length,
		      cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_write_atomic(AT_FDCWD, path_container(engine, id, name, path), bytes, length, 0600, false);

	return result < 0 ? call_fail_errno(call, result, step, "%s", path) : 0;
}

static int write_text(cri_engine *engine, const char *id, const char *name, const char *text, cri_call *call)
{
	return write_file(engine, id, name, text, strlen(text), call);
}

static int prepare_lxc(cri_engine *engine, const struct runtime_container *container, cri_call *call)
{
	CLEANUP_BUFFER struct buffer record = BUFFER_EMPTY;
	CLEANUP_FREE char *config = NULL;
	CLEANUP_FREE char *order = NULL;
	int result = runtime_render_lxc(engine, container, &config, call);

	if (result == 0)
		result = runtime_render_order(engine, container, &order, call);
	if (result == 0)
		result = runtime_encode_process(&container->process, &record, call);
	if (result == 0)
		result = write_text(engine, container->id, "lxc.conf", config, call);
	if (result == 0)
		result = write_text(engine, container->id, "shim.json", order, call);
	if (result == 0)
		result = write_file(engine, container->id, "process", record.data, record.length, call);
	if (result == 0 && !text_is_empty(container->seccomp) && strcmp(container->seccomp, SECCOMP_DEFAULT) != 0)
		result = write_text(engine, container->id, "seccomp.json", container->seccomp, call);
	return result;
}

static int confine_lxc(cri_engine *engine, const struct runtime_container *container, cri_call *call)
{
	return cgroup_allow_devices(engine->cgroups, container->cgroup, container->device_rules,
				    container->n_device_rules, call);
}

static const struct runtime_handler lxc = { "lxc", prepare_lxc, confine_lxc };

int runtime_handler_find(cri_engine *engine, const char *name, const struct runtime_handler **handler, cri_call *call)
{
	if (text_is_empty(name))
		name = engine->options.default_handler;
	if (text_is_empty(name) || !strcmp(name, "lxc") || !strcmp(name, "lcr")) {
		*handler = &lxc;
		return 0;
	}
	for (size_t i = 0; i < engine->options.n_handlers; i++) {
		if (text_equal(engine->options.handlers[i]->name, name))
			return call_fail(call, CRI_ENOTSUP, find_step, "%s: handlers of type %s are not built yet",
					 name, engine->options.handlers[i]->type);
	}
	return call_fail(call, CRI_EINVAL, find_step, "runtime_handler: \"%s\" is not known: lxc, lcr", name);
}
