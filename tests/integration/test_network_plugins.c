/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugins that cri-network does itself beside Debian's: the same configuration gives the same results, addresses,
 * routes and files, whoever does it, and what one has added the other deletes.
 */
#include "cni_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE "\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}]]"
#define HOST_LOCAL(members) "\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\"," members "}"
#define BRIDGE(members) "{\"type\":\"bridge\",\"bridge\":\"cni0\"," members "}"
#define RECORD "{\"type\":\"record\",\"capabilities\":{\"portMappings\":true}}"
#define PORTMAP "{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"

#define STEPS 10

/* What is seen on the way. */
struct story {
	char *texts[STEPS];
	cJSON *results[STEPS];
};

static void note(struct story *story, int step, const struct cni_pod *pod, const cJSON *result)
{
	char *host = cni_host_text(), *inside = pod ? cni_pod_text(pod) : strdup(""), *records = cni_records();
	const size_t size = strlen(host) + strlen(inside) + strlen(records) + 64;

	story->texts[step] = malloc(size);
	assert_non_null(story->texts[step]);
	snprintf(story->texts[step], size, "host:\n%s\npod:\n%s\nrecords:\n%s\n", host, inside, records);
	if (result) {
		char *text = cJSON_PrintUnformatted(result);

		cni_normalise(text);
		story->results[step] = cJSON_Parse(text);
		cJSON_free(text);
	}
	free(host);
	free(inside);
	free(records);
}

/* The first line that differs, since cmocka cuts long messages. */
static void expect_same_text(int step, const char *ours, const char *theirs)
{
	size_t line = 0;

	if (!strcmp(ours, theirs))
		return;
	for (size_t i = 0; ours[i] && ours[i] == theirs[i]; i++)
		line = ours[i] == '\n' ? i + 1 : line;
	print_error("step %d: in-process \"%.*s\"\n", step, (int)strcspn(ours + line, "\n"), ours + line);
	print_error("step %d: exec \"%.*s\"\n", step, (int)strcspn(theirs + line, "\n"), theirs + line);
	fail();
}

static void expect_same(struct story *ours, struct story *theirs)
{
	for (int i = 0; i < STEPS; i++) {
		if (!ours->texts[i])
			continue;
		expect_same_text(i, ours->texts[i], theirs->texts[i]);
		if (ours->results[i] && !cJSON_Compare(ours->results[i], theirs->results[i], true)) {
			print_error("step %d: in-process %s\n", i, cJSON_PrintUnformatted(ours->results[i]));
			print_error("step %d: exec %s\n", i, cJSON_PrintUnformatted(theirs->results[i]));
			fail();
		}
		free(ours->texts[i]);
		free(theirs->texts[i]);
		cJSON_Delete(ours->results[i]);
		cJSON_Delete(theirs->results[i]);
	}
}

/* Waits until so many veths are left: the kernel deletes those of a namespace in its own time. */
static void wait_for_veths(int count)
{
	char command[96];

	snprintf(command, sizeof(command), "ip -o link show type veth | tail -n +%d", count + 1);
	assert_true(network_wait_for_none(command));
}

static void take_away(struct cni_question *question, struct cni_pod *pod, cJSON *result)
{
	question->command = "DEL";
	question->pod = pod;
	question->result = result;
	cni_expect_done(question);
	cni_drop(pod);
	question->command = "ADD";
	question->result = NULL;
}

/* Three pods; the one in the middle goes; another comes, with what is free. */
static struct story tell(const struct cni_question *wanted, bool exec)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("two"), three = cni_pod("three"), four = cni_pod("four");
	struct cni_question question = *wanted;
	struct story story = { 0 };
	cJSON *results[4];
	void *state = NULL;

	assert_int_equal(cni_fresh(&state), 0);
	question.exec = exec;
	question.pod = &one;
	results[0] = cni_expect_result(&question);
	note(&story, 0, &one, results[0]);
	question.pod = &two;
	results[1] = cni_expect_result(&question);
	note(&story, 1, &two, results[1]);
	question.pod = &three;
	results[2] = cni_expect_result(&question);
	note(&story, 2, &three, results[2]);
	take_away(&question, &two, results[1]);
	wait_for_veths(cJSON_GetArraySize(cJSON_GetObjectItem(results[1], "interfaces")) > 1 ? 2 : 0);
	note(&story, 3, NULL, NULL);
	question.pod = &four;
	results[3] = cni_expect_result(&question);
	note(&story, 4, &four, results[3]);
	take_away(&question, &one, results[0]);
	take_away(&question, &three, results[2]);
	take_away(&question, &four, results[3]);
	cni_assert_nothing_left();
	note(&story, 5, NULL, NULL);
	for (int i = 0; i < 4; i++)
		cJSON_Delete(results[i]);
	return story;
}

static void compare(const struct cni_question *question)
{
	struct story ours = tell(question, false), theirs = tell(question, true);

	expect_same(&ours, &theirs);
}

static void compare_plugins(const char *plugins)
{
	const struct cni_question question = { .plugins = plugins };

	compare(&question);
}

static void test_versions(void **state)
{
	static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		const struct cni_question question = {
			.version = versions[i],
			.plugins = BRIDGE("\"isDefaultGateway\":true,\"dns\":{\"nameservers\":[\"10.9.9.9\"],"
					  "\"search\":[\"a.example\"]}," HOST_LOCAL(
						  RANGE ",\"routes\":[{\"dst\":\"10.7.0.0/16\"}]")) "," RECORD,
			.capabilities =
				"{\"portMappings\":[{\"hostPort\":1,\"containerPort\":2,\"protocol\":\"tcp\"}]}",
		};

		compare(&question);
	}
}

static void test_loopback(void **state)
{
	static const char *const versions[] = { "0.3.1", "0.4.0", "1.0.0" };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		const struct cni_question question = {
			.version = versions[i],
			.interface = "lo",
			.plugins = "{\"type\":\"loopback\"}," RECORD,
		};

		compare(&question);
	}
}

static void test_loopback_without_ipv6(void **state)
{
	struct cni_pod ours = cni_pod("ours"), theirs = cni_pod("theirs");
	struct cni_question question = { .pod = &ours, .interface = "lo", .plugins = "{\"type\":\"loopback\"}" };
	struct story stories[2] = { 0 };
	cJSON *result;

	(void)state;
	assert_true(network_try(ours.netns, "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"));
	assert_true(network_try(theirs.netns, "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"));
	result = cni_expect_result(&question);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(result, "ips")), 1);
	note(&stories[0], 0, &ours, result);
	cJSON_Delete(result);
	question.exec = true;
	question.pod = &theirs;
	result = cni_expect_result(&question);
	note(&stories[1], 0, &theirs, result);
	cJSON_Delete(result);
	expect_same(&stories[0], &stories[1]);
	cni_drop(&ours);
	cni_drop(&theirs);
}

static void test_bridge_options(void **state)
{
	(void)state;
	compare_plugins(BRIDGE(HOST_LOCAL(RANGE)) "," RECORD);
	compare_plugins(BRIDGE("\"isGateway\":true," HOST_LOCAL(RANGE)) "," RECORD);
	compare_plugins(BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL(RANGE)) "," RECORD);
	compare_plugins(
		BRIDGE("\"isGateway\":false,\"isDefaultGateway\":true,\"hairpinMode\":true," HOST_LOCAL(RANGE)));
	compare_plugins(BRIDGE("\"isGateway\":true,\"mtu\":1400," HOST_LOCAL(RANGE)));
	compare_plugins(BRIDGE("\"mtu\":9000," HOST_LOCAL(RANGE)));
	/* Options that are switched off are no options. */
	compare_plugins(BRIDGE("\"promiscMode\":false,\"vlan\":0,\"macspoofchk\":false," HOST_LOCAL(RANGE)));
}

static void test_masquerade(void **state)
{
	(void)state;
	compare_plugins(BRIDGE("\"isGateway\":true,\"ipMasq\":true," HOST_LOCAL(RANGE)) "," RECORD);
}

#define SIX "[{\"subnet\":\"fd00:1::/64\"}]"
#define FOUR "[{\"subnet\":\"10.1.0.0/24\"}]"

static void test_families(void **state)
{
	(void)state;
	compare_plugins(BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL("\"ranges\":[" FOUR "," SIX "]")) "," RECORD);
	compare_plugins(BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL("\"ranges\":[" SIX "," FOUR "]")) "," RECORD);
	compare_plugins(BRIDGE("\"isDefaultGateway\":true,\"ipMasq\":true," HOST_LOCAL("\"ranges\":[" SIX "]")));
	/* Two addresses of one family; the bridge has only room for one gateway of IPv4. */
	compare_plugins(BRIDGE(HOST_LOCAL("\"ranges\":[" FOUR ",[{\"subnet\":\"10.2.0.0/24\"}]]")));
	compare_plugins(
		BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL("\"ranges\":[" SIX ",[{\"subnet\":\"fd00:2::/64\"}]]")));
}

static void test_ranges(void **state)
{
	(void)state;
	compare_plugins(BRIDGE("\"isGateway\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\"")));
	compare_plugins(BRIDGE("\"isGateway\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\",\"rangeStart\":"
								"\"10.1.0.20\",\"rangeEnd\":\"10.1.0.22\"")));
	/* Three addresses and the gateway among them: the search wraps around. */
	compare_plugins(
		BRIDGE("\"isGateway\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\",\"rangeStart\":\"10.1.0.20\","
							"\"rangeEnd\":\"10.1.0.23\",\"gateway\":\"10.1.0.21\"")));
	compare_plugins(
		BRIDGE("\"isGateway\":true," HOST_LOCAL("\"subnet\":\"10.1.0.0/24\",\"gateway\":\"10.1.0.254\"")));
	/* The first range has one address, so the others come from the second. */
	compare_plugins(BRIDGE(HOST_LOCAL("\"ranges\":[[{\"subnet\":\"10.1.0.0/30\"},{\"subnet\":\"10.1.4.0/29\"}]]")));
	compare_plugins(BRIDGE(HOST_LOCAL("\"subnet\":\"10.1.0.0/24\",\"ranges\":[" SIX "]")));
	compare_plugins(BRIDGE(HOST_LOCAL("\"subnet\":\"fd00:1::/120\",\"rangeStart\":\"fd00:1::fd\"")));
}

static void test_routes(void **state)
{
	(void)state;
	compare_plugins(BRIDGE("\"isGateway\":true," HOST_LOCAL(
		RANGE ",\"routes\":[{\"dst\":\"0.0.0.0/0\"},{\"dst\":\"10.7.0.0/16\",\"gw\":"
		      "\"10.1.0.77\"},{\"dst\":\"192.168.0.0/16\"}]")) "," RECORD);
	compare_plugins(BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL(
		RANGE ",\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.77\"}]")));
	compare_plugins(BRIDGE("\"isDefaultGateway\":true," HOST_LOCAL(
		"\"ranges\":[" FOUR "," SIX "],\"routes\":[{\"dst\":\"::/0\",\"gw\":\"fd00:1::77\"},"
		"{\"dst\":\"fd00:7::/48\"}]")));
	/* A route of a family without a gateway is on the link. */
	compare_plugins(BRIDGE(HOST_LOCAL(RANGE ",\"routes\":[{\"dst\":\"fd00:7::/48\"}]")));
	/* Two default routes. */
	compare_plugins(BRIDGE(HOST_LOCAL(RANGE ",\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.8\"},"
						"{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.9\"}]")));
}

/* Options that are left to the program, which is then run in both cases. */
static void test_left_to_the_program(void **state)
{
	const struct cni_question mac = {
		.plugins = "{\"type\":\"bridge\",\"capabilities\":{\"mac\":true}," HOST_LOCAL(RANGE) "}",
		.capabilities = "{\"mac\":\"02:00:00:00:00:07\"}",
	};
	struct cni_pod pod = cni_pod("one");
	struct cni_question args = { .plugins = BRIDGE(HOST_LOCAL(RANGE)), .pod = &pod };
	cJSON *result;
	char *text;

	(void)state;
	assert_true(network_try(NULL, "echo 'nameserver 10.9.9.9' >'%s.conf'", scene.data));
	compare_plugins(BRIDGE(HOST_LOCAL(RANGE ",\"resolvConf\":\"@DATA@.conf\"")) "," RECORD);
	compare_plugins(BRIDGE("\"promiscMode\":true," HOST_LOCAL(RANGE)));
	args.args = "IgnoreUnknown=1;K8S_POD_NAME=p;IP=10.1.0.66";
	result = cni_expect_result(&args);
	assert_string_equal(cni_address(result, 0), "10.1.0.66");
	cJSON_Delete(result);
	cni_drop(&pod);
	pod = cni_pod("two");
	args = mac;
	args.pod = &pod;
	cni_expect_done(&args);
	text = network_shell(pod.netns, "cat /sys/class/net/eth0/address; ip -o link show eth0");
	assert_non_null(strstr(text, "02:00:00:00:00:07"));
	free(text);
	cni_drop(&pod);
}

static void test_requested_addresses(void **state)
{
	struct cni_pod pod = cni_pod("one"), other = cni_pod("two");
	struct cni_question question = {
		.plugins = "{\"type\":\"bridge\",\"bridge\":\"cni0\",\"capabilities\":{\"ips\":true}," HOST_LOCAL(
			"\"ranges\":[" FOUR "," SIX "]") "}",
		.capabilities = "{\"ips\":[\"10.1.0.7/24\",\"fd00:1::7\"]}",
		.pod = &pod,
	};
	struct story stories[2] = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		cJSON *result, *next;

		question.exec = i;
		question.pod = &pod;
		question.capabilities = "{\"ips\":[\"10.1.0.7/24\",\"fd00:1::7\"]}";
		result = cni_expect_result(&question);
		assert_string_equal(cni_address(result, 0), "10.1.0.7");
		note(&stories[i], 0, &pod, result);
		question.pod = &other;
		cni_expect_error(&question, question.exec ? CRI_EINTERNAL : CRI_EEXIST, "10.1.0.7");
		question.capabilities = "{\"ips\":[\"10.1.0.1\"]}";
		cni_expect_error(&question, question.exec ? CRI_EINTERNAL : CRI_EINVAL, "gateway");
		question.capabilities = "{\"ips\":[\"10.3.0.1\"]}";
		cni_expect_error(&question, question.exec ? CRI_EINTERNAL : CRI_EINVAL,
				 question.exec ? "10.3.0.1" : "in none of the ranges");
		/* The next search goes on behind the last, which was given back. */
		question.capabilities = NULL;
		next = cni_expect_result(&question);
		assert_string_equal(cni_address(next, 0), "10.1.0.9");
		note(&stories[i], 1, &other, next);
		take_away(&question, &pod, result);
		take_away(&question, &other, next);
		cni_assert_nothing_left();
		note(&stories[i], 2, NULL, NULL);
		cJSON_Delete(result);
		cJSON_Delete(next);
		assert_int_equal(cni_fresh(state), 0);
		pod = cni_pod("one");
		other = cni_pod("two");
	}
	expect_same(&stories[0], &stories[1]);
	cni_drop(&pod);
	cni_drop(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_versions),
		cni_test(test_loopback),
		cni_test(test_loopback_without_ipv6),
		cni_test(test_bridge_options),
		cni_test(test_masquerade),
		cni_test(test_families),
		cni_test(test_ranges),
		cni_test(test_routes),
		cni_test(test_left_to_the_program),
		cni_test(test_requested_addresses),
	};

	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
