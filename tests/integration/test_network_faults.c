/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins and configurations that are broken: what the caller is told, and that nothing stays half made. */
#include "network_fixture.h"
#include "plugin_scripts.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_AND_BAD                                                                                                  \
	"{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":[{\"type\":\"first\"},{\"type\":\"bad\"}]}"
/* What plugins start: seconds that nobody else on the machine sleeps. */
#define SLEEP "sleep $seconds"
#define SECONDS (1000000 + getpid())

static int fresh(void **state)
{
	(void)state;
	net.timeout = 0;
	network_fresh(CRI_NETWORK_CNI, false);
	scripts_install();
	network_configure("10-net.conflist", FIRST_AND_BAD);
	return 0;
}

/* The plugin `bad`: this for ADD, and nothing for the rest. */
static void be_bad(const char *what)
{
	char script[2048];

	snprintf(script, sizeof(script), "#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\nexport seconds=%d\n%s\n",
		 SECONDS, what);
	network_add_plugin("bad", script);
}

static void expect_no_pod(void)
{
	cri_list *list = NULL;

	expect_ok(net.fixture, cri_sandbox_list(net.fixture->engine, NULL, &list, net.fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
}

static void expect_rolled_back(void)
{
	char *calls = scripts_read("calls");

	assert_string_equal(calls, "first ADD eth0\nfirst DEL eth0\n");
	free(calls);
	assert_true(network_try(NULL, "rm '%s/log/calls'", net.fixture->directory));
	expect_no_pod();
}

static void expect_failure(int code, const char *message)
{
	char *pod = NULL;

	expect_code(net.fixture, code, network_try_pod("one", NULL, 0, NULL, NULL, &pod));
	if (!strstr(cri_call_message(net.fixture->call), message))
		print_error("%s\n", cri_call_message(net.fixture->call));
	assert_non_null(strstr(cri_call_message(net.fixture->call), message));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "network net: plugin bad: ADD: "));
	assert_null(pod);
	expect_rolled_back();
}

static void test_words(void **state)
{
	(void)state;
	be_bad("echo 'note' >&2; echo '{\"code\":7,\"msg\":\"no more\",\"details\":\"at all\"}'; exit 1");
	expect_failure(CRI_EINTERNAL, "no more; at all (error 7); note");
	be_bad("echo 'I cannot' >&2; exit 3");
	expect_failure(CRI_EINTERNAL, "it ended with status 3: I cannot");
	be_bad("echo garbage; exit 3");
	expect_failure(CRI_EINTERNAL, "it ended with status 3");
	/* The end of what it says is kept. */
	be_bad("i=0; while [ $i -lt 20000 ]; do echo \"line $i\"; i=$((i + 1)); done >&2; exit 3");
	expect_failure(CRI_EINTERNAL, "line 19999");
}

static void test_garbage(void **state)
{
	(void)state;
	be_bad("echo garbage");
	expect_failure(CRI_EINVAL, "what it printed is no JSON");
	be_bad("printf '\\001\\377\\n'");
	expect_failure(CRI_EINVAL, "what it printed is no JSON");
	be_bad(":");
	expect_failure(CRI_EINVAL, "what it printed is no JSON");
	be_bad("echo '[]'");
	expect_failure(CRI_EINVAL, "the result is no object");
	be_bad("echo '{\"cniVersion\":\"7.0.0\"}'");
	expect_failure(CRI_EINVAL, "version \"7.0.0\" is not known");
	be_bad("echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.9.0.300/24\"}]}'");
	expect_failure(CRI_EINVAL, "is malformed");
	be_bad("echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.9.0.3/24\",\"interface\":5}]}'");
	expect_failure(CRI_EINVAL, "is malformed");
}

/* A gigabyte is not read, nor is its writer waited for. */
static void test_flood(void **state)
{
	(void)state;
	be_bad("exec head -c 1000000000 /dev/zero");
	expect_failure(CRI_EINVAL, "it printed more than 1048576 bytes and was killed");
	be_bad("head -c 1000000000 /dev/zero >&2; exit 3");
	expect_failure(CRI_EINTERNAL, "it ended with status 3");
}

static void test_signal(void **state)
{
	(void)state;
	be_bad("kill -SEGV $$");
	expect_failure(CRI_EINTERNAL, "it was killed by signal 11");
}

static void test_missing(void **state)
{
	char *pod = NULL;

	(void)state;
	assert_true(network_try(NULL, "rm -f '%s/bad'", net.plugins));
	expect_failure(CRI_EPRECONDITION, "the plugin is in none of cni_plugin_directories");
	/* One that is there and cannot be executed may have done anything before: its DEL is tried again. */
	network_add_plugin("bad", "#!/nonexistent\n");
	expect_code(net.fixture, CRI_EINTERNAL, network_try_pod("one", NULL, 0, NULL, NULL, &pod));
	assert_non_null(
		strstr(cri_call_message(net.fixture->call), "bad cannot be executed: No such file or directory"));
	expect_no_pod();
	be_bad("cat >/dev/null; echo '{\"cniVersion\":\"1.0.0\"}'");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	cri_free(pod);
}

/* One of the processes, or 0. */
static pid_t sleeper(void)
{
	char expected[32];
	const size_t size = (size_t)snprintf(expected, sizeof(expected), "sleep%c%d", '\0', SECONDS) + 1;
	DIR *directory = opendir("/proc");
	pid_t found = 0;

	assert_non_null(directory);
	for (struct dirent *entry; !found && (entry = readdir(directory));) {
		char path[300], content[sizeof(expected) + 1];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fread(content, 1, sizeof(content), file) == size && !memcmp(content, expected, size))
			found = (pid_t)strtol(entry->d_name, NULL, 10);
		fclose(file);
	}
	closedir(directory);
	return found;
}

/* It is killed with all that it started, also what has left its session. */
static void test_hang(void **state)
{
	(void)state;
	be_bad(SLEEP " & setsid " SLEEP " & (setsid " SLEEP " &) ; " SLEEP);
	net.timeout = 1500;
	expect_failure(CRI_ETIMEDOUT, "it was not done in time and was killed");
	assert_int_equal(sleeper(), 0);
}

static void *cancel(void *data)
{
	for (int i = 0; i < 1000 && !sleeper(); i++)
		usleep(10000);
	cri_call_cancel(data);
	return NULL;
}

static void test_cancel(void **state)
{
	pthread_t thread;

	(void)state;
	be_bad(SLEEP " & " SLEEP);
	assert_int_equal(pthread_create(&thread, NULL, cancel, net.fixture->call), 0);
	expect_failure(CRI_ECANCELED, "it was killed, since the call was cancelled");
	pthread_join(thread, NULL);
	assert_int_equal(sleeper(), 0);
}

/* What a plugin that succeeded leaves running, as a daemon of its own, stays. */
static void test_daemon_of_plugin(void **state)
{
	char *pod;

	(void)state;
	/* It is one when the plugin ends: its first line comes from a session of its own. */
	be_bad("{ setsid sh -c 'echo up; exec " SLEEP " >/dev/null 2>&1 </dev/null' & } | head -n 1 >/dev/null; "
	       "cat >/dev/null; echo '{\"cniVersion\":\"1.0.0\"}'");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	for (int i = 0; i < 1000 && !sleeper(); i++)
		usleep(10000);
	assert_true(sleeper() > 0);
	assert_int_equal(kill(sleeper(), SIGKILL), 0);
	cri_free(pod);
}

/* A DEL that fails keeps the pod from being removed, and is tried again. The others' resources are given back. */
static void test_failing_delete(void **state)
{
	cri_list *list = NULL;
	char *pod, *calls;

	(void)state;
	network_configure("10-net.conflist", "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":["
					     "{\"type\":\"first\"},{\"type\":\"second\"}]}");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	scripts_fail("second", "DEL");
	expect_code(net.fixture, CRI_EINTERNAL, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	assert_non_null(strstr(cri_call_message(net.fixture->call),
			       "network net: plugin second: DEL: it is not as it was; ask the tests (error 11)"));
	expect_code(net.fixture, CRI_EINTERNAL, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	assert_int_equal(cri_sandbox_status_at(list, 0)->info.state, CRI_SANDBOX_NOTREADY);
	cri_list_free(list);
	scripts_fail("second", NULL);
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	calls = scripts_read("calls");
	assert_string_equal(calls, "first ADD eth0\nsecond ADD eth0\nsecond DEL eth0\nfirst DEL eth0\n"
				   "second DEL eth0\nfirst DEL eth0\nsecond DEL eth0\nfirst DEL eth0\n");
	free(calls);
	expect_no_pod();
	cri_free(pod);
}

/* A network that fails takes back those before it. */
static void test_second_network(void **state)
{
	char *pod = NULL, *calls;

	(void)state;
	network_configure("10-a.conf", "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"type\":\"first\"}");
	network_add_configuration("20-b.conflist", FIRST_AND_BAD);
	be_bad("exit 1");
	expect_code(net.fixture, CRI_EINTERNAL,
		    network_try_pod("one", NULL, 0, "network.alpha.kubernetes.io/network",
				    "[{\"name\":\"net\",\"interface\":\"net1\"}]", &pod));
	assert_null(pod);
	calls = scripts_read("calls");
	assert_string_equal(calls, "first ADD eth0\nfirst ADD net1\nfirst DEL net1\nfirst DEL eth0\n");
	free(calls);
	expect_no_pod();
}

/* The plugins may be elsewhere when a pod goes than they were when it came. */
static void test_moved_plugins(void **state)
{
	char *pod;

	(void)state;
	network_configure("10-a.conf", "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"type\":\"first\"}");
	pod = network_pod("one", NULL, 0, NULL, NULL);
	assert_true(network_try(NULL, "mkdir '%s/moved'; mv '%s/first' '%s/moved/first'", net.fixture->directory,
				net.plugins, net.fixture->directory));
	expect_code(net.fixture, CRI_EPRECONDITION, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	snprintf(net.plugins, sizeof(net.plugins), "%s/moved", net.fixture->directory);
	network_open(CRI_NETWORK_CNI, false);
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	cri_free(pod);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words, fresh),
		cmocka_unit_test_setup(test_garbage, fresh),
		cmocka_unit_test_setup(test_flood, fresh),
		cmocka_unit_test_setup(test_signal, fresh),
		cmocka_unit_test_setup(test_missing, fresh),
		cmocka_unit_test_setup(test_hang, fresh),
		cmocka_unit_test_setup(test_cancel, fresh),
		cmocka_unit_test_setup(test_daemon_of_plugin, fresh),
		cmocka_unit_test_setup(test_failing_delete, fresh),
		cmocka_unit_test_setup(test_second_network, fresh),
		cmocka_unit_test_setup(test_moved_plugins, fresh),
	};

	return cmocka_run_group_tests_name("CNI faults", tests, network_set_up, network_tear_down);
}
