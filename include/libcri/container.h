/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/container.h
 * Containers: processes with a root file system of their own, in a pod.
 */
#ifndef LIBCRI_CONTAINER_H
#define LIBCRI_CONTAINER_H

#include "config.h"
#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cri_container_state {
	CRI_CONTAINER_CREATED = 0,
	CRI_CONTAINER_RUNNING = 1,
	CRI_CONTAINER_EXITED = 2,
	CRI_CONTAINER_UNKNOWN = 3
} cri_container_state;

typedef struct cri_container_filter {
	size_t size;
	const char *id; /**< the id or a prefix */
	bool has_state;
	cri_container_state state;
	const char *sandbox_id;
	cri_key_values label_selector;
	size_t n_label_selector;
} cri_container_filter;
#define CRI_CONTAINER_FILTER_INIT .size = sizeof(cri_container_filter)
CRI_API void cri_container_filter_init(cri_container_filter *, size_t size);

/** CRI Container. */
typedef struct cri_container_info {
	const char *id;
	const char *sandbox_id;
	const char *name;
	uint32_t attempt;
	const char *image;                /**< as the config named it */
	const char *user_specified_image; /**< as the config named it */
	const char *image_id;             /**< Image.id; also CRI's image_ref */
	cri_container_state state;
	int64_t created_at; /**< nanoseconds since 1970 */
	cri_key_values labels;
	size_t n_labels;
	cri_key_values annotations;
	size_t n_annotations;
} cri_container_info;

/** CRI ContainerStatus. */
typedef struct cri_container_status {
	cri_container_info info;
	int64_t started_at;   /**< 0: never */
	int64_t finished_at;  /**< 0: not yet */
	int32_t exit_code;    /**< 128 + signal when a signal ended it; 137 when its end is unknown */
	const char *reason;   /**< "Completed", "Error", "OOMKilled", "StartError", "Unknown", or "" */
	const char *message;  /**< what failed, or "" */
	const char *log_path; /**< absolute, or "" */
	const cri_mount *const *mounts;
	size_t n_mounts;
	const cri_resources *resources; /**< as created and updated; NULL when none were given */
	bool has_user;                  /**< known once the container has started */
	int64_t uid;
	int64_t gid;
	const int64_t *supplemental_groups;
	size_t n_supplemental_groups;
	const char *stop_signal; /**< "SIGTERM" */
	int32_t pid;             /**< of its first process in the caller's PID namespace; 0 when it does not run */
	const char *cgroup;
} cri_container_status;

/**
 * CRI CreateContainer: makes a container in a pod, up to the point where only its command is not yet executed.
 * @param id the new id, 64 hex digits; freed with cri_free.
 * @return 0; CRI_ENOTFOUND: no such pod or image; CRI_EPRECONDITION: the pod is not ready; CRI_EEXIST: name taken.
 */
CRI_API int cri_container_create(cri_engine *engine, const char *sandbox_id, const cri_container_config *config,
				 char **id, cri_call *call);
CRI_API int cri_container_create_begin(cri_engine *engine, const char *sandbox_id, const cri_container_config *config,
				       cri_op **op, cri_call *call); /**< output: char ** */

/**
 * CRI StartContainer: executes the command. When that fails, the container is EXITED with reason StartError, and the
 * message says why.
 * @return 0; CRI_ENOTFOUND; CRI_EPRECONDITION: not in state CREATED; CRI_EEXIST: a running container writes its log.
 */
CRI_API int cri_container_start(cri_engine *engine, const char *id, cri_call *call);
CRI_API int cri_container_start_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call);

/** CRI StopContainer: the stop signal, `grace` seconds, then SIGKILL to all its processes. 0 kills at once. A container
 *  that has exited or is gone is a success. One that was never started ends at once, with exit code 137. */
CRI_API int cri_container_stop(cri_engine *engine, const char *id, int64_t grace, cri_call *call);
CRI_API int cri_container_stop_begin(cri_engine *engine, const char *id, int64_t grace, cri_op **op, cri_call *call);

/** CRI RemoveContainer: kills it if it runs, and removes it. Its log stays. One that is gone is a success. */
CRI_API int cri_container_remove(cri_engine *engine, const char *id, cri_call *call);
CRI_API int cri_container_remove_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call);

/** Waits until a container has exited. @param exit_code may be NULL. @return 0, CRI_ENOTFOUND, CRI_ETIMEDOUT. */
CRI_API int cri_container_wait(cri_engine *engine, const char *id, int32_t *exit_code, cri_call *call);
CRI_API int cri_container_wait_begin(cri_engine *engine, const char *id, cri_op **op,
				     cri_call *call); /**< output: int32_t * */

/** Sends a signal ("TERM", "SIGHUP", "9") to the first process of a running container. @return 0; CRI_ENOTFOUND;
 *  CRI_EPRECONDITION: it does not run. */
CRI_API int cri_container_signal(cri_engine *engine, const char *id, const char *signal, cri_call *call);
CRI_API int cri_container_signal_begin(cri_engine *engine, const char *id, const char *signal, cri_op **op,
				       cri_call *call);

/** CRI ContainerStatus. The list holds one. @return 0, CRI_ENOTFOUND. */
CRI_API int cri_container_status_get(cri_engine *engine, const char *id, cri_list **status, cri_call *call);
CRI_API const cri_container_status *cri_container_status_at(const cri_list *list, size_t index);

/** CRI ListContainers, newest first. @param filter NULL: all. */
CRI_API int cri_container_list(cri_engine *engine, const cri_container_filter *filter, cri_list **containers,
			       cri_call *call);
CRI_API const cri_container_info *cri_container_at(const cri_list *list, size_t index);

/** The verbose map of CRI ContainerStatus: a JSON object with at least one key. @param json freed with cri_free.
 *  @return 0; CRI_ENOTFOUND. */
CRI_API int cri_container_info_json(cri_engine *engine, const char *id, char **json, cri_call *call);

/** CRI UpdateContainerResources, of a created or running container. What is not given stays. @return 0; CRI_EINVAL,
 * also when the kernel refuses a value; CRI_ENOTSUP: this machine cannot limit that; CRI_ENOTFOUND; CRI_EPRECONDITION:
 * it has exited, or less memory is wanted than is in use. */
CRI_API int cri_container_update_resources(cri_engine *engine, const char *id, const cri_resources *resources,
					   cri_call *call);
CRI_API int cri_container_update_resources_begin(cri_engine *engine, const char *id, const cri_resources *resources,
						 cri_op **op, cri_call *call);

/** CRI ReopenContainerLog: when it returns, the log file exists at its path and new lines go there. @return 0;
 *  CRI_ENOTFOUND; CRI_EPRECONDITION: it has exited. */
CRI_API int cri_container_reopen_log(cri_engine *engine, const char *id, cri_call *call);
CRI_API int cri_container_reopen_log_begin(cri_engine *engine, const char *id, cri_op **op, cri_call *call);

typedef struct cri_exec_options {
	size_t size;
	const char *const *command;
	size_t n_command;
	int64_t timeout;     /**< seconds; 0: none. When it passes, the command and its children are killed */
	cri_key_values envs; /**< beside the container's */
	size_t n_envs;
	const char *working_dir; /**< "": the container's */
} cri_exec_options;
#define CRI_EXEC_OPTIONS_INIT .size = sizeof(cri_exec_options)
CRI_API void cri_exec_options_init(cri_exec_options *, size_t size);

/** What a command wrote and how it ended; one block, freed with cri_free. */
typedef struct cri_exec_result {
	int32_t exit_code;  /**< 128 + signal when a signal ended it; 127 command not found, 126 not executable */
	const char *output; /**< its standard output; a NUL follows its last byte */
	size_t output_length;
	const char *error_output; /**< its standard error */
	size_t error_output_length;
	bool truncated; /**< more than 16 MiB were written to one of them; the rest was dropped */
} cri_exec_result;

/**
 * CRI ExecSync: runs a command in a running container and waits for it. It has no standard input.
 * @param result freed with cri_free.
 * @return 0 whatever the exit code; CRI_ETIMEDOUT: killed after its timeout; CRI_EPRECONDITION: not running;
 *         CRI_ENOTFOUND.
 */
CRI_API int cri_container_exec_sync(cri_engine *engine, const char *id, const cri_exec_options *options,
				    cri_exec_result **result, cri_call *call);
CRI_API int cri_container_exec_sync_begin(cri_engine *engine, const char *id, const cri_exec_options *options,
					  cri_op **op, cri_call *call); /**< output: cri_exec_result ** */

/**
 * CRI CheckpointContainer.
 * @param location an absolute path, of a file that is made.
 * @return CRI_ENOTSUP: not built yet.
 */
CRI_API int cri_container_checkpoint(cri_engine *engine, const char *id, const char *location, cri_call *call);
CRI_API int cri_container_checkpoint_begin(cri_engine *engine, const char *id, const char *location, cri_op **op,
					   cri_call *call);

#ifdef __cplusplus
}
#endif
#endif
