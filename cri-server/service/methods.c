/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods, and how one is found and run. */
#include "service/methods.h"

#include <stdio.h>
#include <string.h>

#define IN(dialect) (1U << (dialect))
#define SINCE_2019 (IN(RPC_V1) | IN(RPC_V1ALPHA2) | IN(RPC_2019))
#define SINCE_V1ALPHA2 (IN(RPC_V1) | IN(RPC_V1ALPHA2))
#define SINCE_V1 IN(RPC_V1)

static void serve(struct rpc *rpc, struct rpc_status *status);

struct method {
	struct rpc_method method;
	unsigned int dialects;
	const ProtobufCMessageDescriptor *request;
	exchange_function serve;
};

#define CHANGES(s, n, d, r, f)                                                                                         \
	{                                                                                                              \
		{ s, n, RPC_UNARY, false, false, serve }, d, &cri__##r##__descriptor, f                                \
	}
#define LASTS(s, n, d, r, f)                                                                                           \
	{                                                                                                              \
		{ s, n, RPC_UNARY, true, false, serve }, d, &cri__##r##__descriptor, f                                 \
	}
#define READS(s, n, d, r, f)                                                                                           \
	{                                                                                                              \
		{ s, n, RPC_UNARY, false, true, serve }, d, &cri__##r##__descriptor, f                                 \
	}
#define STREAMS(s, n, d, r, f)                                                                                         \
	{                                                                                                              \
		{ s, n, RPC_STREAM, false, true, serve }, d, &cri__##r##__descriptor, f                                \
	}

static const char runtime[] = "RuntimeService", image[] = "ImageService";

/* In the order of cri.proto. LASTS: may wait for a network, a command or a grace period. */
/* clang-format off */
static const struct method methods[] = {
	READS(runtime, "Version", SINCE_2019, version_request, serve_version),
	CHANGES(runtime, "RunPodSandbox", SINCE_2019, run_pod_sandbox_request, serve_run_pod_sandbox),
	CHANGES(runtime, "StopPodSandbox", SINCE_2019, stop_pod_sandbox_request, serve_stop_pod_sandbox),
	CHANGES(runtime, "RemovePodSandbox", SINCE_2019, remove_pod_sandbox_request, serve_remove_pod_sandbox),
	READS(runtime, "PodSandboxStatus", SINCE_2019, pod_sandbox_status_request, serve_pod_sandbox_status),
	READS(runtime, "ListPodSandbox", SINCE_2019, list_pod_sandbox_request, serve_list_pod_sandbox),
	STREAMS(runtime, "StreamPodSandboxes", SINCE_V1, stream_pod_sandboxes_request, serve_stream_pod_sandboxes),
	CHANGES(runtime, "CreateContainer", SINCE_2019, create_container_request, serve_create_container),
	CHANGES(runtime, "StartContainer", SINCE_2019, start_container_request, serve_start_container),
	LASTS(runtime, "StopContainer", SINCE_2019, stop_container_request, serve_stop_container),
	CHANGES(runtime, "RemoveContainer", SINCE_2019, remove_container_request, serve_remove_container),
	READS(runtime, "ListContainers", SINCE_2019, list_containers_request, serve_list_containers),
	STREAMS(runtime, "StreamContainers", SINCE_V1, stream_containers_request, serve_stream_containers),
	READS(runtime, "ContainerStatus", SINCE_2019, container_status_request, serve_container_status),
	CHANGES(runtime, "UpdateContainerResources", SINCE_2019, update_container_resources_request, serve_update_container_resources),
	CHANGES(runtime, "ReopenContainerLog", SINCE_V1ALPHA2, reopen_container_log_request, serve_reopen_container_log),
	LASTS(runtime, "ExecSync", SINCE_2019, exec_sync_request, serve_exec_sync),
	CHANGES(runtime, "Exec", SINCE_2019, exec_request, serve_exec),
	CHANGES(runtime, "Attach", SINCE_2019, attach_request, serve_attach),
	CHANGES(runtime, "PortForward", SINCE_2019, port_forward_request, serve_port_forward),
	READS(runtime, "ContainerStats", SINCE_2019, container_stats_request, serve_container_stats),
	READS(runtime, "ListContainerStats", SINCE_2019, list_container_stats_request, serve_list_container_stats),
	STREAMS(runtime, "StreamContainerStats", SINCE_V1, stream_container_stats_request, serve_stream_container_stats),
	READS(runtime, "PodSandboxStats", SINCE_V1ALPHA2, pod_sandbox_stats_request, serve_pod_sandbox_stats),
	READS(runtime, "ListPodSandboxStats", SINCE_V1ALPHA2, list_pod_sandbox_stats_request, serve_list_pod_sandbox_stats),
	STREAMS(runtime, "StreamPodSandboxStats", SINCE_V1, stream_pod_sandbox_stats_request, serve_stream_pod_sandbox_stats),
	CHANGES(runtime, "UpdateRuntimeConfig", SINCE_2019, update_runtime_config_request, serve_update_runtime_config),
	READS(runtime, "Status", SINCE_2019, status_request, serve_status),
	LASTS(runtime, "CheckpointContainer", SINCE_V1, checkpoint_container_request, serve_checkpoint_container),
	LASTS(runtime, "CheckpointPod", SINCE_V1, checkpoint_pod_request, serve_checkpoint_pod),
	LASTS(runtime, "RestorePod", SINCE_V1, restore_pod_request, serve_restore_pod),
	{ { runtime, "GetContainerEvents", RPC_EVENTS, false, true, NULL }, SINCE_V1, &cri__get_events_request__descriptor, NULL },
	READS(runtime, "ListMetricDescriptors", SINCE_V1, list_metric_descriptors_request, serve_list_metric_descriptors),
	READS(runtime, "ListPodSandboxMetrics", SINCE_V1, list_pod_sandbox_metrics_request, serve_list_pod_sandbox_metrics),
	STREAMS(runtime, "StreamPodSandboxMetrics", SINCE_V1, stream_pod_sandbox_metrics_request, serve_stream_pod_sandbox_metrics),
	READS(runtime, "RuntimeConfig", SINCE_V1, runtime_config_request, serve_runtime_config),
	CHANGES(runtime, "UpdatePodSandboxResources", SINCE_V1, update_pod_sandbox_resources_request, serve_update_pod_sandbox_resources),
	READS(image, "ListImages", SINCE_2019, list_images_request, serve_list_images),
	STREAMS(image, "StreamImages", SINCE_V1, stream_images_request, serve_stream_images),
	READS(image, "ImageStatus", SINCE_2019, image_status_request, serve_image_status),
	LASTS(image, "PullImage", SINCE_2019, pull_image_request, serve_pull_image),
	CHANGES(image, "RemoveImage", SINCE_2019, remove_image_request, serve_remove_image),
	READS(image, "ImageFsInfo", SINCE_2019, image_fs_info_request, serve_image_fs_info),
};
/* clang-format on */

/* Longer names first: "runtime." is a prefix of the others. */
static const struct {
	const char *package;
	enum rpc_dialect dialect;
} packages[] = {
	{ "/runtime.v1alpha2.", RPC_V1ALPHA2 },
	{ "/runtime.v1.", RPC_V1 },
	{ "/runtime.", RPC_2019 },
};

/* By "RuntimeService/Version", or by name alone, since no name is in both services. */
static const struct method *find_method(const char *service, size_t service_length, const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		const struct rpc_method *method = &methods[i].method;

		if (strcmp(method->name, name) != 0)
			continue;
		if (!service || (strlen(method->service) == service_length &&
				 memcmp(method->service, service, service_length) == 0))
			return &methods[i];
	}
	return NULL;
}

const struct rpc_method *rpc_find(const char *path, enum rpc_dialect *dialect)
{
	for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++) {
		const size_t length = strlen(packages[i].package);
		const struct method *method;
		const char *slash;

		if (strncmp(path, packages[i].package, length) != 0)
			continue;
		slash = strchr(path + length, '/');
		method = slash ? find_method(path + length, (size_t)(slash - path) - length, slash + 1) : NULL;
		if (!method || !(method->dialects & IN(packages[i].dialect)))
			return NULL;
		*dialect = packages[i].dialect;
		return &method->method;
	}
	return NULL;
}

static void serve(struct rpc *rpc, struct rpc_status *status)
{
	const struct method *method = find_method(NULL, 0, rpc->method);
	struct exchange exchange;
	const void *request;
	int result;

	exchange_init(&exchange, rpc, status);
	if (!method || !method->serve) {
		conversion_fail(&exchange.conversion, STATUS_UNIMPLEMENTED, "%s is no method", rpc->method);
		return;
	}
	request = message_unpack(&exchange.conversion, method->request, rpc->request, rpc->request_length);
	result = request ? method->serve(&exchange, request) : CRI_EINVAL;
	if (result && !status->code)
		status_from_call(status, result, rpc->call);
	exchange_free(&exchange);
}
