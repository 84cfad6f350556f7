/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way of a pod's network: the error says what it is, and nothing is half made. */
#include "cni_fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define HOST_LOCAL(members) "\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\"," members "}"
#define BRIDGE(members) "{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isGateway\":true," members "}"
#define PLAIN BRIDGE(HOST_LOCAL("\"subnet\":\"10.1.0.0/24\""))
#define MASQUERADED BRIDGE("\"ipMasq\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\""))
#define CHAIN MASQUERADED ",{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
#define DUAL_CHAIN                                                                                                     \
	BRIDGE(HOST_LOCAL("\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],[{\"subnet\":\"fd00:1::/64\"}]]"))               \
	",{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
#define PORT(host, container, protocol)                                                                                \
	"{\"hostPort\":" #host ",\"containerPort\":" #container ",\"protocol\":\"" protocol "\"}"

/* The host and the pod are as before, but for what is the network's and not the pod's: the bridge that other pods will
 * use, and the marks of host-local. */
#define OF_PODS                                                                                                        \
	"(ip -o link show type veth; "                                                                                 \
	"nft list ruleset 2>/dev/null | grep elements -A3; "                                                           \
	"find %s -type f 2>/dev/null | grep -v 'last_reserved\\|lock$' | LC_ALL=C sort)"

static void expect_refused(struct cni_question *question, int code, const char *text, void (*prepare)(void))
{
	char *before = network_shell(NULL, OF_PODS, scene.data), *after, *inside;
	struct cni_asking asking = cni_begin(question, prepare);
	cJSON *answer = cni_end(&asking);

	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(answer, "undone")));
	cni_expect_error_in(answer, code, text);
	after = network_shell(NULL, OF_PODS, scene.data);
	assert_string_equal(before, after);
	inside = network_shell(question->pod->netns, "ip -o link show | grep -v ' lo:'");
	assert_string_equal(inside, "");
	free(before);
	free(after);
	free(inside);
}

static void take_away(struct cni_question *question, struct cni_pod *pod, cJSON *result)
{
	question->command = "DEL";
	question->pod = pod;
	question->result = result;
	cni_expect_done(question);
	question->command = NULL;
	question->result = NULL;
	cni_drop(pod);
	cJSON_Delete(result);
}

static void test_host_port_conflict(void **state)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("two");
	struct cni_question question = {
		.pod = &one,
		.plugins = CHAIN,
		.capabilities = "{\"portMappings\":[" PORT(8080, 80, "tcp") "]}",
	};
	cJSON *result = cni_expect_result(&question);

	(void)state;
	question.pod = &two;
	question.capabilities = "{\"portMappings\":[" PORT(9090, 90, "tcp") "," PORT(8080, 80, "tcp") "]}";
	expect_refused(&question, CRI_EEXIST, "plugin portmap: ADD: host port 8080/tcp is taken by another pod", NULL);
	/* The same number of another protocol is another port. */
	question.capabilities = "{\"portMappings\":[" PORT(8080, 80, "udp") "]}";
	take_away(&question, &two, cni_expect_result(&question));
	question.capabilities = "{\"portMappings\":[" PORT(8080, 80, "tcp") "]}";
	take_away(&question, &one, result);
	/* It is free now. */
	two = cni_pod("two");
	question.pod = &two;
	take_away(&question, &two, cni_expect_result(&question));
	cni_assert_nothing_left();
}

#define ON(address, port) "{\"hostPort\":" port ",\"containerPort\":80,\"hostIP\":\"" address "\"}"

/* The kernel would take both, and hide one from the other. */
static void test_all_addresses_conflict(void **state)
{
	static const struct {
		const char *first, *second, *taken; /* NULL: it is not */
	} cases[] = {
		{ PORT(8080, 80, "tcp"), ON("10.1.0.1", "8080"), "8080/tcp is taken by another pod, on all addresses" },
		{ ON("0.0.0.0", "8080"), ON("10.1.0.1", "8080"), "8080/tcp is taken by another pod, on all addresses" },
		{ ON("10.1.0.1", "8080"), PORT(8080, 80, "tcp"), "8080/tcp is taken by another pod, on one of the" },
		{ ON("10.1.0.1", "8080"), ON("0.0.0.0", "8080"), "8080/tcp is taken by another pod, on one of the" },
		{ ON("fd00:1::1", "8080"), ON("::", "8080"), "8080/tcp is taken by another pod, on one of the" },
		{ ON("::", "8080"), ON("fd00:1::1", "8080"), "8080/tcp is taken by another pod, on all addresses" },
		{ ON("10.1.0.1", "8080"), ON("10.1.0.1", "8080"), "8080/tcp is taken by another pod" },
		{ ON("10.1.0.1", "8080"), ON("192.0.2.1", "8080"), NULL },
		{ ON("10.1.0.1", "8080"), PORT(8080, 80, "udp"), NULL },
		{ ON("10.1.0.1", "8080"), ON("::", "8080"), NULL },
		{ ON("0.0.0.0", "8080"), ON("fd00:1::1", "8080"), NULL },
		{ ON("0.0.0.0", "8080"), ON("10.1.0.1", "8081"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cni_pod one = cni_pod("one"), two = cni_pod("two");
		char first[256], second[256];
		struct cni_question question = { .pod = &one, .plugins = DUAL_CHAIN, .capabilities = first };
		cJSON *result;

		snprintf(first, sizeof(first), "{\"portMappings\":[%s]}", cases[i].first);
		snprintf(second, sizeof(second), "{\"portMappings\":[%s]}", cases[i].second);
		result = cni_expect_result(&question);
		question.pod = &two;
		question.capabilities = second;
		if (cases[i].taken)
			expect_refused(&question, CRI_EEXIST, cases[i].taken, NULL);
		else
			take_away(&question, &two, cni_expect_result(&question));
		question.capabilities = first;
		take_away(&question, &one, result);
		if (cases[i].taken)
			cni_drop(&two);
		cni_assert_nothing_left();
	}
}

/* One pod may have both, as with the program: the single address goes first. */
static void test_all_addresses_of_one(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = {
		.pod = &pod,
		.plugins = CHAIN,
		.capabilities = "{\"portMappings\":[" PORT(8080, 80, "tcp") "," ON("10.1.0.1", "8080") "]}",
	};

	(void)state;
	take_away(&question, &pod, cni_expect_result(&question));
	cni_assert_nothing_left();
}

static void test_bad_mappings(void **state)
{
	static const struct {
		const char *mapping, *error;
	} bad[] = {
		{ PORT(8080, 0, "tcp"), "no valid ports" },
		{ PORT(70000, 80, "tcp"), "no valid ports" },
		{ PORT(-1, 80, "tcp"), "no valid ports" },
		{ PORT(8080, 80, "icmp"), "protocol \"icmp\" is not known" },
		{ "{\"hostPort\":1,\"containerPort\":1,\"hostIP\":\"x\"}", "host address \"x\" is none" },
	};
	struct cni_pod pod = cni_pod("one");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char capabilities[256];
		struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = capabilities };

		snprintf(capabilities, sizeof(capabilities), "{\"portMappings\":[%s]}", bad[i].mapping);
		expect_refused(&question, CRI_EINVAL, bad[i].error, NULL);
	}
	cni_drop(&pod);
	cni_assert_nothing_left();
}

static void test_exhausted(void **state)
{
	struct cni_pod pods[3] = { cni_pod("one"), cni_pod("two"), cni_pod("three") };
	struct cni_question question = {
		.plugins = BRIDGE(HOST_LOCAL("\"ranges\":[[{\"subnet\":\"10.2.0.0/24\"}],[{\"subnet\":\"10.1.0.0/24\","
					     "\"rangeStart\":\"10.1.0.5\",\"rangeEnd\":\"10.1.0.6\"}]]")),
	};
	cJSON *results[2];

	(void)state;
	question.plugins = "{\"type\":\"bridge\",\"bridge\":\"cni0\"," HOST_LOCAL(
		"\"ranges\":[[{\"subnet\":\"10.2.0.0/24\"}],[{\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.5\","
		"\"rangeEnd\":\"10.1.0.6\"}]]") "}";
	for (int i = 0; i < 2; i++) {
		question.pod = &pods[i];
		results[i] = cni_expect_result(&question);
	}
	question.pod = &pods[2];
	/* The address of the first range is given back, too. */
	expect_refused(&question, CRI_EEXHAUSTED,
		       "no address is left in the range set that begins with "
		       "10.1.0.5-10.1.0.6",
		       NULL);
	take_away(&question, &pods[0], results[0]);
	question.pod = &pods[2];
	results[0] = cni_expect_result(&question);
	assert_string_equal(cni_address(results[0], 1), "10.1.0.5");
	take_away(&question, &pods[2], results[0]);
	take_away(&question, &pods[1], results[1]);
	cni_assert_nothing_left();
}

static void test_bad_ranges(void **state)
{
	static const struct {
		const char *ipam, *error;
	} bad[] = {
		{ "\"ranges\":[]", "no ranges" },
		{ "\"ranges\":[[]]", "\"ranges\" are not" },
		{ "\"subnet\":\"10.1.0.0\"", "\"subnet\" is missing or no prefix" },
		{ "\"subnet\":\"10.1.0.1/24\"", "has host bits set" },
		{ "\"subnet\":\"10.1.0.0/31\"", "too small" },
		{ "\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.2.0.1\"",
		  "rangeStart 10.2.0.1 is not in the subnet" },
		{ "\"subnet\":\"10.1.0.0/24\",\"rangeEnd\":\"10.1.1.1\"", "rangeEnd 10.1.1.1 is not in the subnet" },
		{ "\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.9\",\"rangeEnd\":\"10.1.0.8\"", "ends before" },
		{ "\"subnet\":\"10.1.0.0/24\",\"gateway\":\"fd00::1\"", "no address of the subnet's family" },
		{ "\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"},{\"subnet\":\"fd00::/64\"}]]", "mixes IPv4 and IPv6" },
		{ "\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"},{\"subnet\":\"10.1.0.0/25\"}]]", "overlaps" },
		{ "\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],[{\"subnet\":\"10.0.0.0/8\"}]]", "overlaps" },
		{ "\"subnet\":\"10.1.0.0/24\",\"routes\":[{\"dst\":\"10.7.0.0\"}]", "a route is malformed" },
	};
	struct cni_pod pod = cni_pod("one");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char plugins[512];
		struct cni_question question = { .pod = &pod, .plugins = plugins };
		cJSON *answer;

		snprintf(plugins, sizeof(plugins),
			 "{\"type\":\"bridge\",\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",%s}}",
			 bad[i].ipam);
		expect_refused(&question, CRI_EINVAL, bad[i].error, NULL);
		question.exec = true;
		answer = cni_ask(&question);
		/* It takes a gateway of the other family. */
		assert_int_equal(cJSON_GetObjectItem(answer, "error") == NULL, strstr(bad[i].ipam, "gateway") != NULL);
		cJSON_Delete(answer);
		question.command = "DEL";
		question.exec = false;
		cni_expect_done(&question);
		assert_true(network_try(pod.netns, "! ip link show eth0 2>/dev/null || ip link del eth0"));
	}
	cni_drop(&pod);
	cni_assert_nothing_left();
}

static void test_bridge_is_other(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = PLAIN };
	cJSON *answer;
	char *text;

	(void)state;
	/* Another address, whatever its subnet: one of IPv4 is all that a bridge has. */
	assert_true(network_try(NULL, "ip link add cni0 type bridge && ip addr add 10.1.0.9/24 dev cni0"));
	expect_refused(&question, CRI_EPRECONDITION,
		       "the bridge cni0 has the address 10.1.0.9/24, where 10.1.0.1/24 is wanted", NULL);
	assert_true(network_try(NULL, "ip addr flush dev cni0; ip addr add 172.16.0.1/24 dev cni0"));
	expect_refused(&question, CRI_EPRECONDITION, "has the address 172.16.0.1/24", NULL);
	question.exec = true;
	answer = cni_ask(&question);
	assert_non_null(strstr(cJSON_GetObjectItem(answer, "error")->valuestring, "different from 10.1.0.1/24"));
	cJSON_Delete(answer);
	question.exec = false;
	/* forceAddress replaces it. */
	question.plugins = BRIDGE("\"forceAddress\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\""));
	assert_true(network_try(NULL, "ip addr add 172.17.0.1/24 dev cni0; ip addr add fd00:9::1/64 dev cni0"));
	take_away(&question, &pod, cni_expect_result(&question));
	text = network_shell(NULL,
			     "ip -o addr show dev cni0 | grep -v fe80 | awk '{print $4}' | LC_ALL=C sort | xargs");
	assert_string_equal(text, "10.1.0.1/24 fd00:9::1/64\n");
	free(text);
	/* No bridge at all. */
	assert_true(network_try(NULL, "ip link del cni0; ip link add cni0 type veth peer name other0"));
	pod = cni_pod("one");
	question.plugins = PLAIN;
	expect_refused(&question, CRI_EPRECONDITION, "the interface cni0 exists and is no bridge", NULL);
	assert_true(network_try(NULL, "ip link del cni0"));
	cni_drop(&pod);
	cni_assert_nothing_left();
}

/* A bridge that somebody made keeps the MAC address that it has when it is given the gateway's address. */
static void test_bridge_mac(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = PLAIN };
	char *before, *after;
	cJSON *result;

	(void)state;
	assert_true(network_try(NULL, "ip link add cni0 type bridge"));
	before = network_shell(NULL, "cat /sys/class/net/cni0/address; ip -o link show cni0 | grep -o 'ether [^ ]*'");
	result = cni_expect_result(&question);
	after = network_shell(NULL, "cat /sys/class/net/cni0/address; ip -o link show cni0 | grep -o 'ether [^ ]*'");
	assert_string_equal(before, after);
	assert_non_null(strstr(
		after, cJSON_GetObjectItem(cJSON_GetObjectItem(result, "interfaces")->child, "mac")->valuestring));
	free(before);
	free(after);
	take_away(&question, &pod, result);
	cni_assert_nothing_left();
}

static void read_only_proc_sys(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		_exit(97);
}

static void test_read_only_proc_sys(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = {
		.pod = &pod,
		.plugins = CHAIN,
		.capabilities = "{\"portMappings\":[" PORT(8080, 80, "tcp") "]}",
	};
	struct cni_asking asking;
	cJSON *answer, *result;

	(void)state;
	/* The host's own may be on, and a new namespace begins as the host is. */
	assert_true(network_try(NULL, "echo 0 >/proc/sys/net/ipv4/ip_forward"));
	expect_refused(&question, CRI_EINTERNAL,
		       "switch forwarding on in /proc/sys/net/ipv4/ip_forward, which a gateway needs: Read-only",
		       read_only_proc_sys);
	assert_true(network_try(NULL, "echo 1 >/proc/sys/net/ipv4/ip_forward"));
	expect_refused(&question, CRI_EINTERNAL, "write /proc/sys/net/ipv4/conf/cni0/route_localnet: Read-only",
		       read_only_proc_sys);
	/* Where everything is right already nothing is written. */
	assert_true(network_try(NULL, "echo 1 >/proc/sys/net/ipv4/conf/cni0/route_localnet"));
	asking = cni_begin(&question, read_only_proc_sys);
	answer = cni_end(&asking);
	assert_null(cJSON_GetObjectItem(answer, "error"));
	result = cJSON_DetachItemFromArray(cJSON_GetObjectItem(answer, "results"), 0);
	cJSON_Delete(answer);
	take_away(&question, &pod, result);
	cni_assert_nothing_left();
}

/* A kernel without nftables gives no netfilter sockets. */
static void without_nftables(void)
{
	cni_refuse_netfilter(EPROTONOSUPPORT);
}

static void test_no_nftables(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = MASQUERADED };
	struct cni_asking asking;
	cJSON *answer, *result;

	(void)state;
	expect_refused(&question, CRI_ENOTSUP, "nftables: the kernel has none", without_nftables);
	/* Who needs no rules does without, and DEL of who would have has nothing to delete. */
	question.plugins = PLAIN;
	asking = cni_begin(&question, without_nftables);
	answer = cni_end(&asking);
	assert_null(cJSON_GetObjectItem(answer, "error"));
	result = cJSON_DetachItemFromArray(cJSON_GetObjectItem(answer, "results"), 0);
	cJSON_Delete(answer);
	question.command = "DEL";
	question.plugins = MASQUERADED;
	question.result = result;
	asking = cni_begin(&question, without_nftables);
	answer = cni_end(&asking);
	assert_null(cJSON_GetObjectItem(answer, "error"));
	cJSON_Delete(answer);
	cJSON_Delete(result);
	cni_drop(&pod);
	cni_assert_nothing_left();
}

/* DEL lets the kernel delete the interface when the namespace goes, and the pod is silent by then. */
static void test_delete_leaves_the_interface_to_the_kernel(void **state)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("two");
	struct cni_question question = { .pod = &one, .plugins = PLAIN };
	cJSON *first = cni_expect_result(&question), *second;
	pid_t server;
	char *answer, *text;

	(void)state;
	question.pod = &two;
	second = cni_expect_result(&question);
	server = network_serve(one.netns, IPPROTO_TCP, 7000, "one");
	answer = network_ask(two.netns, IPPROTO_TCP, cni_address(first, 0), 7000);
	assert_int_equal(strncmp(answer, "one", 3), 0);
	free(answer);
	question.command = "DEL";
	question.pod = &one;
	question.result = first;
	cni_expect_done(&question);
	text = network_shell(one.netns, "ip -o link show eth0; bridge link show");
	assert_non_null(strstr(text, "eth0@"));
	free(text);
	text = network_shell(NULL, "bridge link show | grep -c 'state disabled'");
	assert_string_equal(text, "1\n");
	free(text);
	answer = network_ask(two.netns, IPPROTO_TCP, cni_address(first, 0), 7000);
	assert_string_equal(answer, "");
	free(answer);
	network_end(server);
	cni_drop(&one);
	cJSON_Delete(first);
	take_away(&question, &two, second);
	cni_assert_nothing_left();
}

/* ADD a second time fails, and like with the programs, what is undone is all of the pod's. */
static void test_interface_is_taken(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = PLAIN };

	(void)state;
	assert_true(network_try(pod.netns, "ip link add eth0 type veth peer name other0"));
	cni_expect_error(&question, CRI_EEXIST, "the pod has an interface eth0 already");
	cni_drop(&pod);
	cni_assert_nothing_left();
}

static void test_bad_requests(void **state)
{
	static const char plain[] = PLAIN;
	struct cni_pod pod = cni_pod("one"), bad = pod;
	struct cni_question question = { .pod = &pod, .plugins = plain, .network = "../x" };

	(void)state;
	cni_expect_error(&question, CRI_EINVAL, "\"../x\" is no name of a network");
	question.network = NULL;
	question.interface = "a/b";
	cni_expect_error(&question, CRI_EINVAL, "\"a/b\" none of an interface");
	question.interface = "abcdefghijklmnop";
	cni_expect_error(&question, CRI_EINVAL, "none of an interface");
	question.interface = NULL;
	question.pod = &bad;
	snprintf(bad.id, sizeof(bad.id), "-one");
	cni_expect_error(&question, CRI_EINVAL, "\"id\" or \"path\" is malformed");
	question.pod = &pod;
	question.version = "0.9.0";
	cni_expect_error(&question, CRI_EINVAL, "malformed attachment");
	question.version = NULL;
	question.command = "PAINT";
	cni_expect_error(&question, CRI_EINVAL, "malformed");
	cni_drop(&pod);
	cni_assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_host_port_conflict),
		cni_test(test_all_addresses_conflict),
		cni_test(test_all_addresses_of_one),
		cni_test(test_bad_mappings),
		cni_test(test_exhausted),
		cni_test(test_bad_ranges),
		cni_test(test_bridge_is_other),
		cni_test(test_bridge_mac),
		cni_test(test_read_only_proc_sys),
		cni_test(test_no_nftables),
		cni_test(test_delete_leaves_the_interface_to_the_kernel),
		cni_test(test_interface_is_taken),
		cni_test(test_bad_requests),
	};

	network_need_rules("obstacles");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
