/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that are newer than Debian's and choose nftables for their rules: whoever adds and whoever deletes, nothing
 * is left. They are built from the Go module proxy (mk/net.mk); where it cannot be reached these tests are skipped.
 */
#include "cni_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define BRIDGE                                                                                                         \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,"                          \
	"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],"         \
	"[{\"subnet\":\"fd00:1::/64\"}]]}"
#define PORTMAP "{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}"
#define CHAIN BRIDGE "}," PORTMAP "}"
/* Options that are not known in-process. */
#define BY_NFTABLES BRIDGE ",\"ipMasqBackend\":\"nftables\"}," PORTMAP ",\"backend\":\"nftables\"}"
#define PORTS                                                                                                          \
	"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"},"                            \
	"{\"hostPort\":8053,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"10.1.0.1\"},"                       \
	"{\"hostPort\":8054,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"fd00:1::1\"}]}"

#define OF_PODS                                                                                                        \
	"nft list ruleset 2>/dev/null | grep 'elements\\|CNI-[0-9a-f]\\|CNI-DN\\|saddr.*comment\\|dnat.*comment'"

static const char *const versions[] = { "1.6.2", "1.9.0" };
#define VERSIONS (sizeof(versions) / sizeof(*versions))

/* The plugins of a version take the place of Debian's; false when they could not be built. */
static bool install(const char *version)
{
	static const char *const names[] = { "bridge", "portmap", "host-local" };
	char program[PATH_MAX - 64], path[PATH_MAX], link[256];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(n > 0);
	program[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(program, '/') = '\0';
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/cni-plugins/%s/%s", program, version, names[i]);
		snprintf(link, sizeof(link), "%s/%s", scene.plugins, names[i]);
		(void)unlink(link);
		if (access(path, X_OK) < 0)
			return false;
		assert_int_equal(symlink(path, link), 0);
	}
	return true;
}

/* The machine has no iptables, for us. */
static void hide_iptables(bool hide)
{
	char path[PATH_MAX];

	assert_non_null(realpath("/usr/sbin/iptables", path));
	assert_int_equal(hide ? mount("/dev/null", path, NULL, MS_BIND, NULL) : umount2(path, MNT_DETACH), 0);
}

static bool there_are_rules(void)
{
	char *rules = network_shell(NULL, OF_PODS);
	const bool any = *rules;

	free(rules);
	return any;
}

static void assert_given_back(void)
{
	char command[256];

	assert_true(network_wait_for_none(OF_PODS));
	snprintf(command, sizeof(command), "find '%s' -type f | grep -v 'last_reserved\\|lock$'", scene.data);
	assert_true(network_wait_for_none(command));
}

enum way { BY_PROGRAM, IN_PROCESS, PROGRAM_IS_GONE, NAMESPACE_IS_GONE, WAYS };

static void add_and_delete(const char *plugins, bool iptables, bool exec, enum way way)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = plugins, .capabilities = PORTS, .exec = exec };
	cJSON *result;

	if (!iptables)
		hide_iptables(true);
	result = cni_expect_result(&question);
	assert_true(there_are_rules());
	if (exec && !iptables)
		assert_true(network_try(NULL, "nft list table inet cni_plugins_masquerade && "
					      "nft list table ip cni_hostport && nft list table ip6 cni_hostport"));
	if (way == NAMESPACE_IS_GONE)
		cni_drop(&pod);
	if (way == PROGRAM_IS_GONE) {
		question.no_programs = true;
		assert_true(network_try(NULL, "rm '%s/bridge' '%s/portmap'", scene.plugins, scene.plugins));
	}
	question.command = "DEL";
	question.result = result;
	question.exec = way == BY_PROGRAM || way == NAMESPACE_IS_GONE;
	cni_expect_done(&question);
	assert_given_back();
	cni_expect_done(&question);
	if (!iptables)
		hide_iptables(false);
	if (way != NAMESPACE_IS_GONE)
		cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

static void test_crosswise(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSIONS; i++) {
		for (int way = 0; way < WAYS; way++) {
			for (int how = 0; how < 4; how++) {
				if (!install(versions[i]))
					skip();
				add_and_delete(CHAIN, how & 1, how & 2, (enum way)way);
			}
		}
	}
}

/* A configuration that wants nftables is the programs' alone; but they find nothing without the namespace. */
static void test_by_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSIONS; i++) {
		if (!install(versions[i]))
			skip();
		add_and_delete(BY_NFTABLES, true, false, BY_PROGRAM);
		add_and_delete(BY_NFTABLES, true, false, NAMESPACE_IS_GONE);
	}
}

/* Rules of other pods, and of other interfaces of the same pod, stay. */
static void test_others_stay(void **state)
{
	struct cni_pod one = cni_pod("one"), two = cni_pod("one2");
	struct cni_question question = { .pod = &two, .plugins = CHAIN, .exec = true, .capabilities = PORTS };
	cJSON *results[3];
	char *before, *after;

	(void)state;
	if (!install(versions[0]))
		skip();
	hide_iptables(true);
	results[0] = cni_expect_result(&question);
	question.capabilities = NULL;
	question.pod = &one;
	question.interface = "eth1";
	results[1] = cni_expect_result(&question);
	before = network_shell(NULL, OF_PODS);
	question.interface = "eth0";
	question.capabilities = "{\"portMappings\":[{\"hostPort\":8081,\"containerPort\":80,\"protocol\":\"tcp\"}]}";
	results[2] = cni_expect_result(&question);
	question.command = "DEL";
	question.exec = false;
	question.result = results[2];
	cni_expect_done(&question);
	after = network_shell(NULL, OF_PODS);
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "8080"));
	question.capabilities = NULL;
	question.interface = "eth1";
	question.result = results[1];
	cni_expect_done(&question);
	question.pod = &two;
	question.capabilities = PORTS;
	question.interface = NULL;
	question.result = results[0];
	cni_expect_done(&question);
	assert_given_back();
	hide_iptables(false);
	cni_drop(&one);
	cni_drop(&two);
	free(before);
	free(after);
	for (int i = 0; i < 3; i++)
		cJSON_Delete(results[i]);
	cni_assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_crosswise),
		cni_test(test_by_option),
		cni_test(test_others_stay),
	};

	network_need_rules("newer plugins");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
