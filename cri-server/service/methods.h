/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the CRI, one function each: what they do is libcri's; here is what goes in and comes out. */
#ifndef CRI_SERVER_SERVICE_METHODS_H
#define CRI_SERVER_SERVICE_METHODS_H

#include "service/exchange.h"

/* runtime.c */
int serve_version(struct exchange *exchange, const void *request);
int serve_status(struct exchange *exchange, const void *request);
int serve_runtime_config(struct exchange *exchange, const void *request);
int serve_update_runtime_config(struct exchange *exchange, const void *request);

/* sandbox.c */
int serve_run_pod_sandbox(struct exchange *exchange, const void *request);
int serve_stop_pod_sandbox(struct exchange *exchange, const void *request);
int serve_remove_pod_sandbox(struct exchange *exchange, const void *request);
int serve_pod_sandbox_status(struct exchange *exchange, const void *request);
int serve_list_pod_sandbox(struct exchange *exchange, const void *request);
int serve_stream_pod_sandboxes(struct exchange *exchange, const void *request);
int serve_update_pod_sandbox_resources(struct exchange *exchange, const void *request);

/* container.c */
int serve_create_container(struct exchange *exchange, const void *request);
int serve_start_container(struct exchange *exchange, const void *request);
int serve_stop_container(struct exchange *exchange, const void *request);
int serve_remove_container(struct exchange *exchange, const void *request);
int serve_list_containers(struct exchange *exchange, const void *request);
int serve_stream_containers(struct exchange *exchange, const void *request);
int serve_container_status(struct exchange *exchange, const void *request);
int serve_update_container_resources(struct exchange *exchange, const void *request);
int serve_reopen_container_log(struct exchange *exchange, const void *request);

/* The statuses of a pod's containers, as a verbose status and an event of it have them. 0 or a cri_code. */
int container_statuses(struct exchange *exchange, const char *sandbox_id, Cri__ContainerStatus ***statuses, size_t *n);

/* exec.c */
int serve_exec_sync(struct exchange *exchange, const void *request);
int serve_exec(struct exchange *exchange, const void *request);
int serve_attach(struct exchange *exchange, const void *request);
int serve_port_forward(struct exchange *exchange, const void *request);

/* stats.c */
int serve_container_stats(struct exchange *exchange, const void *request);
int serve_list_container_stats(struct exchange *exchange, const void *request);
int serve_stream_container_stats(struct exchange *exchange, const void *request);
int serve_pod_sandbox_stats(struct exchange *exchange, const void *request);
int serve_list_pod_sandbox_stats(struct exchange *exchange, const void *request);
int serve_stream_pod_sandbox_stats(struct exchange *exchange, const void *request);

/* metrics.c */
int serve_list_metric_descriptors(struct exchange *exchange, const void *request);
int serve_list_pod_sandbox_metrics(struct exchange *exchange, const void *request);
int serve_stream_pod_sandbox_metrics(struct exchange *exchange, const void *request);

/* checkpoint.c */
int serve_checkpoint_container(struct exchange *exchange, const void *request);
int serve_checkpoint_pod(struct exchange *exchange, const void *request);
int serve_restore_pod(struct exchange *exchange, const void *request);

/* image.c */
int serve_list_images(struct exchange *exchange, const void *request);
int serve_stream_images(struct exchange *exchange, const void *request);
int serve_image_status(struct exchange *exchange, const void *request);
int serve_pull_image(struct exchange *exchange, const void *request);
int serve_remove_image(struct exchange *exchange, const void *request);
int serve_image_fs_info(struct exchange *exchange, const void *request);

#endif
