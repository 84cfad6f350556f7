/* SPDX-License-Identifier: Apache-2.0 */
/* The simplest event loop, and a function to run in it. */
#ifndef TESTS_UNIT_OP_FIXTURE_H
#define TESTS_UNIT_OP_FIXTURE_H

#include "core_fixture.h"

#include "base/text.h"
#include "core/api.h"

static inline cri_engine *engine_of(void **state)
{
	struct core_fixture *fixture = *state;

	return &fixture->engine;
}

static inline bool is_readable(const cri_op *op)
{
	struct pollfd fd = { .fd = cri_op_fd(op), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static inline int finish(cri_op *op, void *output, cri_call *call)
{
	int result = CRI_EAGAIN;

	while (result == CRI_EAGAIN) {
		struct pollfd fd = { .fd = cri_op_fd(op), .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 10000), 1);
		result = cri_op_finish(op, output, call);
	}
	return result;
}

static inline size_t count_descriptors(void)
{
	CLEANUP_DIR DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(directory))
		count++;
	return count;
}

struct read_args {
	const char *prefix;
	int fd;
	int rounds;
	bool *ended; /* set when the function returns, by whatever way */
};

static inline void cleanup_flag(bool **flag)
{
	if (*flag)
		**flag = true;
}

/* Reads one byte in each round, and answers them as a text. */
static inline int read_bytes(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct read_args *args = pointer;
	CLEANUP(cleanup_flag) bool *ended = args->ended;
	char text[256] = "";

	(void)engine;
	call_object(call, "pipe");
	for (int i = 0; i < args->rounds; i++) {
		struct pollfd fd = { .fd = args->fd, .events = POLLIN };
		int result = call_wait(call, "read the pipe", &fd, 1, -1);

		if (result < 0)
			return result;
		assert_int_equal(result, 1);
		assert_int_equal(fd.revents & POLLIN, POLLIN);
		assert_int_equal(read(args->fd, text + i, 1), 1);
	}
	*(char **)output = text_printf("%s%s", args->prefix, text);
	return 0;
}

static inline int copy_read_args(struct arena *arena, void *pointer, cri_call *call)
{
	struct read_args *args = pointer;

	args->prefix = arena_strdup(arena, args->prefix);
	return args->prefix ? 0 : call_no_memory(call, "copy");
}

static inline int begin_read(cri_engine *engine, const char *prefix, int fd, int rounds, bool *ended, cri_op **op,
			     cri_call *call)
{
	const struct read_args args = { prefix, fd, rounds, ended };

	return api_begin(engine, read_bytes, &args, sizeof(args), copy_read_args, API_STRING, op, call);
}

#endif
