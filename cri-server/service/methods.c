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

struct object {
	const char *kind;
	const char *field;
};

struct method {
	struct rpc_method method;
	unsigned int dialects;
	const ProtobufCMessageDescriptor *request;
	exchange_function serve;
	/* What the request's first field, a text, is the id of; NULL: it has no such field. */
	const struct object *object;
};

static const struct object pod = { "sandbox", "pod_sandbox_id" }, container = { "container", "container_id" };
#define POD &pod
#define CONTAINER &container

#define METHOD(service, name, kind, pool, reads, dialects, request, function, object)                                  \
	{                                                                                                              \
		{ service, name, kind, pool, reads, serve }, dialects, &cri__##request##__descriptor, function, object \
	}
#define CHANGES(service, name, ...) METHOD(service, name, RPC_UNARY, RPC_LASTING, false, __VA_ARGS__)
#define PULLS(service, name, ...) METHOD(service, name, RPC_UNARY, RPC_PULLS, false, __VA_ARGS__)
#define NOTES(service, name, ...) METHOD(service, name, RPC_UNARY, RPC_QUICK, false, __VA_ARGS__)
#define READS(service, name, ...) METHOD(service, name, RPC_UNARY, RPC_QUICK, true, __VA_ARGS__)
#define ASKS(service, name, ...) METHOD(service, name, RPC_UNARY, RPC_LASTING, true, __VA_ARGS__)
#define STREAMS(service, name, ...) METHOD(service, name, RPC_STREAM, RPC_QUICK, true, __VA_ARGS__)

static const char runtime[] = "RuntimeService", image[] = "ImageService";

/* In the order of cri.proto. NOTES: changes nothing that takes time. ASKS: reads what network plugins answer. */
/* clang-format off */
static const struct method methods[] = {
	READS(runtime, "Version", SINCE_2019, version_request, serve_version, NULL),
	CHANGES(runtime, "RunPodSandbox", SINCE_2019, run_pod_sandbox_request, serve_run_pod_sandbox, NULL),
	CHANGES(runtime, "StopPodSandbox", SINCE_2019, stop_pod_sandbox_request, serve_stop_pod_sandbox, POD),
	CHANGES(runtime, "RemovePodSandbox", SINCE_2019, remove_pod_sandbox_request, serve_remove_pod_sandbox, POD),
	READS(runtime, "PodSandboxStatus", SINCE_2019, pod_sandbox_status_request, serve_pod_sandbox_status, POD),
	READS(runtime, "ListPodSandbox", SINCE_2019, list_pod_sandbox_request, serve_list_pod_sandbox, NULL),
	STREAMS(runtime, "StreamPodSandboxes", SINCE_V1, stream_pod_sandboxes_request, serve_stream_pod_sandboxes, NULL),
	CHANGES(runtime, "CreateContainer", SINCE_2019, create_container_request, serve_create_container, POD),
	CHANGES(runtime, "StartContainer", SINCE_2019, start_container_request, serve_start_container, CONTAINER),
	CHANGES(runtime, "StopContainer", SINCE_2019, stop_container_request, serve_stop_container, CONTAINER),
	CHANGES(runtime, "RemoveContainer", SINCE_2019, remove_container_request, serve_remove_container, CONTAINER),
	READS(runtime, "ListContainers", SINCE_2019, list_containers_request, serve_list_containers, NULL),
	STREAMS(runtime, "StreamContainers", SINCE_V1, stream_containers_request, serve_stream_containers, NULL),
	READS(runtime, "ContainerStatus", SINCE_2019, container_status_request, serve_container_status, CONTAINER),
	CHANGES(runtime, "UpdateContainerResources", SINCE_2019, update_container_resources_request, serve_update_container_resources, CONTAINER),
	CHANGES(runtime, "ReopenContainerLog", SINCE_V1ALPHA2, reopen_container_log_request, serve_reopen_container_log, CONTAINER),
	CHANGES(runtime, "ExecSync", SINCE_2019, exec_sync_request, serve_exec_sync, CONTAINER),
	NOTES(runtime, "Exec", SINCE_2019, exec_request, serve_exec, CONTAINER),
	NOTES(runtime, "Attach", SINCE_2019, attach_request, serve_attach, CONTAINER),
	NOTES(runtime, "PortForward", SINCE_2019, port_forward_request, serve_port_forward, POD),
	READS(runtime, "ContainerStats", SINCE_2019, container_stats_request, serve_container_stats, CONTAINER),
	READS(runtime, "ListContainerStats", SINCE_2019, list_container_stats_request, serve_list_container_stats, NULL),
	STREAMS(runtime, "StreamContainerStats", SINCE_V1, stream_container_stats_request, serve_stream_container_stats, NULL),
	READS(runtime, "PodSandboxStats", SINCE_V1ALPHA2, pod_sandbox_stats_request, serve_pod_sandbox_stats, POD),
	READS(runtime, "ListPodSandboxStats", SINCE_V1ALPHA2, list_pod_sandbox_stats_request, serve_list_pod_sandbox_stats, NULL),
	STREAMS(runtime, "StreamPodSandboxStats", SINCE_V1, stream_pod_sandbox_stats_request, serve_stream_pod_sandbox_stats, NULL),
	NOTES(runtime, "UpdateRuntimeConfig", SINCE_2019, update_runtime_config_request, serve_update_runtime_config, NULL),
	ASKS(runtime, "Status", SINCE_2019, status_request, serve_status, NULL),
	CHANGES(runtime, "CheckpointContainer", SINCE_V1, checkpoint_container_request, serve_checkpoint_container, CONTAINER),
	CHANGES(runtime, "CheckpointPod", SINCE_V1, checkpoint_pod_request, serve_checkpoint_pod, POD),
	CHANGES(runtime, "RestorePod", SINCE_V1, restore_pod_request, serve_restore_pod, NULL),
	{ { runtime, "GetContainerEvents", RPC_EVENTS, RPC_QUICK, true, NULL }, SINCE_V1, &cri__get_events_request__descriptor, NULL, NULL },
	READS(runtime, "ListMetricDescriptors", SINCE_V1, list_metric_descriptors_request, serve_list_metric_descriptors, NULL),
	READS(runtime, "ListPodSandboxMetrics", SINCE_V1, list_pod_sandbox_metrics_request, serve_list_pod_sandbox_metrics, NULL),
	STREAMS(runtime, "StreamPodSandboxMetrics", SINCE_V1, stream_pod_sandbox_metrics_request, serve_stream_pod_sandbox_metrics, NULL),
	READS(runtime, "RuntimeConfig", SINCE_V1, runtime_config_request, serve_runtime_config, NULL),
	CHANGES(runtime, "UpdatePodSandboxResources", SINCE_V1, update_pod_sandbox_resources_request, serve_update_pod_sandbox_resources, POD),
	READS(image, "ListImages", SINCE_2019, list_images_request, serve_list_images, NULL),
	STREAMS(image, "StreamImages", SINCE_V1, stream_images_request, serve_stream_images, NULL),
	READS(image, "ImageStatus", SINCE_2019, image_status_request, serve_image_status, NULL),
	PULLS(image, "PullImage", SINCE_2019, pull_image_request, serve_pull_image, NULL),
	CHANGES(image, "RemoveImage", SINCE_2019, remove_image_request, serve_remove_image, NULL),
	READS(image, "ImageFsInfo", SINCE_2019, image_fs_info_request, serve_image_fs_info, NULL),
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

/* Notes the id for the log line; an empty one is refused, whatever the call would make of it. */
static bool take_object(struct exchange *exchange, const struct method *method, const void *request)
{
	const char *id;

	if (!method->object)
		return true;
	memcpy(&id, (const char *)request + method->request->fields[0].offset, sizeof(id));
	exchange_object(exchange, method->object->kind, id);
	if (*id)
		return true;
	conversion_fail(&exchange->conversion, STATUS_INVALID_ARGUMENT, "%s: it is required", method->object->field);
	return false;
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
	result = request && take_object(&exchange, method, request) ? method->serve(&exchange, request) : CRI_EINVAL;
	if (result && !status->code)
		status_from_call(status, result, rpc->call);
	exchange_free(&exchange);
}
