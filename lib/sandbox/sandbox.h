/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's life inside. Functions on an id expect its object lock to be held. */
#ifndef LIBCRI_SANDBOX_SANDBOX_H
#define LIBCRI_SANDBOX_SANDBOX_H

#include "base/text.h"
#include "core/engine.h"
#include "store/store.h"

/* A pod of the host's network that asks for no name of its own lives under the host's, as every engine has it. */
static inline bool sandbox_shares_host_name(const cri_sandbox_config *config)
{
	return config->network == CRI_NAMESPACE_NODE && text_is_empty(config->hostname);
}

/* Removes a pod in any state with all its containers. Idempotent. */
int sandbox_destroy(cri_engine *engine, const char *id, cri_call *call);

/* Kills its containers, unpins its namespaces, marks it NOTREADY. Idempotent. */
int sandbox_halt(cri_engine *engine, const struct sandbox_row *row, cri_call *call);

/* The pod's files and its shared memory, below path_sandbox, which exists (files.c). */
int sandbox_write_files(cri_engine *engine, const char *id, const cri_sandbox_config *config, cri_call *call);
/* Its hosts file anew, with the addresses that the pod was given since. */
int sandbox_write_hosts(cri_engine *engine, const char *id, const cri_sandbox_config *config, cri_call *call);
int sandbox_mount_shared_memory(cri_engine *engine, const char *id, cri_call *call);
int sandbox_unmount_shared_memory(cri_engine *engine, const char *id, cri_call *call);

/* The name inside: what was asked for, else the pod's name made fit to be one. */
const char *sandbox_hostname(struct arena *arena, const cri_sandbox_config *config);

/* The pause container of a pod that shares its PID namespace, or of every pod when an image is set (pause.c). */
bool sandbox_needs_pause(const cri_engine *engine, const cri_sandbox_config *config);
/* Before anything of the pod is made or locked: sees to it that pod_sandbox_image is in the store, which may take a
 * pull. */
int sandbox_prepare_pause(cri_engine *engine, cri_call *call);
int sandbox_start_pause(cri_engine *engine, const struct sandbox_row *sandbox, const cri_sandbox_config *config,
			cri_call *call);

/* At open: pods and containers that a killed process left half-made or half-removed, and what a restart of the machine
 * ended. Touches only objects whose lock it gets (recovery.c). */
int sandbox_recover(cri_engine *engine, cri_call *call);

#endif
