/* SPDX-License-Identifier: Apache-2.0 */
/* cri-network is started before there is anything to do, and asked before the pod's namespace is there. */
#include "cni_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BRIDGE                                                                                                         \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,"                          \
	"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],"         \
	"[{\"subnet\":\"fd00:1::/64\"}]]}}"
#define RECORDED BRIDGE ",{\"type\":\"record\"}"
#define ADDRESS "test -f '%s/test/10.1.0.2'"

/* A pod whose namespace comes to be where it will be looked for when `appear` is called. */
struct late_pod {
	struct cni_pod pod, made;
};

static struct late_pod late_pod(void)
{
	struct late_pod late = { .pod = { .id = "one" }, .made = cni_pod("one") };

	snprintf(late.pod.netns, sizeof(late.pod.netns), "%s/net", scene.directory);
	(void)unlink(late.pod.netns);
	return late;
}

static void appear(const struct late_pod *late)
{
	assert_int_equal(symlink(late->made.netns, late->pod.netns), 0);
}

static bool wait_for(const char *condition)
{
	for (int i = 0; i < 600; i++) {
		if (network_try(NULL, ADDRESS, scene.data) && network_try(NULL, "%s", condition))
			return true;
		usleep(50000);
	}
	return false;
}

static void clear(struct late_pod *late, struct cni_question *question, cJSON *result)
{
	question->command = "DEL";
	question->early = false;
	question->result = result;
	cni_expect_done(question);
	cni_drop(&late->made);
	cJSON_Delete(result);
	cni_assert_nothing_left();
}

/* What does not need the namespace is done before it is there; the rest waits, also what programs do. */
static void test_late_namespace(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct late_pod late = late_pod();
		struct cni_question question = { .pod = &late.pod, .plugins = RECORDED, .early = true };
		struct cni_asking asking;
		cJSON *answer, *result;
		char *records;

		question.exec = i;
		asking = cni_begin(&question, NULL);
		if (!i)
			assert_true(wait_for(
				"ip link show cni0 >/dev/null && nft list table inet libcri | grep -q 10.1.0.2"));
		appear(&late);
		cni_go(&asking);
		answer = cni_end(&asking);
		assert_null(cJSON_GetObjectItem(answer, "error"));
		result = cJSON_DetachItemFromArray(cJSON_GetObjectItem(answer, "results"), 0);
		cJSON_Delete(answer);
		assert_true(network_try(late.made.netns, "ip addr show eth0 | grep -q '%s/'", cni_address(result, 0)));
		records = cni_records();
		assert_non_null(strstr(records, "\"ADD\""));
		free(records);
		clear(&late, &question, result);
	}
}

/* Nobody wants it any more: what was done is undone, and no program was run for a namespace that never came. */
static void test_given_up(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct late_pod late = late_pod();
		struct cni_question question = { .pod = &late.pod, .plugins = RECORDED, .early = true, .exec = i };
		struct cni_asking asking = cni_begin(&question, NULL);
		cJSON *answer;

		if (!i)
			assert_true(wait_for("ip link show cni0 >/dev/null"));
		assert_int_equal(shutdown(asking.control, SHUT_WR), 0);
		answer = cni_end(&asking);
		assert_true(cJSON_IsTrue(cJSON_GetObjectItem(answer, "undone")));
		cni_expect_error_in(answer, CRI_ECANCELED, "plugin bridge: ADD: the call was cancelled");
		cni_drop(&late.made);
		cni_assert_nothing_left();
	}
}

static void test_never_there(void **state)
{
	struct late_pod late = late_pod();
	struct cni_question question = { .pod = &late.pod, .plugins = BRIDGE, .early = true, .timeout = 1000 };
	struct cni_asking asking = cni_begin(&question, NULL);

	(void)state;
	cni_expect_error_in(cni_end(&asking), CRI_ETIMEDOUT, "the pod's namespace was not made in time");
	/* It was said to be there, and is not. */
	question.timeout = 0;
	asking = cni_begin(&question, NULL);
	cni_go(&asking);
	cni_expect_error_in(cni_end(&asking), CRI_EINTERNAL, "open the network namespace");
	cni_drop(&late.made);
	cni_assert_nothing_left();
}

/* One that is never asked reads no request, answers nothing and does nothing. */
static void test_never_asked(void **state)
{
	struct cni_pod pod = cni_pod("one");
	const struct cni_question question = { .pod = &pod, .plugins = BRIDGE, .unasked = true };
	struct cni_asking asking = cni_begin(&question, NULL);
	char *answer;

	(void)state;
	assert_int_equal(shutdown(asking.control, SHUT_WR), 0);
	answer = cni_end_killed(&asking);
	assert_string_equal(answer, "");
	free(answer);
	assert_false(network_try(NULL, "test -e '%s' || ip link show cni0", scene.data));
	cni_drop(&pod);
	cni_assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_late_namespace),
		cni_test(test_given_up),
		cni_test(test_never_there),
		cni_test(test_never_asked),
	};

	network_need_rules("early networks");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
