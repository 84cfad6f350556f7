/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime handlers. What is behind a handler's name differs in how a container is created; everything afterwards goes
 * through cri-shim, which is the same for all.
 */
#ifndef LIBCRI_RUNTIME_HANDLER_H
#define LIBCRI_RUNTIME_HANDLER_H

#include "core/engine.h"
#include "runtime/container.h"

struct runtime_handler {
	const char *name; /* canonical */
	/* Writes what the shim needs below the container's state directory (path_container), which exists: the rendered
	 * configuration, shim.json, the process record. */
	int (*prepare)(cri_engine *engine, const struct runtime_container *container, cri_call *call);
	/* Sets what the container's cgroup allows, which exists; the shim starts meanwhile. */
	int (*confine)(cri_engine *engine, const struct runtime_container *container, cri_call *call);
};

/* "" and NULL: the engine's default; "lcr" is "lxc". CRI_EINVAL lists the known names. */
int runtime_handler_find(cri_engine *engine, const char *name, const struct runtime_handler **handler, cri_call *call);

/* The lxc handler's parts (lxc_config.c, shim_order.c, process_record.c), apart for tests. Texts freed with free(). */
int runtime_render_lxc(cri_engine *engine, const struct runtime_container *container, char **text, cri_call *call);
int runtime_render_order(cri_engine *engine, const struct runtime_container *container, char **json, cri_call *call);
struct buffer;
int runtime_encode_process(const struct runtime_process *process, struct buffer *record, cri_call *call);

#endif
