/* SPDX-License-Identifier: Apache-2.0 */
/* The log's format, long lines, and files that take no more. */
#include "helpers/shim/log.h"

#include "base/clock.h"
#include "base/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define HEADER 40 /* "2006-01-02T15:04:05.000000000Z stdout F " */

struct test {
	char directory[32];
	char path[64];
	struct log log;
	struct log_line output, error_output;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));
	struct failure failure;

	assert_non_null(test);
	strcpy(test->directory, "/tmp/test_shim_log.XXXXXX");
	assert_non_null(mkdtemp(test->directory));
	snprintf(test->path, sizeof(test->path), "%s/log", test->directory);
	test->log = (struct log){ .fd = -1, .path = test->path };
	test->output.stream = "stdout";
	test->error_output.stream = "stderr";
	assert_int_equal(log_open(&test->log, &failure), 0);
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	log_rest(&test->log);
	close(test->log.fd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, test->directory), 0);
	free(test);
	return 0;
}

static void append(struct test *test, struct log_line *line, const char *text)
{
	log_append(&test->log, line, text, strlen(text));
}

/* What is in the file, to be freed. */
static char *flushed(struct test *test)
{
	struct buffer content = BUFFER_EMPTY;

	log_flush(&test->log);
	assert_int_equal(fs_read(AT_FDCWD, test->path, 1u << 20, &content), 0);
	return content.data ? buffer_take(&content) : strdup("");
}

/* The record at `at` without its time, which is checked. Answers what follows. */
static char *check_record(char *at, const char *head, const char *text, size_t length)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ ";

	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'd')
			assert_in_range(at[i], '0', '9');
		else
			assert_int_equal(at[i], form[i]);
	}
	assert_memory_equal(at + strlen(form), head, strlen(head));
	assert_memory_equal(at + HEADER, text, length);
	assert_int_equal(at[HEADER + length], '\n');
	return at + HEADER + length + 1;
}

static void test_lines(void **state)
{
	struct test *test = *state;
	char *content, *at;

	append(test, &test->output, "one\n\ntw");
	append(test, &test->error_output, "between\n");
	append(test, &test->output, "o\nthree");
	log_finish(&test->log, &test->output);
	log_finish(&test->log, &test->error_output);
	content = flushed(test);
	at = check_record(content, "stdout F ", "one", 3);
	at = check_record(at, "stdout F ", "", 0);
	at = check_record(at, "stderr F ", "between", 7);
	at = check_record(at, "stdout F ", "two", 3);
	at = check_record(at, "stdout P ", "three", 5);
	assert_int_equal(*at, '\0');
	free(content);
}

static void test_time(void **state)
{
	struct test *test = *state;
	struct timespec now;
	char expected[20], *content;

	/* Until both were taken in one second. */
	do {
		free(flushed(test));
		assert_int_equal(truncate(test->path, 0), 0);
		clock_gettime(CLOCK_REALTIME, &now);
		append(test, &test->output, "x\n");
	} while (clock_wall() / NANOSECONDS_PER_SECOND != now.tv_sec);
	content = flushed(test);
	strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
	assert_memory_equal(content, expected, 19);
	free(content);
}

/* Lines around the greatest length of a record, in one piece and byte by byte. */
static void check_long_line(struct test *test, size_t length, size_t step)
{
	char *line = malloc(length + 1);
	char *content, *at;
	size_t left = length;

	assert_non_null(line);
	memset(line, 'y', length);
	line[length] = '\n';
	for (size_t done = 0; done <= length; done += step)
		log_append(&test->log, &test->output, line + done, length + 1 - done < step ? length + 1 - done : step);
	at = content = flushed(test);
	for (; left > LOG_LINE_MAX; left -= LOG_LINE_MAX)
		at = check_record(at, "stdout P ", line, LOG_LINE_MAX);
	at = check_record(at, "stdout F ", line, left);
	assert_int_equal(*at, '\0');
	assert_int_equal(truncate(test->path, 0), 0);
	free(content);
	free(line);
}

static void test_long_lines(void **state)
{
	static const size_t lengths[] = { LOG_LINE_MAX - 1, LOG_LINE_MAX, LOG_LINE_MAX + 1, 3 * LOG_LINE_MAX, 100000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		check_long_line(*state, lengths[i], 65536);
		check_long_line(*state, lengths[i], 1000);
		check_long_line(*state, lengths[i], 1);
	}
}

/* As on a full disk, but for this process alone: what the file does not take is dropped and counted, and the records
 * after it are whole again. */
static void test_full(void **state)
{
	struct test *test = *state;
	struct rlimit limit, small;
	char *content, *note, *end;
	unsigned long missing;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ 1000, limit.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (size_t i = 0; i < 100; i++)
		append(test, &test->output, "0123456789\n");
	log_flush(&test->log);
	append(test, &test->output, "lost\n");
	log_flush(&test->log);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
	append(test, &test->output, "back\n");
	content = flushed(test);
	note = strstr(content, "stderr F [libcri: ");
	assert_non_null(note);
	missing = strtoul(note + strlen("stderr F [libcri: "), &end, 10);
	assert_int_equal(missing, 100 * (HEADER + 11) - 1000 + HEADER + 5);
	assert_memory_equal(end, " bytes of log are missing: File too large]\n", 43);
	/* The record that was cut has an end. */
	assert_int_equal(note[-HEADER + 8], '\n');
	end = strchr(note, '\n') + 1;
	assert_int_equal(*check_record(end, "stdout F ", "back", 4), '\0');
	assert_null(strstr(content, "lost"));
	free(content);
}

static void test_no_log(void **state)
{
	struct log log = { .fd = -1, .path = "" };
	struct log_line line = { .stream = "stdout" };
	struct failure failure;

	(void)state;
	assert_int_equal(log_open(&log, &failure), 0);
	assert_int_equal(log.fd, -1);
	log_append(&log, &line, "x\ny", 3);
	log_finish(&log, &line);
	log_flush(&log);
	assert_null(log.output);
	assert_null(line.bytes);
}

static void test_what_is_no_log(void **state)
{
	struct test *test = *state;
	char path[80];
	struct log log = { .fd = -1, .path = path };
	struct failure failure;

	snprintf(path, sizeof(path), "%s/link", test->directory);
	assert_int_equal(symlink("log", path), 0);
	assert_int_equal(log_open(&log, &failure), CRI_EINVAL);
	snprintf(path, sizeof(path), "%s/fifo", test->directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(log_open(&log, &failure), CRI_EINVAL);
	snprintf(path, sizeof(path), "%s", test->directory);
	assert_int_equal(log_open(&log, &failure), CRI_EINVAL);
	assert_int_equal(log.fd, -1);
	assert_non_null(strstr(failure.message, test->directory));
}

/* A rotated log: the old file keeps what it has, the new one gets what follows; a path that cannot be opened leaves
 * the old one in use. */
static void test_reopen(void **state)
{
	struct test *test = *state;
	struct failure failure;
	char moved[80], *content;

	snprintf(moved, sizeof(moved), "%s.1", test->path);
	append(test, &test->output, "old\n");
	log_flush(&test->log);
	assert_int_equal(rename(test->path, moved), 0);
	assert_int_equal(mkdir(test->path, 0700), 0);
	assert_int_equal(log_open(&test->log, &failure), CRI_EINVAL);
	append(test, &test->output, "still old\n");
	log_flush(&test->log);
	assert_int_equal(rmdir(test->path), 0);
	assert_int_equal(log_open(&test->log, &failure), 0);
	append(test, &test->output, "new\n");
	content = flushed(test);
	assert_int_equal(*check_record(content, "stdout F ", "new", 3), '\0');
	free(content);
	assert_int_equal(rename(moved, test->path), 0);
	content = flushed(test);
	assert_int_equal(*check_record(check_record(content, "stdout F ", "old", 3), "stdout F ", "still old", 9),
			 '\0');
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reopen, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
