/* SPDX-License-Identifier: Apache-2.0 */
/* A node that runs some plugins in-process and others as programs, on the same networks: what one has added the other
 * deletes, and nothing is left. */
#include "cni_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN                                                                                                          \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,"                          \
	"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],"         \
	"[{\"subnet\":\"fd00:1::/64\"}]]}},{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
#define PORTS                                                                                                          \
	"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"},"                            \
	"{\"hostPort\":8053,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"10.1.0.1\"}]}"

#define OF_PODS "grep 'elements\\|CNI-[0-9a-f]\\|CNI-DN'"

static bool there_are_rules(void)
{
	char *rules = network_shell(NULL, "nft list ruleset 2>/dev/null | " OF_PODS);
	const bool any = *rules;

	free(rules);
	return any;
}

/* All that DEL gives back is given back before the namespace goes. */
static void assert_given_back(void)
{
	char command[256];

	assert_true(network_wait_for_none("nft list ruleset 2>/dev/null | " OF_PODS));
	snprintf(command, sizeof(command), "find '%s' -type f | grep -v 'last_reserved\\|lock$'", scene.data);
	assert_true(network_wait_for_none(command));
}

static void cross(bool adder_execs, bool deleter_execs, bool with_result)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .exec = adder_execs };
	cJSON *result = cni_expect_result(&question);

	assert_true(there_are_rules());
	question.command = "DEL";
	question.exec = deleter_execs;
	/* Who was killed has recorded none. */
	question.result = with_result ? result : NULL;
	cni_expect_done(&question);
	assert_given_back();
	/* Again, and when the namespace is gone. */
	cni_expect_done(&question);
	cni_drop(&pod);
	cni_expect_done(&question);
	assert_given_back();
	cni_assert_nothing_left();
	cJSON_Delete(result);
}

static void test_crosswise(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		cross(i & 1, i & 2, i & 4);
}

/* Every version, as the cached result is given to the program in that one; before 0.4.0 it is given none. */
static void test_versions(void **state)
{
	static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0" };

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct cni_pod pod = cni_pod("one");
		struct cni_question question = {
			.pod = &pod,
			.plugins = CHAIN,
			.capabilities = PORTS,
			.version = versions[i / 2],
			.exec = i & 1,
		};
		cJSON *result = cni_expect_result(&question);

		question.command = "DEL";
		question.exec = !question.exec;
		question.result = result;
		cni_expect_done(&question);
		assert_given_back();
		cni_drop(&pod);
		cJSON_Delete(result);
	}
	cni_assert_nothing_left();
}

static void expect_answer(const struct cni_pod *from, const char *address, const char *name)
{
	char *answer = network_ask(from->netns, IPPROTO_TCP, address, 7000);

	assert_string_equal(answer, name);
	free(answer);
}

/* Neighbours on one bridge. */
static void test_neighbours(void **state)
{
	struct cni_pod pods[4] = { cni_pod("zero"), cni_pod("one"), cni_pod("two"), cni_pod("three") };
	cJSON *results[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct cni_question question = { .pod = &pods[i], .plugins = CHAIN, .exec = i % 2 };
		char address[32];

		results[i] = cni_expect_result(&question);
		snprintf(address, sizeof(address), "10.1.0.%d", i + 2);
		assert_string_equal(cni_address(results[i], 0), address);
	}
	for (int i = 0; i < 4; i++) {
		const int other = (i + 1) % 4;
		const pid_t server = network_serve(pods[i].netns, IPPROTO_TCP, 7000, "server");

		for (int family = 0; family < 2; family++) {
			char expected[96];

			snprintf(expected, sizeof(expected), "server %s", cni_address(results[other], family));
			expect_answer(&pods[other], cni_address(results[i], family), expected);
		}
		network_end(server);
	}
	for (int i = 0; i < 4; i++) {
		const struct cni_question question = {
			.command = "DEL", .pod = &pods[i], .plugins = CHAIN, .exec = i < 2, .result = results[i]
		};

		cni_expect_done(&question);
		cni_drop(&pods[i]);
		cJSON_Delete(results[i]);
	}
	cni_assert_nothing_left();
}

/* The program is not there: who did ADD in-process does not need it. */
static void test_without_programs(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .no_programs = true };
	cJSON *result = cni_expect_result(&question);

	(void)state;
	question.command = "DEL";
	question.result = result;
	cni_expect_done(&question);
	cni_expect_done(&question);
	assert_given_back();
	question.command = "ADD";
	question.exec = true;
	question.result = NULL;
	cni_expect_error(&question, CRI_EPRECONDITION, "plugin bridge: ADD: the plugin is in none of");
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* The old iptables cannot be asked who did ADD; a program that is not there cannot have done it. */
static void test_old_iptables(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .no_programs = true };
	cJSON *result = cni_expect_result(&question);

	(void)state;
	if (!network_try(NULL, "iptables-legacy -t nat -L -n >/dev/null 2>&1 && grep -q nat /proc/net/ip_tables_names"))
		skip();
	question.command = "DEL";
	question.result = result;
	cni_expect_done(&question);
	assert_given_back();
	/* One that is there is asked: the rules may be its own. */
	cni_plugin("portmap", "#!/bin/sh\nexit 1\n");
	cJSON_Delete(result);
	cni_drop(&pod);
	pod = cni_pod("one");
	question.command = NULL;
	question.result = NULL;
	result = cni_expect_result(&question);
	question.command = "DEL";
	question.result = result;
	cni_expect_error(&question, CRI_EINTERNAL, "plugin portmap: DEL");
	/* Nobody gets the address while its ports may be mapped. */
	assert_true(network_try(NULL, "test -f '%s/test/%s'", scene.data, cni_address(result, 0)));
	assert_true(network_try(NULL, "rm '%s/portmap'", scene.plugins));
	cni_expect_done(&question);
	assert_given_back();
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* Nor is the program a reason for DEL to fail that knows the new iptables and misses its chain there. */
static void test_old_table(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS };
	cJSON *result = cni_expect_result(&question);

	(void)state;
	if (!network_try(NULL, "iptables-legacy -t nat -L -n >/dev/null 2>&1 && grep -q nat /proc/net/ip_tables_names"))
		skip();
	question.command = "DEL";
	question.result = result;
	cni_expect_done(&question);
	assert_given_back();
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* Debian's bridge finds its rules by the interface's addresses: one that was killed when that was gone finds none. */
static void test_killed_program(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct cni_pod pod = cni_pod("one");
		struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .exec = true };
		cJSON *result = cni_expect_result(&question);

		assert_true(network_try(pod.netns, "ip link delete eth0"));
		assert_true(there_are_rules());
		question.command = "DEL";
		question.exec = i;
		question.result = result;
		cni_expect_done(&question);
		assert_given_back();
		cni_drop(&pod);
		cJSON_Delete(result);
	}
	cni_assert_nothing_left();
}

/* A program that fails for another reason than that its chain is not there has failed. */
static void test_failing_program(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS };
	cJSON *result = cni_expect_result(&question);

	(void)state;
	cni_plugin("bridge", "#!/bin/sh\necho 'Chain CNI-0123456789abcdef does not exist' >&2\nexit 1\n");
	question.command = "DEL";
	question.exec = true;
	question.result = result;
	cni_expect_error(&question, CRI_EINTERNAL, "plugin bridge: DEL: it ended with status 1: Chain CNI-0123");
	assert_true(network_try(NULL, "rm '%s/bridge'", scene.plugins));
	cni_expect_done(&question);
	assert_given_back();
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* The program of bridge would free the address, which rules of portmap may be left of. */
static void test_address_is_kept(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .exec = true };
	cJSON *result = cni_expect_result(&question);

	(void)state;
	cni_plugin("portmap", "#!/bin/sh\nexit 1\n");
	question.command = "DEL";
	question.result = result;
	cni_expect_error(&question, CRI_EINTERNAL, "plugin portmap: DEL");
	assert_true(network_try(NULL, "test -f '%s/test/%s'", scene.data, cni_address(result, 0)));
	assert_true(network_try(NULL, "test -f '%s/test/%s'", scene.data, cni_address(result, 1)));
	assert_true(network_try(NULL, "rm '%s/portmap'", scene.plugins));
	cni_expect_done(&question);
	assert_given_back();
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* Rules of other pods stay. */
static void test_others_stay(void **state)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("two");
	struct cni_question question = { .pod = &one, .plugins = CHAIN, .capabilities = PORTS };
	cJSON *first = cni_expect_result(&question), *second;
	char *before, *after;

	(void)state;
	before = network_shell(NULL, "nft list ruleset");
	question.pod = &two;
	question.exec = true;
	question.capabilities = NULL;
	second = cni_expect_result(&question);
	question.command = "DEL";
	question.exec = false;
	question.result = second;
	cni_expect_done(&question);
	after = network_shell(NULL, "nft list table inet libcri");
	assert_string_equal(before, after);
	question.pod = &one;
	question.capabilities = PORTS;
	question.result = first;
	cni_expect_done(&question);
	cni_drop(&one);
	cni_drop(&two);
	free(before);
	free(after);
	cJSON_Delete(first);
	cJSON_Delete(second);
	cni_assert_nothing_left();
}

/* After a restart of the machine: what pods had that nobody knows any more is free, and nothing else is. */
static void test_garbage(void **state)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("two"), three = cni_pod("three");
	struct cni_question question = { .pod = &one, .plugins = CHAIN, .version = "1.1.0" };
	cJSON *results[3];
	char *files;

	(void)state;
	results[0] = cni_expect_result(&question);
	question.pod = &two;
	results[1] = cni_expect_result(&question);
	/* Files of old programs hold the id alone. */
	assert_true(network_try(NULL,
				"cd '%s/test' && printf old >10.1.0.200 && printf 'gone\\r\\neth0' >10.1.0.201 && "
				"touch -d '-2 minutes' 10.1.0.* fd00*",
				scene.data));
	question.pod = &three;
	results[2] = cni_expect_result(&question);
	question.command = "GC";
	question.valid =
		"{\"test\":[{\"containerID\":\"two\",\"ifname\":\"eth0\"},"
		"{\"containerID\":\"one\",\"ifname\":\"eth1\"},{\"containerID\":\"old\",\"ifname\":\"eth0\"}]}";
	cni_expect_done(&question);
	files = network_shell(NULL, "cd '%s/test' && ls | grep -v 'lock\\|last' | LC_ALL=C sort | xargs", scene.data);
	/* The third has come since the list was made. */
	assert_string_equal(files, "10.1.0.200 10.1.0.3 10.1.0.4 fd00:1::3 fd00:1::4\n");
	free(files);
	question.command = "DEL";
	question.valid = NULL;
	question.result = results[2];
	cni_expect_done(&question);
	question.pod = &two;
	question.result = results[1];
	cni_expect_done(&question);
	question.pod = &one;
	question.result = results[0];
	cni_expect_done(&question);
	assert_true(network_try(NULL, "rm '%s/test/10.1.0.200'", scene.data));
	cni_drop(&one);
	cni_drop(&two);
	cni_drop(&three);
	for (int i = 0; i < 3; i++)
		cJSON_Delete(results[i]);
	cni_assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_crosswise),        cni_test(test_versions),        cni_test(test_neighbours),
		cni_test(test_without_programs), cni_test(test_others_stay),     cni_test(test_garbage),
		cni_test(test_old_iptables),     cni_test(test_old_table),       cni_test(test_killed_program),
		cni_test(test_failing_program),  cni_test(test_address_is_kept),
	};

	network_need_rules("mixed networks");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
