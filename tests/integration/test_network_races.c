/* SPDX-License-Identifier: Apache-2.0 */
/* DEL beside others who work on the same rules and addresses, and when it cannot reach the rules at all. */
#include "cni_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BRIDGE                                                                                                         \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,"                          \
	"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],"         \
	"[{\"subnet\":\"fd00:1::/64\"}]]}}"
#define CHAIN BRIDGE ",{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
#define PORTS                                                                                                          \
	"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"},"                            \
	"{\"hostPort\":8053,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"10.1.0.1\"}]}"

#define OF_PODS "grep 'elements\\|CNI-[0-9a-f]\\|CNI-DN'"

/* All that DEL gives back is given back before the namespace goes. */
static void assert_given_back(void)
{
	char command[256];

	assert_true(network_wait_for_none("nft list ruleset 2>/dev/null | " OF_PODS));
	snprintf(command, sizeof(command), "find '%s' -type f | grep -v 'last_reserved\\|lock$'", scene.data);
	assert_true(network_wait_for_none(command));
}

static void assert_has_address(const cJSON *result)
{
	assert_true(network_try(NULL, "test -f '%s/test/%s' && test -f '%s/test/%s'", scene.data,
				cni_address(result, 0), scene.data, cni_address(result, 1)));
}

/* Who waits to free the address has deleted its rules before: another pod may get it at once. */
static void test_rules_go_first(void **state)
{
	struct cni_pod pod = cni_pod("one");
	struct cni_question question = { .pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .timeout = 60000 };
	cJSON *result = cni_expect_result(&question), *answer;
	struct cni_asking asking;
	char path[256];
	int lock;

	(void)state;
	snprintf(path, sizeof(path), "%s/test/lock", scene.data);
	lock = open(path, O_RDWR | O_CLOEXEC);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	question.command = "DEL";
	question.result = result;
	asking = cni_begin(&question, NULL);
	assert_true(network_wait_for_none("nft list ruleset 2>/dev/null | " OF_PODS));
	assert_true(network_try(NULL, "test -f '%s/test/%s'", scene.data, cni_address(result, 0)));
	close(lock);
	answer = cni_end(&asking);
	assert_null(cJSON_GetObjectItem(answer, "error"));
	cJSON_Delete(answer);
	assert_given_back();
	cni_drop(&pod);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

static void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(125);
}

/* Whether a stopped process is about to send a transaction of this kind: the message behind its begin says so. */
static bool is_sending(pid_t pid, unsigned type)
{
	struct __ptrace_syscall_info info;
	struct {
		struct nlmsghdr begin;
		struct nfgenmsg family;
		struct nlmsghdr first;
	} sent;
	const struct iovec here = { &sent, sizeof(sent) };
	struct iovec there = { .iov_len = sizeof(sent) };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_sendto || info.entry.args[2] < sizeof(sent))
		return false;
	there.iov_base = (void *)(uintptr_t)info.entry.args[1];
	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)sizeof(sent) &&
	       sent.begin.nlmsg_type == NFNL_MSG_BATCH_BEGIN &&
	       sent.first.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

/* Lets a traced cri-network go on until it is about to send a transaction, the nth of this kind; false: it ended. */
static bool stop_at(pid_t pid, unsigned type, int nth)
{
	bool options = false;

	for (int i = 0; i < 100000; i++) {
		int status;

		assert_int_equal(waitpid(pid, &status, __WALL | (options ? 0 : WUNTRACED)), pid);
		if (!WIFSTOPPED(status))
			return false;
		if (!options) {
			assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL,
						(void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
					 0);
			options = true;
		} else if (WSTOPSIG(status) == (SIGTRAP | 0x80) && is_sending(pid, type) && !--nth) {
			return true;
		}
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
	}
	return false;
}

/* Somebody deletes one of the pod's elements between the look and the deletion: the others go all the same. */
static void test_flushed_meanwhile(void **state)
{
	static const char *const sets[] = { "ports4", "local4" };

	(void)state;
	/* First those of portmap are deleted, then those of bridge. */
	for (int i = 0; i < 2; i++) {
		struct cni_pod pod = cni_pod("one");
		struct cni_question question = {
			.pod = &pod, .plugins = CHAIN, .capabilities = PORTS, .no_programs = true
		};
		cJSON *result = cni_expect_result(&question), *answer;
		struct cni_asking asking;

		question.command = "DEL";
		question.result = result;
		asking = cni_begin(&question, be_traced);
		assert_true(stop_at(asking.pid, NFT_MSG_DELSETELEM, i + 1));
		assert_true(network_try(NULL,
					"nft flush set inet libcri %s 2>/dev/null || nft flush map inet libcri %s",
					sets[i], sets[i]));
		assert_int_equal(ptrace(PTRACE_DETACH, asking.pid, NULL, NULL), 0);
		answer = cni_end(&asking);
		assert_null(cJSON_GetObjectItem(answer, "error"));
		cJSON_Delete(answer);
		assert_given_back();
		cJSON_Delete(result);
		cni_drop(&pod);
	}
	cni_assert_nothing_left();
}

/* Two pods want a port at once, one on all addresses: they see each other when they have it. */
static void test_ports_at_once(void **state)
{
	static const char *const mappings[] = {
		"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80}]}",
		"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"hostIP\":\"10.1.0.1\"}]}",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct cni_pod one = cni_pod("one"), two = cni_pod("two"), before = cni_pod("before");
		struct cni_question question = { .pod = &before, .plugins = CHAIN };
		cJSON *results[2];
		struct cni_asking asking;

		results[0] = cni_expect_result(&question);
		question.pod = &one;
		question.capabilities = mappings[i];
		asking = cni_begin(&question, be_traced);
		/* The first is bridge's. */
		assert_true(stop_at(asking.pid, NFT_MSG_NEWSETELEM, 2));
		question.pod = &two;
		question.capabilities = mappings[1 - i];
		results[1] = cni_expect_result(&question);
		assert_int_equal(ptrace(PTRACE_DETACH, asking.pid, NULL, NULL), 0);
		cni_expect_error_in(cni_end(&asking), CRI_EEXIST, "host port 8080/tcp is taken by another pod, on ");
		question.command = "DEL";
		question.result = results[1];
		cni_expect_done(&question);
		question.pod = &before;
		question.result = results[0];
		cni_expect_done(&question);
		assert_given_back();
		cni_drop(&one);
		cni_drop(&two);
		cni_drop(&before);
		cJSON_Delete(results[0]);
		cJSON_Delete(results[1]);
	}
	cni_assert_nothing_left();
}

/* As where a security policy keeps netfilter from it. */
static void be_without_netfilter(void)
{
	cni_refuse_netfilter(EACCES);
}

/* Rules that cannot be deleted keep the address, which another pod would get; the pod is off its bridge all the same.
 */
static void test_rules_stay(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct cni_pod pod = cni_pod("one");
		struct cni_question question = {
			.pod = &pod, .plugins = i & 1 ? CHAIN : BRIDGE, .capabilities = PORTS, .no_path = i & 2
		};
		cJSON *result = cni_expect_result(&question);
		struct cni_asking asking;

		question.command = "DEL";
		question.result = result;
		asking = cni_begin(&question, be_without_netfilter);
		cni_expect_error_in(
			cni_end(&asking), CRI_EPERM,
			i & 1 ? "plugin portmap: DEL: nftables: delete the pod's elements: Permission denied"
			      : "plugin bridge: DEL: nftables: delete the pod's elements: Permission denied");
		assert_has_address(result);
		assert_true(network_try(NULL, "bridge link show | grep -q 'state disabled'"));
		cni_expect_done(&question);
		assert_given_back();
		cni_drop(&pod);
		cJSON_Delete(result);
	}
	cni_assert_nothing_left();
}

/* Nor is a pod made whose rules cannot be. */
static void test_no_rules(void **state)
{
	struct cni_pod pod = cni_pod("one");
	const struct cni_question question = { .pod = &pod, .plugins = BRIDGE };
	struct cni_asking asking = cni_begin(&question, be_without_netfilter);

	(void)state;
	cni_expect_error_in(cni_end(&asking), CRI_EPERM,
			    "plugin bridge: ADD: nftables: open a netfilter socket: Permission denied");
	cni_drop(&pod);
	/* It cannot tell whether there are any either, so that DEL is tried again. */
	cni_expect_done(&(struct cni_question){ .command = "DEL", .pod = &pod, .plugins = BRIDGE });
	cni_assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_rules_go_first), cni_test(test_flushed_meanwhile), cni_test(test_ports_at_once),
		cni_test(test_rules_stay),     cni_test(test_no_rules),
	};

	network_need_rules("races of networks");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
