/* SPDX-License-Identifier: Apache-2.0 */
/* CNI by the letter: what plugins are given, by plugins that write it down. */
#include "network_fixture.h"
#include "plugin_scripts.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNOTATION "network.alpha.kubernetes.io/network"

#define TWO_PLUGINS                                                                                                    \
	"{\"cniVersion\":\"1.0.0\",\"name\":\"two\",\"plugins\":["                                                     \
	"{\"type\":\"first\",\"capabilities\":{\"portMappings\":true,\"dns\":true,\"mac\":false},\"own\":[1]},"        \
	"{\"type\":\"second\",\"capabilities\":{\"bandwidth\":true,\"ips\":true,\"mac\":true,"                         \
	"\"io.kubernetes.cri.pod-annotations\":true,\"unknown\":true}}]}"

static int fresh(void **state)
{
	(void)state;
	network_fresh(CRI_NETWORK_CNI, false);
	scripts_install();
	return 0;
}

static void expect_json(const cJSON *object, const char *key, const char *expected)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
	cJSON *wanted = expected ? cJSON_Parse(expected) : NULL;
	char *text = member ? cJSON_PrintUnformatted(member) : NULL;

	if (expected ? !cJSON_Compare(member, wanted, true) : member != NULL)
		print_error("%s is %s, not %s\n", key, text ? text : "missing", expected ? expected : "missing");
	assert_true(expected ? cJSON_Compare(member, wanted, true) : !member);
	cJSON_Delete(wanted);
	free(text);
}

/* --- what plugins are given --- */

static char *run_wishful_pod(void)
{
	const cri_key_value pairs[] = {
		{ CRI_KEY_VALUE_INIT, .key = "kubernetes.io/ingress-bandwidth", .value = "10M" },
		{ CRI_KEY_VALUE_INIT, .key = "kubernetes.io/egress-bandwidth", .value = "2G" },
		{ CRI_KEY_VALUE_INIT, .key = ANNOTATION,
		  .value = "[{\"interface\":\"eth0\",\"ips\":[\"10.9.0.7\"],\"mac\":\"02:00:00:00:00:07\"}]" },
	};
	const cri_key_value *const annotations[] = { &pairs[0], &pairs[1], &pairs[2] };
	const cri_port_mapping mappings[] = {
		{ CRI_PORT_MAPPING_INIT, .protocol = CRI_TCP, .host_port = 8080, .container_port = 80 },
		{ CRI_PORT_MAPPING_INIT, .protocol = CRI_SCTP, .host_port = 81, .container_port = 82,
		  .host_ip = "::1" },
		{ CRI_PORT_MAPPING_INIT, .protocol = CRI_UDP, .container_port = 53 },
	};
	const cri_port_mapping *const ports[] = { &mappings[0], &mappings[1], &mappings[2] };
	const char *const servers[] = { "192.0.2.53" }, *const searches[] = { "a.example", "b.example" };
	const cri_dns_config dns = { CRI_DNS_CONFIG_INIT, .servers = servers, .n_servers = 1, .searches = searches,
				     .n_searches = 2 };
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT,    .name = "wishful",    .uid = "uid-7",         .namespace_ = "name-space",
		.annotations = annotations, .n_annotations = 3,   .port_mappings = ports, .n_port_mappings = 3,
		.dns_config = &dns,         .hostname = "a-host",
	};
	char *id = NULL;

	expect_ok(net.fixture, cri_sandbox_run(net.fixture->engine, &config, NULL, &id, net.fixture->call));
	return id;
}

static void check_first(const char *pod, const char *namespace_path)
{
	char *environment = scripts_read("first.ADD.env"), expected[1024];
	cJSON *input = scripts_json("first.ADD.stdin");
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(input, "runtimeConfig");

	/* All of it: nothing of the program's own environment. */
	snprintf(expected, sizeof(expected),
		 "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=name-space;K8S_POD_NAME=wishful;"
		 "K8S_POD_INFRA_CONTAINER_ID=%s;K8S_POD_UID=uid-7\nCNI_COMMAND=ADD\nCNI_CONTAINERID=%s\nCNI_IFNAME="
		 "eth0\n"
		 "CNI_NETNS=%s\nCNI_PATH=%s:/usr/lib/cni\n"
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
		 pod, pod, namespace_path, net.plugins);
	assert_string_equal(environment, expected);
	expect_json(input, "name", "\"two\"");
	expect_json(input, "cniVersion", "\"1.0.0\"");
	expect_json(input, "type", "\"first\"");
	expect_json(input, "own", "[1]");
	expect_json(input, "prevResult", NULL);
	expect_json(input, "capabilities", NULL);
	expect_json(arguments, "portMappings",
		    "[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\",\"hostIP\":\"\"},"
		    "{\"hostPort\":81,\"containerPort\":82,\"protocol\":\"sctp\",\"hostIP\":\"::1\"}]");
	expect_json(arguments, "dns",
		    "{\"servers\":[\"192.0.2.53\"],\"searches\":[\"a.example\",\"b.example\"],\"options\":[]}");
	/* Switched off by the configuration. */
	expect_json(arguments, "mac", NULL);
	free(environment);
	cJSON_Delete(input);
}

static void check_second(void)
{
	cJSON *input = scripts_json("second.ADD.stdin");
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(input, "runtimeConfig");
	const cJSON *previous = cJSON_GetObjectItemCaseSensitive(input, "prevResult");

	expect_json(previous, "ips",
		    "[{\"address\":\"10.9.0.7/24\",\"interface\":0},{\"address\":\"fd09::7/64\",\"interface\":0}]");
	expect_json(arguments, "portMappings", NULL);
	/* 50 milliseconds of the rate, and never less than the largest packet. */
	expect_json(arguments, "bandwidth",
		    "{\"ingressRate\":10000000,\"ingressBurst\":524288,\"egressRate\":2000000000,"
		    "\"egressBurst\":100000000}");
	expect_json(arguments, "ips", "[\"10.9.0.7\"]");
	expect_json(arguments, "mac", "\"02:00:00:00:00:07\"");
	expect_json(arguments, "unknown", NULL);
	expect_json(cJSON_GetObjectItemCaseSensitive(arguments, "io.kubernetes.cri.pod-annotations"),
		    "kubernetes.io/egress-bandwidth", "\"2G\"");
	cJSON_Delete(input);
}

static void test_contract(void **state)
{
	char *pod, *address, *calls;
	cJSON *added, *deleted;

	(void)state;
	network_configure("10-two.conflist", TWO_PLUGINS);
	pod = run_wishful_pod();
	check_first(pod, network_namespace(pod));
	check_second();
	address = network_address(pod, 0, 1);
	assert_string_equal(address, "fd09::7");
	free(address);
	/* What was added is what is deleted, also when the configuration is another by then. */
	network_configure("10-two.conflist", NULL);
	network_add_configuration("10-other.conflist", "{\"cniVersion\":\"1.0.0\",\"name\":\"other\",\"plugins\":["
						       "{\"type\":\"third\"}]}");
	expect_ok(net.fixture, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	added = scripts_json("second.ADD.stdin");
	deleted = scripts_json("second.DEL.stdin");
	expect_json(cJSON_GetObjectItemCaseSensitive(deleted, "prevResult"), "dns", "{\"domain\":\"second\"}");
	cJSON_DeleteItemFromObjectCaseSensitive(added, "prevResult");
	cJSON_DeleteItemFromObjectCaseSensitive(deleted, "prevResult");
	assert_true(cJSON_Compare(added, deleted, true));
	cJSON_Delete(added);
	cJSON_Delete(deleted);
	expect_ok(net.fixture, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	calls = scripts_read("calls");
	assert_string_equal(calls, "first ADD eth0\nsecond ADD eth0\nsecond DEL eth0\nfirst DEL eth0\n");
	free(calls);
	cri_free(pod);
}

/* Old results are read, and old plugins get them back as they know them. */
static void test_versions(void **state)
{
	static const struct {
		const char *version, *previous; /* what DEL is given back; NULL: nothing */
	} cases[] = {
		{ "0.1.0", NULL },
		{ "0.2.0", NULL },
		{ "0.3.0", NULL },
		{ "0.3.1", NULL },
		{ "0.4.0", "[{\"version\":\"4\",\"address\":\"10.9.0.7/24\",\"interface\":0}]" },
		{ "1.0.0", "[{\"address\":\"10.9.0.7/24\",\"interface\":0}]" },
		{ "1.1.0", "[{\"address\":\"10.9.0.7/24\",\"interface\":0}]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char configuration[256], *pod, *address;
		cJSON *input;

		snprintf(configuration, sizeof(configuration),
			 "{\"cniVersion\":\"%s\",\"name\":\"old\",\"type\":\"versioned\"}", cases[i].version);
		network_configure("10-old.conf", configuration);
		pod = network_pod("one", NULL, 0, NULL, NULL);
		address = network_address(pod, 0, 0);
		assert_string_equal(address, "10.9.0.7");
		expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
		input = scripts_json("versioned.DEL.stdin");
		if (cases[i].previous)
			expect_json(cJSON_GetObjectItemCaseSensitive(input, "prevResult"), "ips", cases[i].previous);
		else
			expect_json(input, "prevResult", NULL);
		cJSON_Delete(input);
		free(address);
		cri_free(pod);
	}
}

/* Several versions in one list: the newest that is known. */
static void test_version_is_chosen(void **state)
{
	char *pod;
	cJSON *input;

	(void)state;
	network_configure("10-a.conflist", "{\"cniVersion\":\"0.4.0\",\"cniVersions\":[\"9.0.0\",\"1.1.0\",\"1.0.0\"],"
					   "\"name\":\"many\",\"plugins\":[{\"type\":\"first\"}]}");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	input = scripts_json("first.ADD.stdin");
	expect_json(input, "cniVersion", "\"1.1.0\"");
	cJSON_Delete(input);
	cri_free(pod);
}

/* --- which networks --- */

static void add_single(const char *file, const char *name)
{
	char configuration[256];

	snprintf(configuration, sizeof(configuration), "{\"cniVersion\":\"1.0.0\",\"name\":\"%s\",\"type\":\"first\"}",
		 name);
	network_add_configuration(file, configuration);
}

static void expect_network(const char *pod, size_t index, const char *interface, const char *network)
{
	cri_list *list = NULL;
	const cri_sandbox_status *status;

	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	status = cri_sandbox_status_at(list, 0);
	assert_true(index < status->n_networks);
	assert_string_equal(status->networks[index]->interface_name, interface);
	assert_string_equal(status->networks[index]->network, network);
	cri_list_free(list);
}

static void test_order(void **state)
{
	char *pod;

	(void)state;
	network_configure("20-b.conf", NULL);
	add_single("20-b.conf", "b");
	add_single(".05-hidden.conf", "hidden");
	add_single("01-other.txt", "other");
	add_single("10-a.json", "a");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	expect_network(pod, 0, "eth0", "a");
	cri_free(pod);
	/* By bytes, and as soon as it is there. */
	add_single("10-Z.conflist", "not-a-list");
	add_single("10-Z.conf", "capital");
	pod = network_pod("two", NULL, 0, NULL, NULL);
	expect_network(pod, 0, "eth0", "capital");
	cri_free(pod);
}

static void test_several(void **state)
{
	cri_list *list = NULL;
	const cri_sandbox_status *status;
	char *pod, *calls;

	(void)state;
	network_configure("10-a.conf", NULL);
	add_single("10-a.conf", "a");
	add_single("20-b.conf", "b");
	pod = network_pod("one", NULL, 0, ANNOTATION,
			  "[{\"name\":\"b\",\"interface\":\"net7\"},{\"name\":\"b\"},{\"name\":\"a\"}]");
	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	status = cri_sandbox_status_at(list, 0);
	assert_int_equal(status->n_networks, 4);
	assert_string_equal(status->ip, "10.9.0.7");
	assert_int_equal(status->n_additional_ips, 1);
	assert_string_equal(status->additional_ips[0], "fd09::7");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(status->networks[i]->n_ips, 2);
	cri_list_free(list);
	expect_network(pod, 0, "eth0", "a");
	expect_network(pod, 1, "net7", "b");
	expect_network(pod, 2, "eth2", "b");
	expect_network(pod, 3, "eth3", "a");
	/* The hosts file has all of them. */
	assert_true(network_try(NULL, "test $(grep -c pod-host '%s/sandboxes/%s/hosts') = 8", net.fixture->state, pod));
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	cri_free(pod);
	/* The default network may be another than the first. */
	pod = network_pod("one", NULL, 0, ANNOTATION, "[{\"name\":\"b\",\"interface\":\"eth0\"}]");
	expect_network(pod, 0, "eth0", "b");
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	cri_free(pod);
	calls = scripts_read("calls");
	assert_string_equal(calls, "first ADD eth0\nfirst ADD net7\nfirst ADD eth2\nfirst ADD eth3\n"
				   "first DEL eth3\nfirst DEL eth2\nfirst DEL net7\nfirst DEL eth0\n"
				   "first ADD eth0\nfirst DEL eth0\n");
	free(calls);
}

static void test_bad_annotations(void **state)
{
	static const struct {
		const char *value, *message;
	} cases[] = {
		{ "{}", "it is no JSON array" },
		{ "[{\"name\":\"a\"}", "it is no JSON array" },
		{ "[7]", "an entry is malformed" },
		{ "[{\"name\":7}]", "an entry is malformed" },
		{ "[{\"name\":\"c\"}]", "there is no network \"c\"" },
		{ "[{\"name\":\"a\",\"interface\":\"lo\"}]", "\"lo\" is no name for an interface" },
		{ "[{\"name\":\"a\",\"interface\":\"a/b\"}]", "\"a/b\" is no name for an interface" },
		{ "[{\"name\":\"a\",\"interface\":\"sixteen-letters.\"}]", "is no name for an interface" },
		{ "[{\"name\":\"a\",\"interface\":\"n1\"},{\"name\":\"a\",\"interface\":\"n1\"}]",
		  "n1 is named twice" },
		{ "[{\"name\":\"a\",\"ips\":\"10.9.0.7\"}]", "\"ips\"" },
		{ "[{\"name\":\"a\",\"ips\":[7]}]", "\"ips\"" },
		{ "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "at most 16" },
	};
	char *pod = NULL;

	(void)state;
	network_configure("10-a.conf", NULL);
	add_single("10-a.conf", "a");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		expect_code(net.fixture, CRI_EINVAL, network_try_pod("one", NULL, 0, ANNOTATION, cases[i].value, &pod));
		if (!strstr(cri_call_message(net.fixture->call), cases[i].message))
			print_error("%s: %s\n", cases[i].value, cri_call_message(net.fixture->call));
		assert_non_null(strstr(cri_call_message(net.fixture->call), cases[i].message));
		assert_null(pod);
	}
	expect_code(net.fixture, CRI_EINVAL,
		    network_try_pod("one", NULL, 0, "kubernetes.io/ingress-bandwidth", "fast", &pod));
	expect_code(net.fixture, CRI_EINVAL,
		    network_try_pod("one", NULL, 0, "kubernetes.io/egress-bandwidth", "10", &pod));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "not between 1k and 1P"));
	assert_false(scripts_has("calls"));
}

/* --- questions --- */

static char *check(const char *pod)
{
	char *json = NULL, *answer;
	cJSON *info;

	expect_ok(net.fixture, cri_sandbox_info_json(net.fixture->engine, pod, &json, net.fixture->call));
	info = cJSON_Parse(json);
	assert_non_null(info);
	answer = strdup(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "networkCheck")));
	cJSON_Delete(info);
	cri_free(json);
	return answer;
}

static void test_check(void **state)
{
	char *pod, *answer;
	cJSON *input;

	(void)state;
	network_configure("10-two.conflist", TWO_PLUGINS);
	pod = network_pod("one", NULL, 0, NULL, NULL);
	answer = check(pod);
	assert_string_equal(answer, "OK");
	free(answer);
	input = scripts_json("first.CHECK.stdin");
	expect_json(cJSON_GetObjectItemCaseSensitive(input, "prevResult"), "dns", "{\"domain\":\"second\"}");
	cJSON_Delete(input);
	scripts_fail("second", "CHECK");
	answer = check(pod);
	assert_non_null(
		strstr(answer, "network two: plugin second: CHECK: it is not as it was; ask the tests (error 11)"));
	free(answer);
	cri_free(pod);
	/* Unless the list says so, and never of plugins that are too old. */
	scripts_fail("second", NULL);
	network_configure("10-a.conflist", "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"disableCheck\":true,"
					   "\"plugins\":[{\"type\":\"third\"}]}");
	pod = network_pod("two", NULL, 0, NULL, NULL);
	answer = check(pod);
	assert_string_equal(answer, "OK");
	assert_false(scripts_has("third.CHECK.stdin"));
	free(answer);
	cri_free(pod);
}

static void test_status(void **state)
{
	char *environment;

	(void)state;
	network_configure("10-a.conflist",
			  "{\"cniVersion\":\"1.1.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"first\"}]}");
	network_expect_ready(true, "");
	environment = scripts_read("first.STATUS.env");
	assert_non_null(strstr(environment, "CNI_COMMAND=STATUS\n"));
	free(environment);
	scripts_fail("first", "STATUS");
	network_expect_ready(false, "network a: plugin first: STATUS: it is not as it was; ask the tests (error 11)");
	scripts_fail("first", NULL);
	network_expect_ready(true, "");
}

/* Once after a boot, which is when the state directory is empty. */
static void test_collect(void **state)
{
	char *pod, *second, *answer;
	cJSON *input;
	char expected[512];

	(void)state;
	network_configure("10-a.conflist",
			  "{\"cniVersion\":\"1.1.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"first\"}]}");
	network_add_configuration("20-b.conflist", "{\"cniVersion\":\"1.1.0\",\"name\":\"b\",\"disableGC\":true,"
						   "\"plugins\":[{\"type\":\"second\"}]}");
	network_add_configuration("30-c.conflist",
				  "{\"cniVersion\":\"1.0.0\",\"name\":\"c\",\"plugins\":[{\"type\":\"third\"}]}");
	pod = network_pod("one", NULL, 0, ANNOTATION, "[{\"name\":\"a\",\"interface\":\"net1\"},{\"name\":\"c\"}]");
	second = network_pod("two", NULL, 0, NULL, NULL);
	network_open(CRI_NETWORK_CNI, false);
	assert_false(scripts_has("first.GC.stdin"));
	assert_true(network_try(NULL, "rm '%s/network.collected'", net.fixture->state));
	network_open(CRI_NETWORK_CNI, false);
	input = scripts_json("first.GC.stdin");
	snprintf(expected, sizeof(expected),
		 "[{\"containerID\":\"%s\",\"ifname\":\"eth0\"},{\"containerID\":\"%s\",\"ifname\":\"eth0\"},"
		 "{\"containerID\":\"%s\",\"ifname\":\"net1\"}]",
		 second, pod, pod);
	expect_json(input, "cni.dev/valid-attachments", expected);
	cJSON_Delete(input);
	assert_false(scripts_has("second.GC.stdin"));
	assert_false(scripts_has("third.GC.stdin"));
	/* A plugin that fails keeps nobody out. */
	scripts_fail("first", "GC");
	assert_true(network_try(NULL, "rm '%s/network.collected'", net.fixture->state));
	network_open(CRI_NETWORK_CNI, false);
	answer = check(pod);
	assert_string_equal(answer, "OK");
	free(answer);
	cri_free(pod);
	cri_free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_contract, fresh),
		cmocka_unit_test_setup(test_versions, fresh),
		cmocka_unit_test_setup(test_version_is_chosen, fresh),
		cmocka_unit_test_setup(test_order, fresh),
		cmocka_unit_test_setup(test_several, fresh),
		cmocka_unit_test_setup(test_bad_annotations, fresh),
		cmocka_unit_test_setup(test_check, fresh),
		cmocka_unit_test_setup(test_status, fresh),
		cmocka_unit_test_setup(test_collect, fresh),
	};

	return cmocka_run_group_tests_name("CNI", tests, network_set_up, network_tear_down);
}
