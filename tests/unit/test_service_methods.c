/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods, and calls as the transport makes them. There is no engine: libcri says so to each call that
 * reaches it, and that is how a call that does is told from one that does not. */
#include "convert_fixture.h"

#include "service/exchange.h"

#include <stdio.h>

static struct {
	size_t messages;
	uint8_t last[65536];
	size_t length;
	int result;
} sent;

int rpc_send(struct rpc *rpc, const uint8_t *message, size_t length)
{
	(void)rpc;
	assert_in_range(length, 0, sizeof(sent.last));
	memcpy(sent.last, message, length);
	sent.length = length;
	sent.messages++;
	return sent.result;
}

static char *configuration(void)
{
	return strdup("{}");
}

static struct rpc_service service = { .settings = { .configuration = configuration }, .streams_missing = "no streams" };

static void call_method(const char *path, const void *request, size_t length, struct rpc_status *status)
{
	struct rpc rpc = { .service = &service, .request = request, .request_length = length };
	const struct rpc_method *method = rpc_find(path, &rpc.dialect);

	assert_non_null(method);
	rpc.method = method->name;
	assert_int_equal(cri_call_new(&rpc.call), 0);
	sent.messages = 0;
	sent.result = 0;
	method->handle(&rpc, status);
	cri_call_free(rpc.call);
}

/* All calls of all packages; the first package that has one: the later ones have it too. */
static const struct {
	const char *path;
	enum rpc_dialect since;
} calls[] = {
	{ "RuntimeService/Version", RPC_2019 },
	{ "RuntimeService/RunPodSandbox", RPC_2019 },
	{ "RuntimeService/StopPodSandbox", RPC_2019 },
	{ "RuntimeService/RemovePodSandbox", RPC_2019 },
	{ "RuntimeService/PodSandboxStatus", RPC_2019 },
	{ "RuntimeService/ListPodSandbox", RPC_2019 },
	{ "RuntimeService/StreamPodSandboxes", RPC_V1 },
	{ "RuntimeService/CreateContainer", RPC_2019 },
	{ "RuntimeService/StartContainer", RPC_2019 },
	{ "RuntimeService/StopContainer", RPC_2019 },
	{ "RuntimeService/RemoveContainer", RPC_2019 },
	{ "RuntimeService/ListContainers", RPC_2019 },
	{ "RuntimeService/StreamContainers", RPC_V1 },
	{ "RuntimeService/ContainerStatus", RPC_2019 },
	{ "RuntimeService/UpdateContainerResources", RPC_2019 },
	{ "RuntimeService/ReopenContainerLog", RPC_V1ALPHA2 },
	{ "RuntimeService/ExecSync", RPC_2019 },
	{ "RuntimeService/Exec", RPC_2019 },
	{ "RuntimeService/Attach", RPC_2019 },
	{ "RuntimeService/PortForward", RPC_2019 },
	{ "RuntimeService/ContainerStats", RPC_2019 },
	{ "RuntimeService/ListContainerStats", RPC_2019 },
	{ "RuntimeService/StreamContainerStats", RPC_V1 },
	{ "RuntimeService/PodSandboxStats", RPC_V1ALPHA2 },
	{ "RuntimeService/ListPodSandboxStats", RPC_V1ALPHA2 },
	{ "RuntimeService/StreamPodSandboxStats", RPC_V1 },
	{ "RuntimeService/UpdateRuntimeConfig", RPC_2019 },
	{ "RuntimeService/Status", RPC_2019 },
	{ "RuntimeService/CheckpointContainer", RPC_V1 },
	{ "RuntimeService/CheckpointPod", RPC_V1 },
	{ "RuntimeService/RestorePod", RPC_V1 },
	{ "RuntimeService/GetContainerEvents", RPC_V1 },
	{ "RuntimeService/ListMetricDescriptors", RPC_V1 },
	{ "RuntimeService/ListPodSandboxMetrics", RPC_V1 },
	{ "RuntimeService/StreamPodSandboxMetrics", RPC_V1 },
	{ "RuntimeService/RuntimeConfig", RPC_V1 },
	{ "RuntimeService/UpdatePodSandboxResources", RPC_V1 },
	{ "ImageService/ListImages", RPC_2019 },
	{ "ImageService/StreamImages", RPC_V1 },
	{ "ImageService/ImageStatus", RPC_2019 },
	{ "ImageService/PullImage", RPC_2019 },
	{ "ImageService/RemoveImage", RPC_2019 },
	{ "ImageService/ImageFsInfo", RPC_2019 },
};
#define N_CALLS (sizeof(calls) / sizeof(*calls))

static const char *const packages[] = {
	[RPC_V1] = "runtime.v1", [RPC_V1ALPHA2] = "runtime.v1alpha2", [RPC_2019] = "runtime"
};

static const char *path_of(enum rpc_dialect dialect, size_t call, char path[128])
{
	assert_in_range(snprintf(path, 128, "/%s.%s", packages[dialect], calls[call].path), 1, 127);
	return path;
}

static void each_package_has_its_calls(void **state)
{
	char path[128];

	(void)state;
	for (enum rpc_dialect dialect = RPC_V1; dialect <= RPC_2019; dialect++) {
		for (size_t i = 0; i < N_CALLS; i++) {
			enum rpc_dialect found = 99;
			const struct rpc_method *method = rpc_find(path_of(dialect, i, path), &found);

			if (dialect > calls[i].since) {
				assert_null(method);
				continue;
			}
			assert_non_null(method);
			assert_int_equal(found, dialect);
			assert_string_equal(method->name, strchr(calls[i].path, '/') + 1);
			assert_memory_equal(method->service, calls[i].path, strlen(method->service));
			assert_true((method->handle == NULL) == (method->kind == RPC_EVENTS));
		}
	}
}

static void other_paths_have_no_call(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"/runtime.v1.RuntimeService",
		"/runtime.v1.RuntimeService/",
		"/runtime.v1.RuntimeService/version",
		"/runtime.v1.RuntimeService/Version/",
		"/runtime.v1.RuntimeService//Version",
		"/runtime.v1.ImageService/Version",
		"/runtime.v1.RuntimeServic/Version",
		"/runtime.v1./Version",
		"/runtime.v2.RuntimeService/Version",
		"/runtime.v1alpha1.RuntimeService/Version",
		"/runtime.v1beta.RuntimeService/Version",
		"runtime.v1.RuntimeService/Version",
		"/grpc.health.v1.Health/Check",
	};
	enum rpc_dialect dialect;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_null(rpc_find(paths[i], &dialect));
}

/* None that only reads, or only notes something, waits for one that changes pods or containers, nor these for pulls. */
static void calls_that_may_last_are_marked(void **state)
{
	static const char *const notes[] = { "Exec", "Attach", "PortForward", "UpdateRuntimeConfig" };
	size_t n_lasting = 0;
	char path[128];

	(void)state;
	for (size_t i = 0; i < N_CALLS; i++) {
		enum rpc_dialect dialect;
		const struct rpc_method *method = rpc_find(path_of(RPC_V1, i, path), &dialect);
		enum rpc_pool expected = method->reads ? RPC_QUICK : RPC_LASTING;

		for (size_t j = 0; j < sizeof(notes) / sizeof(*notes); j++) {
			if (strcmp(notes[j], method->name) == 0)
				expected = RPC_QUICK;
		}
		if (strcmp(method->name, "PullImage") == 0)
			expected = RPC_PULLS;
		/* It asks the network's plugins. */
		if (strcmp(method->name, "Status") == 0)
			expected = RPC_LASTING;
		assert_int_equal(method->pool, expected);
		assert_int_equal(method->kind == RPC_STREAM, strncmp(method->name, "Stream", 6) == 0);
		n_lasting += expected == RPC_LASTING;
	}
	assert_int_equal(n_lasting, 16);
}

static void version_of_each_package(void **state)
{
	static const char *const api[] = { [RPC_V1] = "v1", [RPC_V1ALPHA2] = "v1alpha2", [RPC_2019] = "v1alpha1" };
	struct rpc_status status;
	struct fixture fixture;
	const Cri__VersionResponse *response;
	char path[128];

	(void)state;
	for (enum rpc_dialect dialect = RPC_V1; dialect <= RPC_2019; dialect++) {
		call_method(path_of(dialect, 0, path),
			    "\x0a\x05"
			    "0.1.0",
			    7, &status);
		assert_int_equal(status.code, 0);
		assert_int_equal(sent.messages, 1);
		begin(&fixture, dialect);
		response =
			message_unpack(&fixture.conversion, &cri__version_response__descriptor, sent.last, sent.length);
		assert_non_null(response);
		assert_string_equal(response->version, "0.1.0");
		assert_string_equal(response->runtime_name, "libcri");
		assert_string_equal(response->runtime_version, cri_version());
		assert_string_equal(response->runtime_api_version, api[dialect]);
		end(&fixture);
	}
}

/* Without an engine, and with as little as a request can hold: an error, and no message. */
static void every_call_fails_properly(void **state)
{
	char path[128];

	(void)state;
	for (enum rpc_dialect dialect = RPC_V1; dialect <= RPC_2019; dialect++) {
		for (size_t i = 1; i < N_CALLS; i++) {
			enum rpc_dialect found;
			const struct rpc_method *method = rpc_find(path_of(dialect, i, path), &found);
			struct rpc_status status = { 0 };

			if (!method || !method->handle)
				continue;
			call_method(path, "", 0, &status);
			assert_int_equal(sent.messages, 0);
			assert_int_equal(status.code, STATUS_INVALID_ARGUMENT);
			assert_true(*status.message);
			call_method(path, "\xff", 1, &status);
			assert_int_equal(status.code, STATUS_INVALID_ARGUMENT);
			assert_int_equal(sent.messages, 0);
		}
	}
}

static void streams_that_are_missing_are_told(void **state)
{
	static const char *const paths[] = { "Exec", "Attach", "PortForward" };
	char path[128];
	struct rpc_status status;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_in_range(snprintf(path, sizeof(path), "/runtime.RuntimeService/%s", paths[i]), 1, 127);
		call_method(path, "\x0a\x02id", 4, &status);
		assert_int_equal(status.code, STATUS_UNIMPLEMENTED);
		assert_string_equal(status.message, "no streams");
		call_method(path, "", 0, &status);
		assert_int_equal(status.code, STATUS_INVALID_ARGUMENT);
		assert_non_null(strstr(status.message, i < 2 ? "container_id" : "pod_sandbox_id"));
	}
}

static void failures_keep_their_kind(void **state)
{
	static const struct {
		int result, code;
		const char *message;
	} cases[] = {
		{ CRI_EINVAL, 3, "" },
		{ CRI_ENOTFOUND, 5, "" },
		{ CRI_EEXIST, 6, "" },
		{ CRI_EPRECONDITION, 9, "" },
		{ CRI_ETIMEDOUT, 4, "" },
		{ CRI_ECANCELED, 1, "" },
		{ CRI_ENOTSUP, 12, "" },
		{ CRI_ENOMEM, 8, "" },
		{ CRI_EEXHAUSTED, 8, "" },
		{ CRI_EPERM, 7, "" },
		{ CRI_EUNAVAILABLE, 14, "" },
		{ CRI_ECORRUPT, 15, "" },
		{ CRI_EINTERNAL, 13, "" },
		{ CRI_EREGISTRY, 2, "RegistryUnavailable: " },
		{ CRI_ESIGNATURE, 2, "SignatureValidationFailed: " },
		{ CRI_ERRO, 2, "RROUnsupported: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rpc_status status = { 0 };

		status_from_call(&status, cases[i].result, NULL);
		assert_int_equal(status.code, cases[i].code);
		assert_memory_equal(status.message, cases[i].message, strlen(cases[i].message));
		assert_string_equal(status.message + strlen(cases[i].message), cri_code_text(cases[i].result));
	}
}

static void a_client_that_is_gone_ends_the_call(void **state)
{
	struct rpc rpc = { .service = &service, .request = (const uint8_t *)"", .method = "Version" };
	struct rpc_status status;
	enum rpc_dialect dialect;

	(void)state;
	sent.result = CRI_ECANCELED;
	rpc_find("/runtime.v1.RuntimeService/Version", &dialect)->handle(&rpc, &status);
	assert_int_equal(status.code, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_package_has_its_calls),     cmocka_unit_test(other_paths_have_no_call),
		cmocka_unit_test(calls_that_may_last_are_marked), cmocka_unit_test(version_of_each_package),
		cmocka_unit_test(every_call_fails_properly),      cmocka_unit_test(streams_that_are_missing_are_told),
		cmocka_unit_test(failures_keep_their_kind),       cmocka_unit_test(a_client_that_is_gone_ends_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
