/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins as programs: what they are given, what is taken from them, and what becomes of those that misbehave. */
#include "cni_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESULT "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.5.0.2/16\"}]}"

static struct cni_pod pod;

static int fresh(void **state)
{
	int result = cni_fresh(state);

	if (pod.keeper)
		cni_drop(&pod);
	pod = cni_pod("pod-1");
	return result;
}

/* A shell script that is told by CNI_COMMAND what to do, and keeps pids and notes in "$D". */
static void shell_plugin(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void shell_plugin(const char *name, const char *format, ...)
{
	char script[4096], body[3072];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(body, sizeof(body), format, arguments);
	va_end(arguments);
	snprintf(script, sizeof(script), "#!/bin/sh\nD='%s'\n%s\n", scene.directory, body);
	cni_plugin(name, script);
}

static char *file(const char *name)
{
	return network_shell(NULL, "cat '%s/%s' 2>/dev/null; rm -f '%s/%s'", scene.directory, name, scene.directory,
			     name);
}

static bool is_alive(pid_t pid)
{
	char path[64], *state;
	bool alive;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	state = network_shell(NULL, "cut -d')' -f2 '%s' 2>/dev/null", path);
	alive = *state && !strstr(state, " Z ");
	free(state);
	return alive;
}

/* The pids in a file are all dead, at once or when their new parent has reaped them. */
static void assert_dead(const char *name, int count)
{
	char *pids = file(name), *at = pids;

	for (int i = 0; i < count; i++) {
		pid_t pid = (pid_t)strtol(at, &at, 10);

		assert_true(pid > 1);
		for (int tries = 0; tries < 100 && is_alive(pid); tries++)
			usleep(50000);
		assert_false(is_alive(pid));
	}
	free(pids);
}

static void wait_for_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", scene.directory, name);
	for (int i = 0; i < 200 && access(path, F_OK) < 0; i++)
		usleep(50000);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_what_it_is_given(void **state)
{
	struct cni_question question = {
		.pod = &pod,
		.interface = "net7",
		.network = "net-a",
		.args = "IgnoreUnknown=1;K8S_POD_NAME=web",
		.plugins =
			"{\"type\":\"first\"},"
			"{\"type\":\"second\",\"name\":\"own\",\"cniVersion\":\"0.1.0\",\"runtimeConfig\":{\"a\":1},"
			"\"capabilities\":{\"portMappings\":true,\"dns\":false,\"ips\":true},\"own\":[1,{\"x\":null}]}",
		.capabilities = "{\"portMappings\":[{\"hostPort\":1}],\"dns\":{},\"bandwidth\":{}}",
	};
	char expected[1024], *text;
	cJSON *result, *given;

	(void)state;
	shell_plugin("first", "cat >/dev/null; echo '" RESULT "'");
	shell_plugin("second", "cat >$D/stdin; env >$D/environment; ls /proc/self/fd | xargs >$D/fds; pwd >$D/pwd\n"
			       "echo '" RESULT "'");
	result = cni_expect_result(&question);
	text = file("environment");
	snprintf(expected, sizeof(expected), "CNI_NETNS=%s\n", pod.netns);
	assert_non_null(strstr(text, expected));
	assert_non_null(strstr(text, "CNI_COMMAND=ADD\n"));
	assert_non_null(strstr(text, "CNI_CONTAINERID=pod-1\n"));
	assert_non_null(strstr(text, "CNI_IFNAME=net7\n"));
	assert_non_null(strstr(text, "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAME=web\n"));
	snprintf(expected, sizeof(expected), "CNI_PATH=%s:/usr/lib/cni\n", scene.plugins);
	assert_non_null(strstr(text, expected));
	free(text);
	/* ls has one more for the directory that it reads. */
	text = file("fds");
	assert_string_equal(text, "0 1 2 3\n");
	free(text);
	text = file("pwd");
	assert_string_equal(text, "/\n");
	free(text);
	text = file("stdin");
	given = cJSON_Parse(text);
	free(text);
	snprintf(expected, sizeof(expected),
		 "{\"type\":\"second\",\"own\":[1,{\"x\":null}],\"name\":\"net-a\",\"cniVersion\":\"1.0.0\","
		 "\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":1}]},\"prevResult\":%s}",
		 RESULT);
	text = cJSON_PrintUnformatted(given);
	assert_string_equal(text, expected);
	cJSON_free(text);
	cJSON_Delete(given);
	cJSON_Delete(result);
}

/* ADD from the first to the last, DEL from the last to the first; after a failure DEL of all, with their own words. */
static void test_order(void **state)
{
	struct cni_question question = {
		.pod = &pod,
		.plugins = "{\"type\":\"a\"},{\"type\":\"b\"},{\"type\":\"c\"}",
	};
	cJSON *result;
	char *text;

	(void)state;
	for (const char *name = "abc"; *name; name++) {
		const char one[] = { *name, '\0' };

		shell_plugin(one,
			     "cat >/dev/null; echo %s $CNI_COMMAND >>$D/order\n"
			     "[ $CNI_COMMAND != ADD ] || [ ! -e $D/fail-%s ] || { echo '{\"code\":11,\"msg\":\"no\","
			     "\"details\":\"more\"}'; echo why >&2; exit 1; }\n"
			     "[ $CNI_COMMAND != DEL ] || [ ! -e $D/fail-%s ] || exit 1\n"
			     "echo '" RESULT "'",
			     one, one, one);
	}
	result = cni_expect_result(&question);
	question.command = "DEL";
	question.result = result;
	cni_expect_done(&question);
	text = file("order");
	assert_string_equal(text, "a ADD\nb ADD\nc ADD\nc DEL\nb DEL\na DEL\n");
	free(text);
	question.command = NULL;
	question.result = NULL;
	assert_true(network_try(NULL, "touch '%s/fail-b'", scene.directory));
	cni_expect_error(&question, CRI_EINTERNAL, "network test: plugin b: ADD: no; more (error 11); why");
	text = file("order");
	assert_string_equal(text, "a ADD\nb ADD\nc DEL\nb DEL\na DEL\n");
	free(text);
	/* DEL goes on, and tells of the first that failed. */
	question.command = "DEL";
	question.result = result;
	cni_expect_error(&question, CRI_EINTERNAL, "network test: plugin b: DEL: it ended with status 1");
	text = file("order");
	assert_string_equal(text, "c DEL\nb DEL\na DEL\n");
	free(text);
	free(file("fail-b"));
	cJSON_Delete(result);
}

static void expect_error(const char *script, int code, const char *text)
{
	const struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"bad\"}" };

	shell_plugin("bad", "[ $CNI_COMMAND = ADD ] || exit 0\n%s", script);
	cni_expect_error(&question, code, text);
}

static void test_failures(void **state)
{
	(void)state;
	expect_error("exit 3", CRI_EINTERNAL, "plugin bad: ADD: it ended with status 3: it said nothing");
	expect_error("echo the reason >&2; exit 3", CRI_EINTERNAL, "it ended with status 3: the reason");
	expect_error("echo on the way >&2; kill -SEGV $$", CRI_EINTERNAL,
		     "it was killed by signal 11 (Segmentation fault): on the way");
	expect_error("echo hello", CRI_EINVAL, "what it printed is no JSON: \"hello");
	expect_error("true", CRI_EINVAL, "what it printed is no JSON: \"\"");
	expect_error("echo '[]'", CRI_EINVAL, "the result is no object");
	/* The end of stderr is kept. */
	expect_error("head -c 100000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1", CRI_EINTERNAL,
		     "xxxthe end");
	cni_plugin("bad", "#!/no/such/interpreter\n");
	cni_expect_error(&(struct cni_question){ .pod = &pod, .plugins = "{\"type\":\"bad\"}" }, CRI_EINTERNAL,
			 "cannot be executed: No such file or directory");
	cni_expect_error(&(struct cni_question){ .pod = &pod, .plugins = "{\"type\":\"../bin/sh\"}" }, CRI_EINVAL,
			 "\"../bin/sh\" is no name of a plugin");
	cni_expect_error(&(struct cni_question){ .pod = &pod, .plugins = "{\"type\":\"missing\"}" }, CRI_EPRECONDITION,
			 "the plugin is in none of cni_plugin_directories");
	cni_expect_error(&(struct cni_question){ .pod = &pod, .plugins = "{}" }, CRI_EINVAL, "\"\" is no name");
}

static void test_bad_results(void **state)
{
	static const struct {
		const char *result, *error;
	} bad[] = {
		{ "{\"cniVersion\":\"9.0.0\"}", "version \"9.0.0\" is not known" },
		{ "{\"cniVersion\":7}", "no object with a \"cniVersion\"" },
		{ "{\"cniVersion\":\"1.0.0\",\"ips\":{}}", "\"ips\" is no array" },
		{ "{\"cniVersion\":\"1.0.0\",\"ips\":[{}]}", "address 0 is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.0.0.1\"}]}", "address 0 is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.0.0.1/33\"}]}", "address 0 is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":0}]}",
		  "address 0 is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"interfaces\":[{}]}", "interface 0 is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"routes\":[{\"dst\":\"x\"}]}", "route 0 is malformed" },
		{ "{\"cniVersion\":\"0.2.0\",\"ip4\":{}}", "\"ip4\" is malformed" },
		{ "{\"cniVersion\":\"1.0.0\",\"dns\":[]}", "\"dns\" is no object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char script[512];

		snprintf(script, sizeof(script), "echo '%s'", bad[i].result);
		expect_error(script, CRI_EINVAL, bad[i].error);
	}
	expect_error("printf '{\"cniVersion\":\"1.0.0\",\"interfaces\":['; i=0; while [ $i -lt 300 ]; do "
		     "printf '{\"name\":\"a\"},'; i=$((i+1)); done; echo '{\"name\":\"a\"}]}'",
		     CRI_EINVAL, "no array of at most 256 elements");
}

/* A gigabyte: only as much as a result may have is read. */
static void test_floods(void **state)
{
	(void)state;
	expect_error("echo $$ >$D/pids; yes | head -c 1000000000", CRI_EINVAL,
		     "it printed more than 1048576 bytes and was killed");
	assert_dead("pids", 1);
	expect_error("yes | head -c 1000000000 >&2; echo the end >&2; exit 1", CRI_EINTERNAL, "the end");
}

#define HANG                                                                                                           \
	"echo $$ >$D/new; sleep 1000 & echo $! >>$D/new\n"                                                             \
	"setsid sh -c 'echo $$ >>\"$0/new\"; sleep 1000 & echo $! >>\"$0/new\"; mv \"$0/new\" \"$0/pids\"; wait' "     \
	"\"$D\" &\n"

static void test_timeout(void **state)
{
	const struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"bad\"}", .timeout = 3000 };

	(void)state;
	shell_plugin("bad", "[ $CNI_COMMAND = ADD ] || exit 0\n" HANG "wait");
	cni_expect_error(&question, CRI_ETIMEDOUT, "plugin bad: ADD: it was not done in time and was killed");
	/* With children and grandchildren, also in a session of their own. */
	assert_dead("pids", 4);
}

static void test_cancelled(void **state)
{
	const struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"a\"},{\"type\":\"bad\"}" };
	struct cni_asking asking;
	char *text;

	(void)state;
	shell_plugin("a", "cat >/dev/null; echo a $CNI_COMMAND >>$D/order; echo '" RESULT "'");
	shell_plugin("bad", "cat >/dev/null; echo bad $CNI_COMMAND >>$D/order; [ $CNI_COMMAND = ADD ] || exit 0\n" HANG
			    "wait");
	asking = cni_begin(&question, NULL);
	wait_for_file("pids");
	assert_int_equal(shutdown(asking.control, SHUT_WR), 0);
	cni_expect_error_in(cni_end(&asking), CRI_ECANCELED, "it was killed, since the call was cancelled");
	assert_dead("pids", 4);
	text = file("order");
	assert_string_equal(text, "a ADD\nbad ADD\nbad DEL\na DEL\n");
	free(text);
}

static void test_failure_kills_children(void **state)
{
	(void)state;
	expect_error(HANG "while [ ! -e $D/pids ]; do sleep 0.1; done; exit 1", CRI_EINTERNAL,
		     "it ended with status 1");
	assert_dead("pids", 4);
}

/* A name server, for example, that the plugin leaves behind for the pod. It holds the plugin's pipes open. */
static void test_success_leaves_a_process(void **state)
{
	const struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"good\"}" };
	pid_t pid;
	char *text;

	(void)state;
	shell_plugin("good", "cat >/dev/null; setsid sleep 1000 & echo $! >$D/pids; echo '" RESULT "'");
	cni_expect_done(&question);
	text = file("pids");
	pid = (pid_t)strtol(text, NULL, 10);
	free(text);
	assert_true(is_alive(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* kill -9 of cri-network ends its plugin, too. */
static void test_killed(void **state)
{
	const struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"bad\"}" };
	struct cni_asking asking;
	char *answer;

	(void)state;
	shell_plugin("bad", "echo $$ >$D/new; mv $D/new $D/pids; exec sleep 1000");
	asking = cni_begin(&question, NULL);
	wait_for_file("pids");
	assert_int_equal(kill(asking.pid, SIGKILL), 0);
	answer = cni_end_killed(&asking);
	assert_string_equal(answer, "");
	free(answer);
	assert_dead("pids", 1);
}

/* Of a pod only one helper at a time: the second waits for the first, and gives up at its deadline. */
static void test_one_at_a_time(void **state)
{
	struct cni_question question = { .pod = &pod, .plugins = "{\"type\":\"slow\"}" };
	struct cni_question impatient = { .pod = &pod, .plugins = "{\"type\":\"slow\"}", .timeout = 300 };
	struct cni_asking asking;

	(void)state;
	shell_plugin("slow", "echo '" RESULT "'; touch $D/begun; while [ ! -e $D/end ]; do sleep 0.1; done");
	asking = cni_begin(&question, NULL);
	wait_for_file("begun");
	cni_expect_error(&impatient, CRI_ETIMEDOUT, "another process still works on the pod's network");
	assert_true(network_try(NULL, "touch '%s/end'", scene.directory));
	cJSON_Delete(cni_end(&asking));
	impatient.timeout = 0;
	cni_expect_done(&impatient);
	free(file("begun"));
	free(file("end"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_it_is_given, fresh),
		cmocka_unit_test_setup(test_order, fresh),
		cmocka_unit_test_setup(test_failures, fresh),
		cmocka_unit_test_setup(test_bad_results, fresh),
		cmocka_unit_test_setup(test_floods, fresh),
		cmocka_unit_test_setup(test_timeout, fresh),
		cmocka_unit_test_setup(test_cancelled, fresh),
		cmocka_unit_test_setup(test_failure_kills_children, fresh),
		cmocka_unit_test_setup(test_success_leaves_a_process, fresh),
		cmocka_unit_test_setup(test_killed, fresh),
		cmocka_unit_test_setup(test_one_at_a_time, fresh),
	};
	int result = cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);

	if (pod.keeper)
		cni_drop(&pod);
	return result;
}
