/* SPDX-License-Identifier: Apache-2.0 */
/* The process record, as cri-init takes it apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "runtime/handler.h"
#include "runtime/init_protocol.h"

#include <string.h>

static cri_call call;

struct item {
	uint32_t tag, length;
	const char *bytes;
};

/* The items of a record, which must end where the last one does. */
static size_t split(const struct buffer *record, struct item *items, size_t most)
{
	size_t at = 0, n = 0;

	while (at < record->length) {
		assert_true(n < most);
		assert_true(record->length - at >= 8);
		memcpy(&items[n].tag, record->data + at, 4);
		memcpy(&items[n].length, record->data + at + 4, 4);
		at += 8;
		assert_true(record->length - at >= items[n].length);
		items[n].bytes = record->data + at;
		at += items[n++].length;
	}
	return n;
}

static void assert_text(const struct item *item, enum process_tag tag, const char *text)
{
	assert_int_equal(item->tag, tag);
	assert_int_equal(item->length, strlen(text));
	assert_memory_equal(item->bytes, text, item->length);
}

static void assert_flag(const struct item *item, enum process_tag tag)
{
	assert_int_equal(item->tag, tag);
	assert_int_equal(item->length, 0);
}

static void test_everything(void **state)
{
	static const char *const arguments[] = { "/bin/sh", "-c", "", "echo \"ä\"\n" };
	static const char *const environment[] = { "PATH=/bin", "EMPTY=", "A=b=c" };
	static const int64_t groups[] = { 10, 4294967294 };
	static const struct runtime_limit limits[] = { { 7, { 1024, RLIM_INFINITY } }, { 3, { 0, 5 } } };
	const struct runtime_process process = {
		.arguments = arguments,
		.n_arguments = 4,
		.environment = environment,
		.n_environment = 3,
		.directory = "/work dir",
		.user = "name:group",
		.has_group = true,
		.group = 7,
		.groups = groups,
		.n_groups = 2,
		.groups_strict = true,
		.capabilities = { 1, 2, 3, 4, UINT64_C(1) << 40 },
		.no_new_privs = true,
		.terminal = true,
		.has_oom_score_adj = true,
		.oom_score_adj = -998,
		.limits = limits,
		.n_limits = 2,
		.exec = true,
	};
	CLEANUP_BUFFER struct buffer record = BUFFER_EMPTY;
	const int64_t group = 7, score = -998;
	struct item items[32] = { 0 };
	size_t n = 0, count;
	int32_t resource;
	uint64_t values[2];

	(void)state;
	call_init(&call);
	assert_int_equal(runtime_encode_process(&process, &record, &call), 0);
	count = split(&record, items, 32);
	for (size_t i = 0; i < 4; i++)
		assert_text(&items[n++], PROCESS_ARGUMENT, arguments[i]);
	for (size_t i = 0; i < 3; i++)
		assert_text(&items[n++], PROCESS_ENVIRONMENT, environment[i]);
	assert_text(&items[n++], PROCESS_DIRECTORY, "/work dir");
	assert_text(&items[n++], PROCESS_USER, "name:group");
	assert_int_equal(items[n].tag, PROCESS_GROUP);
	assert_int_equal(items[n].length, 8);
	assert_memory_equal(items[n++].bytes, &group, 8);
	assert_int_equal(items[n].tag, PROCESS_GROUPS);
	assert_int_equal(items[n].length, 16);
	assert_memory_equal(items[n++].bytes, groups, 16);
	assert_flag(&items[n++], PROCESS_GROUPS_STRICT);
	assert_int_equal(items[n].tag, PROCESS_CAPABILITIES);
	assert_int_equal(items[n].length, 40);
	assert_memory_equal(items[n++].bytes, process.capabilities, 40);
	assert_flag(&items[n++], PROCESS_NO_NEW_PRIVS);
	assert_flag(&items[n++], PROCESS_TERMINAL);
	assert_int_equal(items[n].tag, PROCESS_OOM_SCORE);
	assert_int_equal(items[n].length, 8);
	assert_memory_equal(items[n++].bytes, &score, 8);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(items[n].tag, PROCESS_RLIMIT);
		assert_int_equal(items[n].length, 24);
		memcpy(&resource, items[n].bytes, 4);
		memcpy(values, items[n++].bytes + 8, 16);
		assert_int_equal(resource, limits[i].resource);
		assert_int_equal(values[0], limits[i].value.rlim_cur);
		assert_int_equal(values[1], limits[i].value.rlim_max);
	}
	assert_flag(&items[n++], PROCESS_EXEC);
	assert_flag(&items[n++], PROCESS_CGROUP_FILES);
	assert_int_equal(n, count);
}

static void test_pause(void **state)
{
	const struct runtime_process process = { .directory = "/", .pause = true };
	CLEANUP_BUFFER struct buffer record = BUFFER_EMPTY;
	struct item items[8] = { 0 };

	(void)state;
	call_init(&call);
	assert_int_equal(runtime_encode_process(&process, &record, &call), 0);
	assert_int_equal(split(&record, items, 8), 5);
	assert_text(&items[0], PROCESS_DIRECTORY, "/");
	assert_text(&items[1], PROCESS_USER, "");
	assert_int_equal(items[2].tag, PROCESS_CAPABILITIES);
	assert_flag(&items[3], PROCESS_CGROUP_FILES);
	assert_flag(&items[4], PROCESS_PAUSE);
}

static void refuse(const struct runtime_process *process, const char *field)
{
	CLEANUP_BUFFER struct buffer record = BUFFER_EMPTY;

	call_init(&call);
	assert_int_equal(runtime_encode_process(process, &record, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, field));
	assert_int_equal(record.length, 0);
}

static void test_refused(void **state)
{
	static const char *const command[] = { "true" };
	static const char *const nameless[] = { "=x" };
	static const char *const no_value[] = { "A=1", "x" };
	struct runtime_process process = { .arguments = command, .n_arguments = 1, .directory = "/" };

	(void)state;
	process.n_arguments = 0;
	refuse(&process, "command");
	process.n_arguments = 1;
	process.directory = "tmp";
	refuse(&process, "working_dir");
	process.directory = NULL;
	refuse(&process, "working_dir");
	process.directory = "/";
	process.environment = nameless;
	process.n_environment = 1;
	refuse(&process, "envs");
	process.environment = no_value;
	process.n_environment = 2;
	refuse(&process, "envs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
