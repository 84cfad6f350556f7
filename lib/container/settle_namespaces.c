/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces a container joins. */
#include "container/settle.h"

#include "core/paths.h"
#include "runtime/shim.h"
#include "sandbox/sandbox.h"

#include <string.h>

static const char step[] = "settle the namespaces";

static const char *pinned(cri_engine *engine, struct arena *arena, const char *sandbox, const char *name)
{
	char path[PATH_MAX];

	return arena_strdup(arena, path_sandbox(engine, sandbox, name, path));
}

/* The namespace of another container's first process: of the pod's pause container, or of the target. */
static int of_container(cri_engine *engine, struct arena *arena, const char *id, const char **path, cri_call *call)
{
	struct container_row row;
	enum shim_liveness liveness;
	int result = store_container_get(engine->store, arena, id, true, &row, call);

	if (result < 0)
		return result;
	result = shim_liveness(engine, row.id, &liveness, call);
	if (result < 0)
		return result;
	if (row.pid <= 0 || liveness == SHIM_DEAD || (row.state != CONTAINER_RUNNING && row.state != CONTAINER_CREATED))
		return call_fail(call, CRI_EPRECONDITION, step,
				 "container %s, whose PID namespace is wanted, does not run", row.id);
	*path = arena_printf(arena, "/proc/%d/ns/pid", row.pid);
	return *path ? 0 : call_no_memory(call, step);
}

static int of_target(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call)
{
	struct container_row target;
	int result = store_container_get(engine->store, arena, settled->config->target_id, false, &target, call);

	if (result < 0)
		return result;
	if (strcmp(target.sandbox_id, settled->sandbox.id) != 0)
		return call_fail(call, CRI_EINVAL, step,
				 "linux.security_context.namespace_options.target_id: container %s is in another pod",
				 target.id);
	return of_container(engine, arena, target.id, &settled->description.pid_namespace, call);
}

static int settle_pid(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call)
{
	struct runtime_container *description = &settled->description;

	switch (settled->config->pid) {
	case CRI_NAMESPACE_CONTAINER:
		description->pid_namespace = "";
		return 0;
	case CRI_NAMESPACE_NODE:
		description->pid_namespace = RUNTIME_NAMESPACE_HOST;
		return 0;
	case CRI_NAMESPACE_TARGET:
		return of_target(engine, arena, settled, call);
	case CRI_NAMESPACE_POD:
		break;
	}
	/* "The pod's" is what the pod was made with; only a pod of mode POD has one to share. */
	if (settled->sandbox_config->pid == CRI_NAMESPACE_NODE) {
		description->pid_namespace = RUNTIME_NAMESPACE_HOST;
		return 0;
	}
	if (settled->sandbox_config->pid != CRI_NAMESPACE_POD) {
		description->pid_namespace = "";
		return 0;
	}
	return of_container(engine, arena, settled->sandbox.pause, &description->pid_namespace, call);
}

int settle_namespaces(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call)
{
	struct runtime_container *description = &settled->description;
	const cri_sandbox_config *pod = settled->sandbox_config;
	const char *sandbox = settled->sandbox.id;

	description->network_namespace =
		pod->network == CRI_NAMESPACE_NODE ? RUNTIME_NAMESPACE_HOST : pinned(engine, arena, sandbox, "net");
	if (settled->config->ipc == CRI_NAMESPACE_CONTAINER)
		description->ipc_namespace = "";
	else
		description->ipc_namespace =
			pod->ipc == CRI_NAMESPACE_NODE ? RUNTIME_NAMESPACE_HOST : pinned(engine, arena, sandbox, "ipc");
	description->uts_namespace =
		sandbox_shares_host_name(pod) ? RUNTIME_NAMESPACE_HOST : pinned(engine, arena, sandbox, "uts");
	if (!description->network_namespace || !description->ipc_namespace || !description->uts_namespace)
		return call_no_memory(call, step);
	return settle_pid(engine, arena, settled, call);
}
