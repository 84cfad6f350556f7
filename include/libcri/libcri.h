/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/libcri.h
 * All of libcri: the container engine that programs link.
 *
 * Every call of the Kubernetes CRI and the function that does it:
 *
 *     RuntimeService                          ImageService
 *     Version                   cri_version                        ListImages    cri_image_list
 *     RunPodSandbox             cri_sandbox_run                    StreamImages  cri_image_list
 *     StopPodSandbox            cri_sandbox_stop                   ImageStatus   cri_image_status
 *     RemovePodSandbox          cri_sandbox_remove                               cri_image_info_json
 *     PodSandboxStatus          cri_sandbox_status_get             PullImage     cri_image_pull
 *                               cri_sandbox_info_json              RemoveImage   cri_image_remove
 *     ListPodSandbox            cri_sandbox_list                   ImageFsInfo   cri_image_filesystem_usage
 *     StreamPodSandboxes        cri_sandbox_list
 *     CreateContainer           cri_container_create
 *     StartContainer            cri_container_start
 *     StopContainer             cri_container_stop
 *     RemoveContainer           cri_container_remove
 *     ListContainers            cri_container_list
 *     StreamContainers          cri_container_list
 *     ContainerStatus           cri_container_status_get, cri_container_info_json
 *     UpdateContainerResources  cri_container_update_resources
 *     ReopenContainerLog        cri_container_reopen_log
 *     ExecSync                  cri_container_exec_sync
 *     Exec                      cri_stream_exec, cri_stream_server_exec
 *     Attach                    cri_stream_attach, cri_stream_server_attach
 *     PortForward               cri_stream_port_forward, cri_stream_server_port_forward
 *     ContainerStats            cri_container_stats_get
 *     ListContainerStats        cri_container_stats_list
 *     StreamContainerStats      cri_container_stats_list
 *     PodSandboxStats           cri_sandbox_stats_get
 *     ListPodSandboxStats       cri_sandbox_stats_list
 *     StreamPodSandboxStats     cri_sandbox_stats_list
 *     UpdateRuntimeConfig       cri_engine_update_runtime_config
 *     Status                    cri_engine_status_get, cri_engine_info_json
 *     RuntimeConfig             cri_engine_status_get
 *     CheckpointContainer       cri_container_checkpoint
 *     CheckpointPod             cri_sandbox_checkpoint
 *     RestorePod                cri_sandbox_restore
 *     GetContainerEvents        cri_events_open, cri_events_next
 *     ListMetricDescriptors     cri_metric_descriptors
 *     ListPodSandboxMetrics     cri_metrics
 *     StreamPodSandboxMetrics   cri_metrics
 *     UpdatePodSandboxResources cri_sandbox_update_resources
 *
 * Beside the CRI: cri_image_import, cri_image_save, cri_container_wait, cri_container_signal, and the _begin twins
 * (libcri/call.h).
 */
#ifndef LIBCRI_LIBCRI_H
#define LIBCRI_LIBCRI_H

#include "call.h"
#include "config.h"
#include "container.h"
#include "engine.h"
#include "error.h"
#include "event.h"
#include "image.h"
#include "sandbox.h"
#include "stats.h"
#include "stream.h"
#include "types.h"

#endif
