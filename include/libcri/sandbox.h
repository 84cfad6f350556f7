/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/sandbox.h
 * Pods: namespaces, network and a cgroup that containers share.
 *
 * An id may be given by any unambiguous prefix of at least 4 characters wherever a function takes one.
 */
#ifndef LIBCRI_SANDBOX_H
#define LIBCRI_SANDBOX_H

#include "config.h"
#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cri_sandbox_state { CRI_SANDBOX_READY = 0, CRI_SANDBOX_NOTREADY = 1 } cri_sandbox_state;

/** Conditions of a list; all that are given must match. */
typedef struct cri_sandbox_filter {
	size_t size;
	const char *id; /**< the id or a prefix */
	bool has_state;
	cri_sandbox_state state;
	cri_key_values label_selector; /**< exact matches */
	size_t n_label_selector;
} cri_sandbox_filter;
#define CRI_SANDBOX_FILTER_INIT .size = sizeof(cri_sandbox_filter)
CRI_API void cri_sandbox_filter_init(cri_sandbox_filter *, size_t size);

/** CRI PodSandbox. */
typedef struct cri_sandbox_info {
	const char *id;
	const char *name;
	const char *uid;
	const char *namespace_;
	uint32_t attempt;
	cri_sandbox_state state;
	int64_t created_at; /**< nanoseconds since 1970 */
	cri_key_values labels;
	size_t n_labels;
	cri_key_values annotations;
	size_t n_annotations;
	const char *handler;
} cri_sandbox_info;

/** One interface of a pod with its addresses (CRI PodSandboxNetworkStatus, the 2019 dialect's elements). */
typedef struct cri_sandbox_network {
	const char *interface_name;
	const char *network;
	const char *const *ips; /**< without prefix length; the first is the interface's main address */
	size_t n_ips;
} cri_sandbox_network;

/** CRI PodSandboxStatus. */
typedef struct cri_sandbox_status {
	cri_sandbox_info info;
	const char *ip; /**< the pod's first address, "" without */
	const char *const *additional_ips;
	size_t n_additional_ips;
	const cri_sandbox_network *const *networks;
	size_t n_networks;
	cri_namespace_mode network;
	cri_namespace_mode pid;
	cri_namespace_mode ipc;
	const cri_user_namespace *user_namespace;
	const char *network_namespace; /**< path of the pinned namespace; of the host's for NODE */
	const char *cgroup;            /**< the pod's cgroup, "/libcri/…" */
} cri_sandbox_status;

/**
 * CRI RunPodSandbox: makes a pod and starts it.
 * @param handler "" or NULL: the engine's default; "lxc" and "lcr" are one. Others: CRI_EINVAL that lists the known.
 * @param id      the new id, 64 hex digits; freed with cri_free.
 * @return 0; CRI_EEXIST: a pod with this name, namespace, uid and attempt exists; CRI_EINVAL names the field.
 */
CRI_API int cri_sandbox_run(cri_engine *engine, const cri_sandbox_config *config, const char *handler, char **id,
			    cri_call *call);
/** Its twin for event loops; the output of cri_op_finish is char **. */
CRI_API int cri_sandbox_run_begin(cri_engine *engine, const cri_sandbox_config *config, const char *handler,
				  cri_op **op, cri_call *call);

/** CRI StopPodSandbox: kills its containers, gives back its network, leaves it NOTREADY. A pod that is stopped or gone
 *  is a success. */
CRI_API int cri_sandbox_stop(cri_engine *engine, const char *id, cri_call *call);
CRI_API int cri_sandbox_stop_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call);

/** CRI RemovePodSandbox: stops it if need be and removes it with its containers. A pod that is gone is a success. */
CRI_API int cri_sandbox_remove(cri_engine *engine, const char *id, cri_call *call);
CRI_API int cri_sandbox_remove_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call);

/** CRI PodSandboxStatus. The list holds one. @return 0, CRI_ENOTFOUND. */
CRI_API int cri_sandbox_status_get(cri_engine *engine, const char *id, cri_list **status, cri_call *call);
CRI_API const cri_sandbox_status *cri_sandbox_status_at(const cri_list *list, size_t index);

/** CRI ListPodSandbox, newest first. @param filter NULL: all. Never waits for a call that changes something. */
CRI_API int cri_sandbox_list(cri_engine *engine, const cri_sandbox_filter *filter, cri_list **sandboxes,
			     cri_call *call);
CRI_API const cri_sandbox_info *cri_sandbox_at(const cri_list *list, size_t index);

/**
 * The verbose map of CRI PodSandboxStatus: a JSON object with at least one key. Of a ready pod with networks its
 * plugins are asked to CHECK them, for 5 seconds at most: "networkCheck" is "OK" or what they say.
 * @param json freed with cri_free.
 * @return 0; CRI_ENOTFOUND.
 */
CRI_API int cri_sandbox_info_json(cri_engine *engine, const char *id, char **json, cri_call *call);
CRI_API int cri_sandbox_info_json_begin(cri_engine *engine, const char *id, cri_op **op,
					cri_call *call); /**< output: char ** */

/**
 * CRI UpdatePodSandboxResources: changes the limits of a ready pod's cgroup and what its config says of them
 * (cri_sandbox_info_json shows it). What is not given stays as it was.
 *
 * A limit of the pod is that of `resources` plus, where both have one, that of `overhead` (memory, swap, processor time
 * and shares, processes); overhead alone limits nothing. cpuset, huge pages and unified are those of `resources` as
 * they are given. oom_score_adj is kept and applied to nothing: a cgroup has none.
 *
 * @param overhead  may be NULL: unchanged.
 * @param resources may be NULL: unchanged.
 * @return 0; CRI_EINVAL, also when the kernel refuses a value; CRI_ENOTSUP: this machine cannot limit that;
 *         CRI_EPRECONDITION: it is stopped, or less memory is wanted than is in use; CRI_ENOTFOUND.
 */
CRI_API int cri_sandbox_update_resources(cri_engine *engine, const char *id, const cri_resources *overhead,
					 const cri_resources *resources, cri_call *call);
CRI_API int cri_sandbox_update_resources_begin(cri_engine *engine, const char *id, const cri_resources *overhead,
					       const cri_resources *resources, cri_op **op, cri_call *call);

/**
 * CRI CheckpointPod.
 * @param container_ids none: all.
 * @return CRI_ENOTSUP: not built yet.
 */
CRI_API int cri_sandbox_checkpoint(cri_engine *engine, const char *id, const char *output_path,
				   const char *const *container_ids, size_t n_container_ids, cri_key_values options,
				   size_t n_options, cri_call *call);
CRI_API int cri_sandbox_checkpoint_begin(cri_engine *engine, const char *id, const char *output_path,
					 const char *const *container_ids, size_t n_container_ids,
					 cri_key_values options, size_t n_options, cri_op **op, cri_call *call);

/**
 * CRI RestorePod.
 * @param sandboxes holds the sandbox (cri_sandbox_at); its containers are found with cri_container_list.
 * @return CRI_ENOTSUP: not built yet.
 */
CRI_API int cri_sandbox_restore(cri_engine *engine, const char *checkpoint_path, const cri_sandbox_config *config,
				const char *handler, const cri_container_config *const *containers, size_t n_containers,
				cri_key_values options, size_t n_options, cri_list **sandboxes, cri_call *call);
CRI_API int cri_sandbox_restore_begin(cri_engine *engine, const char *checkpoint_path, const cri_sandbox_config *config,
				      const char *handler, const cri_container_config *const *containers,
				      size_t n_containers, cri_key_values options, size_t n_options, cri_op **op,
				      cri_call *call); /**< output: cri_list ** */

#ifdef __cplusplus
}
#endif
#endif
