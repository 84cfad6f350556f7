/* SPDX-License-Identifier: Apache-2.0 */
/* Configs as JSON: what crictl users write, what is refused and how it is named, and that nothing is lost on the way.
 */
#include "config/table.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char pod[] =
	"{\"metadata\":{\"name\":\"web_1\",\"uid\":\"u\",\"namespace\":\"default\",\"attempt\":1},\"hostname\":\"web\","
	"\"log_directory\":\"/var/log/pods/web\",\"dns_config\":{\"servers\":[\"10.0.0.1\"],\"searches\":[\"a.b\"],"
	"\"options\":[\"ndots:5\"]},\"port_mappings\":[{\"protocol\":\"UDP\",\"container_port\":53,"
	"\"hostPort\":5353}],\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"annotations\":{},"
	"\"linux\":{\"cgroup_parent\":\"/pods\",\"sysctls\":{\"net.core.somaxconn\":\"9\"},\"resources\":"
	"{\"cpu_shares\":\"512\",\"memory_limit_in_bytes\":1e9},\"security_context\":{\"namespace_options\":"
	"{\"network\":2,\"ipc\":\"NODE\"},\"run_as_user\":{\"value\":1000},\"runAsGroup\":\"7\","
	"\"supplemental_groups\":[1,\"2\"],\"seccomp\":{\"profile_type\":\"Unconfined\"},\"apparmor\":null}}}";

static const char container[] =
	"{\"metadata\":{\"name\":\"c\",\"attempt\":0},\"image\":{\"image\":\"busybox\",\"user_specified_image\":\"b\","
	"\"annotations\":{\"k\":\"v\"}},\"command\":[\"/bin/sh\"],\"args\":[\"-c\",\"true\"],\"workingDir\":\"/\","
	"\"envs\":[{\"key\":\"B\",\"value\":\"1\"},{\"key\":\"A\",\"value\":\"\"}],\"mounts\":[{\"container_path\":"
	"\"/m\",\"host_path\":\"/h\",\"propagation\":\"PROPAGATION_BIDIRECTIONAL\",\"image\":{\"image\":\"\"}}],"
	"\"devices\":[{\"container_path\":\"/dev/x\",\"host_path\":\"/dev/null\",\"permissions\":\"rw\"}],"
	"\"CDI_devices\":[{\"name\":\"v/c=d\"}],\"log_path\":\"c.log\",\"stdin\":true,\"tty\":false,"
	"\"stop_signal\":\"SIGNAL_SIGRTMINPLUS3\",\"linux\":{\"resources\":{\"oom_score_adj\":-999,"
	"\"hugepage_limits\":[{\"page_size\":\"2MB\",\"limit\":\"18446744073709551615\"}],\"unified\":"
	"{\"memory.high\":\"1\"},\"pids_limit\":10},\"security_context\":{\"capabilities\":{\"add_capabilities\":"
	"[\"NET_ADMIN\"],\"dropCapabilities\":[\"ALL\"]},\"namespace_options\":{\"pid\":3,\"target_id\":\"t\","
	"\"userns_options\":{\"mode\":2}},\"selinux_options\":{},\"run_as_username\":\"nobody\",\"no_new_privs\":true,"
	"\"masked_paths\":[],\"supplemental_groups_policy\":\"Strict\"}},\"windows\":{}}";

static int read_config(const struct config_table *table, const char *json, struct arena *arena, const void **config,
		       cri_call *call)
{
	call_init(call);
	return config_from_json(table, arena, json, strlen(json), config, call);
}

static void test_pod(void **state)
{
	cri_list *list = NULL;
	cri_call *call = NULL;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	if (cri_sandbox_config_from_json(pod, strlen(pod), &list, call))
		fail_msg("%s", cri_call_message(call));

	const cri_sandbox_config *config = cri_sandbox_config_at(list, 0);

	assert_non_null(config);
	assert_null(cri_sandbox_config_at(list, 1));
	assert_null(cri_container_config_at(list, 0));
	assert_int_equal(config->size, sizeof(*config));
	assert_string_equal(config->name, "web_1");
	assert_int_equal(config->attempt, 1);
	assert_string_equal(config->namespace_, "default");
	assert_string_equal(config->dns_config->options[0], "ndots:5");
	assert_int_equal(config->port_mappings[0]->protocol, CRI_UDP);
	assert_int_equal(config->port_mappings[0]->host_port, 5353);
	assert_string_equal(config->port_mappings[0]->host_ip, "");
	assert_int_equal(config->n_labels, 2);
	assert_string_equal(config->labels[0]->key, "a");
	assert_int_equal(config->n_annotations, 0);
	assert_string_equal(config->cgroup_parent, "/pods");
	assert_string_equal(config->sysctls[0]->value, "9");
	assert_null(config->overhead);
	assert_int_equal(config->resources->cpu_shares, 512);
	assert_int_equal(config->resources->memory_limit_in_bytes, 1000000000);
	assert_int_equal(config->network, CRI_NAMESPACE_NODE);
	assert_int_equal(config->ipc, CRI_NAMESPACE_NODE);
	assert_int_equal(config->pid, CRI_NAMESPACE_POD); /* not given */
	assert_true(config->has_run_as_user && config->has_run_as_group);
	assert_int_equal(config->run_as_user, 1000);
	assert_int_equal(config->run_as_group, 7);
	assert_int_equal(config->supplemental_groups[1], 2);
	assert_int_equal(config->seccomp->profile_type, CRI_PROFILE_UNCONFINED);
	assert_null(config->apparmor);
	cri_list_free(list);
	cri_call_free(call);
}

static void test_container(void **state)
{
	cri_list *list = NULL;

	(void)state;
	assert_int_equal(cri_container_config_from_json(container, strlen(container), &list, NULL), 0);

	const cri_container_config *config = cri_container_config_at(list, 0);

	assert_string_equal(config->image, "busybox");
	assert_string_equal(config->user_specified_image, "b");
	assert_string_equal(config->image_annotations[0]->value, "v");
	assert_string_equal(config->args[1], "true");
	assert_string_equal(config->working_dir, "/");
	assert_string_equal(config->envs[0]->key, "B");
	assert_int_equal(config->mounts[0]->propagation, CRI_PROPAGATION_BIDIRECTIONAL);
	assert_string_equal(config->devices[0]->permissions, "rw");
	assert_string_equal(config->cdi_devices[0], "v/c=d");
	assert_true(config->stdin_);
	assert_false(config->tty);
	assert_string_equal(config->stop_signal, "SIGRTMIN+3");
	assert_int_equal(config->resources->oom_score_adj, -999);
	assert_true(config->resources->hugepage_limits[0]->limit == UINT64_MAX);
	assert_int_equal(config->resources->pids_limit, 10);
	assert_string_equal(config->add_capabilities[0], "NET_ADMIN");
	assert_string_equal(config->drop_capabilities[0], "ALL");
	assert_int_equal(config->pid, CRI_NAMESPACE_TARGET);
	assert_string_equal(config->target_id, "t");
	assert_int_equal(config->user_namespace->mode, CRI_NAMESPACE_NODE);
	assert_non_null(config->selinux_options);
	assert_true(config->no_new_privs);
	assert_true(config->has_masked_paths);
	assert_int_equal(config->n_masked_paths, 0);
	assert_false(config->has_readonly_paths);
	assert_int_equal(config->supplemental_groups_policy, CRI_GROUPS_STRICT);
	cri_list_free(list);
}

static void test_public_arguments(void **state)
{
	cri_list *list = NULL;
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "n" };
	char *json = NULL;
	cri_call *call = NULL;

	(void)state;
	assert_int_equal(cri_call_new(&call), 0);
	assert_int_equal(cri_sandbox_config_from_json(NULL, 0, &list, call), CRI_EINVAL);
	assert_int_equal(cri_sandbox_config_from_json("{}", 2, NULL, call), CRI_EINVAL);
	assert_int_equal(cri_sandbox_config_to_json(NULL, &json, call), CRI_EINVAL);
	assert_int_equal(cri_sandbox_config_to_json(&config, NULL, call), CRI_EINVAL);
	assert_null(cri_sandbox_config_at(NULL, 0));
	assert_int_equal(cri_sandbox_config_to_json(&config, &json, call), 0);
	assert_string_equal(json, "{\"metadata\":{\"name\":\"n\"},\"linux\":{\"security_context\":"
				  "{\"namespace_options\":{\"pid\":1}}}}");
	cri_free(json);
	json = NULL;
	config.size = 1;
	assert_int_equal(cri_sandbox_config_to_json(&config, &json, call), CRI_EINVAL);
	assert_null(json);
	cri_call_free(call);
}

struct bad_json {
	const char *json;
	int code;
	const char *text;
};

static const struct bad_json bad_containers[] = {
	{ "", CRI_EINVAL, "no well-formed JSON" },
	{ "[]", CRI_EINVAL, "the JSON is no object" },
	{ "{\"nonsense\":1}", CRI_EINVAL, "nonsense: the key is unknown" },
	{ "{\"nonsense\":null}", CRI_EINVAL, "nonsense: the key is unknown" },
	{ "{\"metadata\":{\"uid\":\"\"}}", CRI_EINVAL, "metadata.uid: the key is unknown" },
	{ "{\"linux\":{\"security_context\":{\"capabilities\":{\"keep\":[]}}}}", CRI_EINVAL,
	  "linux.security_context.capabilities.keep: the key is unknown" },
	{ "{\"mounts\":[{},{\"path\":1}]}", CRI_EINVAL, "mounts[1].path: the key is unknown" },
	{ "{\"Metadata\":{}}", CRI_EINVAL, "Metadata: the key is unknown" },
	{ "{\"log\":\"\"}", CRI_EINVAL, "log: the key is unknown" },
	{ "{\"metadata\":[]}", CRI_EINVAL, "metadata: it is no object" },
	{ "{\"metadata\":{\"name\":1}}", CRI_EINVAL, "metadata.name: it is no text" },
	{ "{\"metadata\":{\"attempt\":-1}}", CRI_EINVAL, "metadata.attempt: it is no number in range" },
	{ "{\"metadata\":{\"attempt\":4294967296}}", CRI_EINVAL, "metadata.attempt: it is no number in range" },
	{ "{\"metadata\":{\"attempt\":1.5}}", CRI_EINVAL, "metadata.attempt: it is no whole number" },
	{ "{\"metadata\":{\"attempt\":true}}", CRI_EINVAL, "metadata.attempt: it is no number" },
	{ "{\"metadata\":{\"attempt\":\"1x\"}}", CRI_EINVAL, "metadata.attempt: it is no whole number" },
	{ "{\"metadata\":{\"name\":\"a\",\"name\":\"b\"}}", CRI_EINVAL, "metadata.name: it is given twice" },
	{ "{\"metadata\":{\"name\":\"a\"},\"metadata\":{\"name\":\"b\"}}", CRI_EINVAL,
	  "metadata.name: it is given twice" },
	{ "{\"log_path\":\"a\",\"logPath\":\"b\"}", CRI_EINVAL, "log_path: it is given twice" },
	{ "{\"labels\":{\"a\":\"1\",\"a\":\"2\"}}", CRI_EINVAL, "labels: \"a\" is given twice" },
	{ "{\"labels\":{\"a\":1}}", CRI_EINVAL, "labels.a: it is no text" },
	{ "{\"labels\":[]}", CRI_EINVAL, "labels: it is no object" },
	{ "{\"envs\":{\"A\":\"1\"}}", CRI_EINVAL, "envs: it is no array" },
	{ "{\"envs\":[{\"key\":\"A\",\"value\":1}]}", CRI_EINVAL, "envs[0].value: it is no text" },
	{ "{\"envs\":[null]}", CRI_EINVAL, "envs[0]: it is no object" },
	{ "{\"command\":[\"a\",1]}", CRI_EINVAL, "command[1]: it is no text" },
	{ "{\"tty\":1}", CRI_EINVAL, "tty: it is no bool" },
	{ "{\"tty\":\"true\"}", CRI_EINVAL, "tty: it is no bool" },
	{ "{\"CDI_devices\":[\"a\"]}", CRI_EINVAL, "CDI_devices[0]: it is no object" },
	{ "{\"CDI_devices\":[{\"id\":\"a\"}]}", CRI_EINVAL, "CDI_devices[0]: it is no object with one key" },
	{ "{\"CDI_devices\":[{\"name\":1}]}", CRI_EINVAL, "CDI_devices[0].name: it is no text" },
	{ "{\"mounts\":[{\"propagation\":3}]}", CRI_EINVAL, "mounts[0].propagation: 3 is out of range" },
	{ "{\"mounts\":[{\"propagation\":\"shared\"}]}", CRI_EINVAL, "mounts[0].propagation: \"shared\" is unknown" },
	{ "{\"stop_signal\":66}", CRI_EINVAL, "stop_signal: it is no Signal" },
	{ "{\"stop_signal\":-1}", CRI_EINVAL, "stop_signal: it is no number in range" },
	{ "{\"linux\":{\"resources\":{\"cpu_quota\":9007199254740994}}}", CRI_EINVAL,
	  "linux.resources.cpu_quota: it is no number up to 2^53" },
	{ "{\"linux\":{\"resources\":{\"cpu_quota\":1e999}}}", CRI_EINVAL, "" },
	{ "{\"linux\":{\"resources\":{\"cpu_quota\":\"9223372036854775808\"}}}", CRI_EINVAL,
	  "linux.resources.cpu_quota" },
	{ "{\"linux\":{\"resources\":{\"hugepage_limits\":[{\"limit\":-1}]}}}", CRI_EINVAL,
	  "linux.resources.hugepage_limits[0].limit" },
	{ "{\"linux\":{\"security_context\":{\"run_as_user\":{\"value\":true}}}}", CRI_EINVAL,
	  "linux.security_context.run_as_user.value: it is no number" },
	{ "{\"linux\":{\"security_context\":{\"run_as_user\":{\"value\":1,\"x\":1}}}}", CRI_EINVAL,
	  "linux.security_context.run_as_user: it is no number, nor an object" },
	{ "{\"linux\":{\"security_context\":{\"supplemental_groups\":[1,\"x\"]}}}", CRI_EINVAL,
	  "linux.security_context.supplemental_groups[1]" },
	{ "{\"windows\":{\"resources\":{}}}", CRI_ENOTSUP, "windows: there are no Windows containers" },
	{ "{\"image\":{\"runtime_handler\":\"kata\"}}", CRI_ENOTSUP, "image.runtime_handler" },
	{ "{\"mounts\":[{\"image\":{\"annotations\":{\"a\":\"b\"}}}]}", CRI_ENOTSUP, "mounts[0].image.annotations" },
};

static void test_bad_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_containers) / sizeof(bad_containers[0]); i++) {
		const struct bad_json *bad = &bad_containers[i];
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		const void *config = NULL;
		cri_call call;

		if (read_config(&config_container, bad->json, &arena, &config, &call) != bad->code || config ||
		    !strstr(call.message, bad->text))
			fail_msg("%s: %d, \"%s\", not \"%s\"", bad->json, call.code, call.message, bad->text);
	}
}

static void test_bounds(void **state)
{
	struct buffer text CLEANUP_BUFFER = BUFFER_EMPTY;
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *config = NULL;
	cri_call call;

	(void)state;
	buffer_text(&text, "{\"args\":[\"\"");
	for (int i = 0; i < 4096; i++)
		buffer_text(&text, ",\"\"");
	buffer_text(&text, "]}");
	assert_int_equal(read_config(&config_container, text.data, &arena, &config, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "args: 4097 elements are more than 4096"));

	text.length = 0;
	buffer_text(&text, "{\"labels\":{\"\":\"\"");
	for (int i = 0; i < 4096; i++)
		buffer_printf(&text, ",\"%d\":\"\"", i);
	buffer_text(&text, "}}");
	assert_int_equal(read_config(&config_container, text.data, &arena, &config, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "labels: 4097 elements are more than 4096"));

	text.length = 0;
	for (int i = 0; i < 40; i++)
		buffer_text(&text, "{\"linux\":");
	assert_int_equal(read_config(&config_container, text.data, &arena, &config, &call), CRI_EINVAL);

	text.length = 0;
	buffer_text(&text, "{\"log_path\":\"");
	assert_int_equal(buffer_reserve(&text, 1 << 20), 0);
	while (text.length < 1 << 20)
		buffer_text(&text, "0123456789abcdef");
	buffer_text(&text, "\"}");
	assert_int_equal(read_config(&config_container, text.data, &arena, &config, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "1 MiB"));
	assert_null(config);
}

/* JSON that could not be read again is not written: control characters grow sixfold. */
static void test_unreadable_is_not_written(void **state)
{
	const size_t length = 400000;
	char *text = malloc(length + 1), *json = NULL;
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = text };

	(void)state;
	assert_non_null(text);
	memset(text, 1, length);
	text[length] = '\0';
	assert_int_equal(cri_container_config_to_json(&config, &json, NULL), CRI_EINVAL);
	assert_null(json);
	free(text);
}

static void test_every_prefix_is_refused(void **state)
{
	static const struct {
		const struct config_table *table;
		const char *json;
	} wholes[] = { { &config_sandbox, pod }, { &config_container, container } };

	(void)state;
	for (size_t w = 0; w < 2; w++)
		for (size_t length = 0; length < strlen(wholes[w].json); length++) {
			struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
			const void *config = NULL;
			cri_call call;

			call_init(&call);
			assert_int_equal(
				config_from_json(wholes[w].table, &arena, wholes[w].json, length, &config, &call),
				CRI_EINVAL);
			assert_null(config);
		}
}

/* Damaged bytes: whatever is still read can be written, and read again. The sequence is fixed. */
static void test_damaged_bytes(void **state)
{
	static const char replacements[] = "\"{}[]:,0-1eE.\\utfn\xff\x80 A";
	uint32_t random = 12345;
	char text[sizeof(container)];

	(void)state;
	for (int round = 0; round < 4000; round++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		const void *config = NULL;
		char *json = NULL;
		cri_call call;

		memcpy(text, container, sizeof(text));
		for (int i = 0; i < 1 + round % 3; i++) {
			random = random * 1664525 + 1013904223;

			size_t at = (random >> 8) % (sizeof(text) - 1);

			random = random * 1664525 + 1013904223;
			text[at] = replacements[(random >> 8) % (sizeof(replacements) - 1)];
		}
		if (read_config(&config_container, text, &arena, &config, &call)) {
			assert_null(config);
			assert_string_not_equal(call.message, "");
			continue;
		}
		assert_int_equal(config_to_json(&config_container, config, &json, &call), 0);
		if (read_config(&config_container, json, &arena, &config, &call))
			fail_msg("%s: %s", json, call.message);
		free(json);
	}
}

/* Every signal of the CRI, by number and by name. */
static void test_stop_signals(void **state)
{
	static const struct {
		const char *json, *signal;
	} signals[] = {
		{ "0", "" },
		{ "\"SIGNAL_RUNTIME_DEFAULT\"", "" },
		{ "\"\"", "" },
		{ "1", "SIGABRT" },
		{ "5", "SIGCHLD" },
		{ "\"SIGNAL_SIGCLD\"", "SIGCHLD" },
		{ "\"SIGNAL_SIGIOT\"", "SIGABRT" },
		{ "15", "SIGIO" },
		{ "\"SIGNAL_SIGPOLL\"", "SIGIO" },
		{ "23", "SIGTERM" },
		{ "\"SIGNAL_SIGTERM\"", "SIGTERM" },
		{ "34", "SIGXFSZ" },
		{ "35", "SIGRTMIN" },
		{ "\"SIGNAL_SIGRTMIN\"", "SIGRTMIN" },
		{ "\"SIGNAL_SIGRTMINPLUS1\"", "SIGRTMIN+1" },
		{ "\"SIGNAL_SIGRTMINPLUS15\"", "SIGRTMIN+15" },
		{ "50", "SIGRTMIN+15" },
		{ "51", "SIGRTMAX-14" },
		{ "\"SIGNAL_SIGRTMAXMINUS1\"", "SIGRTMAX-1" },
		{ "65", "SIGRTMAX" },
		{ "\"SIGNAL_SIGRTMAX\"", "SIGRTMAX" },
		{ "\"TERM\"", "TERM" },
		{ "\"15\"", "15" },
		{ "\"RTMIN+3\"", "RTMIN+3" },
		/* Not of the CRI: taken as a plain name, which config_check_container refuses. */
		{ "\"SIGNAL_SIGRTMINPLUS16\"", "SIGNAL_SIGRTMINPLUS16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		char json[96];
		char *written = NULL;
		const void *config;
		cri_call call;

		snprintf(json, sizeof(json), "{\"stop_signal\":%s}", signals[i].json);
		assert_int_equal(read_config(&config_container, json, &arena, &config, &call), 0);
		assert_string_equal(((const cri_container_config *)config)->stop_signal, signals[i].signal);
		assert_int_equal(config_to_json(&config_container, config, &written, &call), 0);
		assert_int_equal(read_config(&config_container, written, &arena, &config, &call), 0);
		assert_string_equal(((const cri_container_config *)config)->stop_signal, signals[i].signal);
		free(written);
	}
}

static void test_pairs(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	cri_key_values pairs = NULL, selector = NULL;
	size_t n = 9, n_selector = 0;
	char *json = NULL;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(config_pairs_from_json(&arena, "{\"b\":\"\",\"a\":\"\\\"\"}", &pairs, &n, &call), 0);
	assert_int_equal(n, 2);
	assert_string_equal(pairs[0]->key, "a");
	assert_string_equal(pairs[0]->value, "\"");
	assert_int_equal(config_pairs_to_json(pairs, n, &json, &call), 0);
	assert_string_equal(json, "{\"a\":\"\\\"\",\"b\":\"\"}");
	free(json);

	assert_true(config_pairs_match(pairs, n, NULL, 0));
	assert_int_equal(config_pairs_from_json(&arena, "{\"b\":\"\"}", &selector, &n_selector, &call), 0);
	assert_true(config_pairs_match(pairs, n, selector, n_selector));
	assert_false(config_pairs_match(selector, n_selector, pairs, n));
	assert_int_equal(config_pairs_from_json(&arena, "{\"a\":\"x\"}", &selector, &n_selector, &call), 0);
	assert_false(config_pairs_match(pairs, n, selector, n_selector));
	assert_int_equal(config_pairs_from_json(&arena, "{}", &pairs, &n, &call), 0);
	assert_int_equal(n, 0);
	assert_int_equal(config_pairs_to_json(NULL, 0, &json, &call), 0);
	assert_string_equal(json, "{}");
	free(json);

	static const char *const bad[] = { "", "[]", "{\"a\":1}", "{\"a\":null}", "{\"a\":\"1\",\"a\":\"1\"}" };

	n = 9;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(config_pairs_from_json(&arena, bad[i], &pairs, &n, &call), CRI_EINVAL);
	assert_int_equal(n, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_public_arguments),
		cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_unreadable_is_not_written),
		cmocka_unit_test(test_every_prefix_is_refused),
		cmocka_unit_test(test_damaged_bytes),
		cmocka_unit_test(test_stop_signals),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
