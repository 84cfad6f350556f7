/* SPDX-License-Identifier: Apache-2.0 */
/* Every request message. The input: a byte for the method, one for the dialect, the packed request. There is no engine:
 * what a request becomes is looked at by writing configs as JSON, which visits each field. */
#include "service/exchange.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const packages[] = { "runtime.v1", "runtime.v1alpha2", "runtime" };

static const char *const methods[] = {
	"RuntimeService/Version",
	"RuntimeService/RunPodSandbox",
	"RuntimeService/StopPodSandbox",
	"RuntimeService/RemovePodSandbox",
	"RuntimeService/PodSandboxStatus",
	"RuntimeService/ListPodSandbox",
	"RuntimeService/StreamPodSandboxes",
	"RuntimeService/CreateContainer",
	"RuntimeService/StartContainer",
	"RuntimeService/StopContainer",
	"RuntimeService/RemoveContainer",
	"RuntimeService/ListContainers",
	"RuntimeService/StreamContainers",
	"RuntimeService/ContainerStatus",
	"RuntimeService/UpdateContainerResources",
	"RuntimeService/ReopenContainerLog",
	"RuntimeService/ExecSync",
	"RuntimeService/Exec",
	"RuntimeService/Attach",
	"RuntimeService/PortForward",
	"RuntimeService/ContainerStats",
	"RuntimeService/ListContainerStats",
	"RuntimeService/StreamContainerStats",
	"RuntimeService/PodSandboxStats",
	"RuntimeService/ListPodSandboxStats",
	"RuntimeService/StreamPodSandboxStats",
	"RuntimeService/UpdateRuntimeConfig",
	"RuntimeService/Status",
	"RuntimeService/CheckpointContainer",
	"RuntimeService/CheckpointPod",
	"RuntimeService/RestorePod",
	"RuntimeService/ListMetricDescriptors",
	"RuntimeService/ListPodSandboxMetrics",
	"RuntimeService/StreamPodSandboxMetrics",
	"RuntimeService/RuntimeConfig",
	"RuntimeService/UpdatePodSandboxResources",
	"ImageService/ListImages",
	"ImageService/StreamImages",
	"ImageService/ImageStatus",
	"ImageService/PullImage",
	"ImageService/RemoveImage",
	"ImageService/ImageFsInfo",
};

int rpc_send(struct rpc *rpc, const uint8_t *message, size_t length)
{
	(void)rpc;
	(void)message;
	(void)length;
	return 0;
}

/* The request of CreateContainer once more: its two configs, and the whole as an answer. */
static void convert(enum rpc_dialect dialect, const uint8_t *bytes, size_t length)
{
	struct rpc_status status = { 0 };
	struct conversion conversion = { .dialect = dialect, .status = &status };
	const Cri__CreateContainerRequest *request;
	const cri_sandbox_config *sandbox;
	const cri_container_config *container;
	char *json;
	size_t packed;

	memory_init(&conversion.memory);
	request = message_unpack(&conversion, &cri__create_container_request__descriptor, bytes, length);
	if (request) {
		sandbox = sandbox_config_from_wire(&conversion, request->sandbox_config);
		if (conversion_succeeded(&conversion) && cri_sandbox_config_to_json(sandbox, &json, NULL) == 0)
			cri_free(json);
		status.code = 0;
		container = container_config_from_wire(&conversion, request->config);
		if (conversion_succeeded(&conversion) && cri_container_config_to_json(container, &json, NULL) == 0)
			cri_free(json);
		status.code = 0;
		(void)message_pack(&conversion, (ProtobufCMessage *)request, &packed);
	}
	memory_free(&conversion.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rpc_service service = { .streams_missing = "no streams" };
	struct rpc rpc = { .service = &service };
	struct rpc_status status;
	const struct rpc_method *method;
	char path[128];

	if (size < 2)
		return 0;
	(void)snprintf(path, sizeof(path), "/%s.%s", packages[data[1] % 3],
		       methods[data[0] % (sizeof(methods) / sizeof(*methods))]);
	method = rpc_find(path, &rpc.dialect);
	if (!method)
		return 0;
	rpc.method = method->name;
	rpc.request = data + 2;
	rpc.request_length = size - 2;
	if (cri_call_new(&rpc.call))
		return 0;
	method->handle(&rpc, &status);
	cri_call_free(rpc.call);
	convert(rpc.dialect, data + 2, size - 2);
	return 0;
}
