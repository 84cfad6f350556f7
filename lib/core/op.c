/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: a call on a stack of its own, continued whenever what it waits for has come.
 *
 * The descriptor that the user polls is an epoll set. It holds a timer, the cancellation, and during a wait the
 * descriptors that the wait is for; they are taken out again before the function goes on, because it may close them,
 * and a copy elsewhere would keep a closed one in the set.
 */
#include "core/op.h"

#include "base/clock.h"
#include "core/engine.h"
#include "core/fiber.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

_Static_assert(EPOLLIN == POLLIN && EPOLLPRI == POLLPRI && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
		       EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP,
	       "events of poll(2) are handed to epoll as they are");

#define TIMER_AT_ONCE 1 /* a time long past, and not 0, which disarms */

enum op_state { OP_RUNNING, OP_OVER, OP_TAKEN };

struct cri_op {
	cri_engine *engine;
	pid_t begun_by;
	api_function function;
	struct arena arena;
	void *args;
	enum api_output output_kind;
	union {
		void *block;
		cri_list *list;
		int32_t number;
	} output;
	cri_call call; /* with the operation's own cancellation */
	struct fiber *fiber;
	int epoll_fd;
	int timer_fd;
	int64_t timer;       /* what timer_fd is set to */
	bool cancel_watched; /* in the epoll set */
	bool inside;         /* its function runs at this moment */
	bool abandoned;      /* cri_op_free */
	int64_t slice_end;
	enum op_state state;
	int result;
};

static int set_timer(cri_op *op, int64_t time)
{
	if (time <= 0)
		time = TIMER_AT_ONCE;
	if (time == op->timer)
		return 0;
	struct itimerspec setting = { .it_value = { .tv_sec = time / NANOSECONDS_PER_SECOND,
						    .tv_nsec = time % NANOSECONDS_PER_SECOND } };

	if (time == CALL_NO_DEADLINE)
		memset(&setting, 0, sizeof(setting));
	if (timerfd_settime(op->timer_fd, TFD_TIMER_ABSTIME, &setting, NULL) < 0)
		return -errno;
	op->timer = time;
	return 0;
}

static int epoll_change(int epoll_fd, int action, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(epoll_fd, action, fd, &event) < 0 ? -errno : 0;
}

/* poll(2) takes a descriptor several times, epoll once. */
static int watch(cri_op *op, const struct pollfd *fds, size_t n_fds, size_t index)
{
	const int fd = fds[index].fd;
	uint32_t events = 0;
	int result = epoll_change(op->epoll_fd, EPOLL_CTL_ADD, fd, (uint16_t)fds[index].events);

	if (result != -EEXIST)
		return result;
	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i].fd == fd)
			events |= (uint16_t)fds[i].events;
	}
	return epoll_change(op->epoll_fd, EPOLL_CTL_MOD, fd, events);
}

static void unwatch(cri_op *op, const struct pollfd *fds, size_t n_fds)
{
	/* A descriptor that was named twice is gone the second time. */
	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i].fd >= 0)
			epoll_change(op->epoll_fd, EPOLL_CTL_DEL, fds[i].fd, 0);
	}
}

/* Left in the set while it must not be noticed, a cancellation would make the user's loop spin. */
static int watch_cancel(cri_op *op, bool wanted)
{
	int result;

	if (op->cancel_watched == wanted)
		return 0;
	result = epoll_change(op->epoll_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, op->call.cancel_fd, EPOLLIN);
	if (result == 0)
		op->cancel_watched = wanted;
	return result;
}

bool op_is_abandoned(const cri_op *op)
{
	return op->abandoned;
}

bool op_is_due(const cri_op *op, int64_t now)
{
	return now >= op->slice_end;
}

int op_suspend(cri_op *op, const struct pollfd *fds, size_t n_fds, int64_t until, bool cancellable)
{
	int result = watch_cancel(op, cancellable);
	size_t watched = 0;

	if (result == 0)
		result = set_timer(op, until);
	while (result == 0 && watched < n_fds) {
		if (fds[watched].fd >= 0)
			result = watch(op, fds, n_fds, watched);
		watched++;
	}
	if (result == 0)
		fiber_leave(op->fiber);
	unwatch(op, fds, watched);
	return result;
}

static void work(void *pointer)
{
	cri_op *op = pointer;
	void *output = op->output_kind == API_NO_OUTPUT ? NULL : &op->output;

	op->result = api_leave(&op->call, op->function(op->engine, op->args, output, &op->call));
	op->state = OP_OVER;
}

static void go_on(cri_op *op)
{
	op->slice_end = clock_boot() + OP_SLICE_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;
	op->inside = true;
	fiber_enter(op->fiber);
	op->inside = false;
	if (op->state == OP_RUNNING)
		return;
	fiber_free(TAKE_POINTER(op->fiber));
	/* For those who poll before they finish. It cannot fail: the descriptor is a timer and the time is valid. */
	(void)set_timer(op, TIMER_AT_ONCE);
}

static int open_descriptors(cri_op *op)
{
	int result;

	op->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (op->epoll_fd < 0)
		return -errno;
	op->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (op->timer_fd < 0)
		return -errno;
	op->call.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (op->call.cancel_fd < 0)
		return -errno;
	result = epoll_change(op->epoll_fd, EPOLL_CTL_ADD, op->timer_fd, EPOLLIN);
	return result < 0 ? result : watch_cancel(op, true);
}

static int prepare(cri_op *op, const void *args, size_t args_size, api_copy copy, cri_call *call)
{
	const char *step = "begin an operation";
	int result = 0;

	if (args) {
		op->args = arena_copy(&op->arena, args, args_size);
		if (!op->args)
			return call_no_memory(call, step);
	}
	if (copy)
		result = copy(&op->arena, op->args, call);
	if (result < 0)
		return result;
	result = open_descriptors(op);
	if (result < 0)
		return call_fail_errno(call, result, step, "open its descriptors");
	result = fiber_new(work, op, &op->fiber);
	return result < 0 ? call_fail_errno(call, result, step, "map its stack") : 0;
}

int op_begin(cri_engine *engine, api_function function, const void *args, size_t args_size, api_copy copy,
	     enum api_output output, cri_op **op, cri_call *call)
{
	cri_op *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return call_no_memory(call, "begin an operation");
	made->engine = engine;
	made->begun_by = getpid();
	made->function = function;
	made->output_kind = output;
	made->epoll_fd = made->timer_fd = -1;
	made->timer = CALL_NO_DEADLINE;
	made->state = OP_TAKEN; /* nothing to end yet, should what follows fail */
	call_init(&made->call);
	made->call.deadline = call->deadline;
	made->call.op = made;
	result = prepare(made, args, args_size, copy, call);
	if (result < 0) {
		cri_op_free(made);
		return result;
	}
	made->state = OP_RUNNING;
	go_on(made);
	*op = made;
	return 0;
}

int cri_op_fd(const cri_op *op)
{
	return op ? op->epoll_fd : -1;
}

void cri_op_cancel(cri_op *op)
{
	if (op)
		cri_call_cancel(&op->call);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}

/* The function stored a pointer of its own type: copied as bytes. What is not wanted is left to cri_op_free. */
static void hand_over(cri_op *op, void *output)
{
	static const size_t sizes[] = {
		[API_NO_OUTPUT] = 0,
		[API_STRING] = sizeof(void *),
		[API_LIST] = sizeof(cri_list *),
		[API_INT32] = sizeof(int32_t),
	};

	if (!output)
		return;
	memcpy(output, &op->output, sizes[op->output_kind]);
	memset(&op->output, 0, sizeof(op->output));
}

int cri_op_finish(cri_op *op, void *output, cri_call *call)
{
	const char *step = "finish an operation";
	cri_call spare;

	call = api_enter(call, &spare);
	if (!op)
		return call_fail(call, CRI_EINVAL, step, "op: it is NULL");
	if (op->begun_by != getpid())
		return call_fail(call, CRI_EFORKED, step, "process %d began it, before a fork", (int)op->begun_by);
	if (op->inside)
		return call_fail(call, CRI_EINVAL, step, "op: called from within the operation itself");
	if (op->state == OP_TAKEN)
		return call_fail(call, CRI_EINVAL, step, "op: its result was taken before");
	if (op->state == OP_RUNNING && is_readable(op->epoll_fd))
		go_on(op);
	if (op->state == OP_RUNNING)
		return CRI_EAGAIN;
	op->state = OP_TAKEN;
	call_copy_failure(call, &op->call);
	if (op->result == 0)
		hand_over(op, output);
	return op->result;
}

static void free_output(cri_op *op)
{
	if (op->output_kind == API_STRING)
		cri_free(op->output.block);
	else if (op->output_kind == API_LIST)
		cri_list_free(op->output.list);
}

void cri_op_free(cri_op *op)
{
	if (!op)
		return;
	/* In the child of a fork there is only memory to free: what the function was doing is the parent's. */
	if (op->state == OP_RUNNING && op->begun_by == getpid()) {
		op->abandoned = true;
		go_on(op);
	}
	if (op->result == 0)
		free_output(op);
	fiber_free(op->fiber);
	cleanup_close_fd(&op->call.cancel_fd);
	cleanup_close_fd(&op->timer_fd);
	cleanup_close_fd(&op->epoll_fd);
	arena_free(&op->arena);
	free(op);
}
