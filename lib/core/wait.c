/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where libcri waits. */
#include "base/clock.h"
#include "core/call.h"
#include "core/op.h"

#include <string.h>
#include <time.h>

/* poll(2) counts its timeout by a clock that stands still while the machine sleeps: look again this often. */
#define SLEEP_CHECK (5 * NANOSECONDS_PER_SECOND)

static int64_t after_milliseconds(int64_t now, int64_t milliseconds)
{
	int64_t time;

	if (milliseconds < 0 || __builtin_mul_overflow(milliseconds, NANOSECONDS_PER_MILLISECOND, &time) ||
	    __builtin_add_overflow(now, time, &time))
		return CALL_NO_DEADLINE;
	return time;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void call_shield(cri_call *call)
{
	if (call->shields++ == 0)
		call->shield_deadline = after_milliseconds(clock_boot(), CALL_SHIELD_MILLISECONDS);
}

void call_unshield(cri_call *call)
{
	call->shields--;
}

static int64_t deadline_in_force(const cri_call *call)
{
	return call->shields ? call->shield_deadline : call->deadline;
}

int64_t call_remaining(const cri_call *call, int64_t limit)
{
	const int64_t deadline = deadline_in_force(call);
	const int64_t now = clock_boot();

	if (deadline == CALL_NO_DEADLINE)
		return limit;
	return deadline <= now ? 0 : earlier((deadline - now) / NANOSECONDS_PER_MILLISECOND, limit);
}

static int canceled(cri_call *call, const char *step)
{
	return call_fail(call, CRI_ECANCELED, step, "the call was cancelled");
}

static int timed_out(cri_call *call, const char *step)
{
	if (call->shields)
		return call_fail(call, CRI_ETIMEDOUT, step, "it took more than %d seconds to undo",
				 CALL_SHIELD_MILLISECONDS / 1000);
	return call_fail(call, CRI_ETIMEDOUT, step, "the deadline of the call passed");
}

/* ppoll(2) until something is ready or the time `until`; > 0, 0 or -errno. A `until` in the past only looks. */
static int poll_until(struct pollfd *fds, size_t n_fds, int64_t now, int64_t until)
{
	int64_t left = until <= now ? 0 : earlier(until - now, SLEEP_CHECK);
	struct timespec timeout = { .tv_sec = left / NANOSECONDS_PER_SECOND, .tv_nsec = left % NANOSECONDS_PER_SECOND };
	int ready = ppoll(fds, n_fds, until == CALL_NO_DEADLINE ? NULL : &timeout, NULL);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready;
}

/* One round. > 0: ready; 0: the time `until` has come, or *again; negative: described. all[n_fds] is the cancellation.
 */
static int wait_once(cri_call *call, const char *step, struct pollfd *all, size_t n_fds, int64_t until, bool *again)
{
	const bool abandoned = call->op && op_is_abandoned(call->op);
	const bool blocks = !call->op || abandoned;
	const int64_t now = clock_boot();
	const int64_t limit = earlier(until, deadline_in_force(call));
	int ready, result;

	*again = false;
	if (abandoned && !call->shields)
		return canceled(call, step);
	if (now >= deadline_in_force(call))
		return timed_out(call, step);
	ready = poll_until(all, n_fds + 1, now, blocks ? limit : now);
	if (ready < 0)
		return call_fail_errno(call, ready, step, "poll");
	if (all[n_fds].revents)
		return canceled(call, step);
	if (now >= until)
		return ready;
	if (blocks) {
		*again = ready == 0 && clock_boot() < until;
		return ready;
	}
	if (ready > 0 && !op_is_due(call->op, now))
		return ready;
	/* With something ready, only to let others have their turn. */
	result = op_suspend(call->op, all, ready > 0 ? 0 : n_fds, ready > 0 ? now : limit, !call->shields);
	if (result < 0)
		return call_fail_errno(call, result, step, "watch descriptors");
	*again = true;
	return 0;
}

int call_wait(cri_call *call, const char *step, struct pollfd *fds, size_t n_fds, int64_t timeout)
{
	const int64_t until = after_milliseconds(clock_boot(), timeout);
	struct pollfd all[CALL_WAIT_MAX + 1];
	bool again;
	int result;

	if (n_fds > CALL_WAIT_MAX)
		return call_fail(call, CRI_EINTERNAL, step, "%zu descriptors are more than one wait can watch", n_fds);
	if (n_fds > 0)
		memcpy(all, fds, n_fds * sizeof(*fds));
	all[n_fds] = (struct pollfd){ .fd = call->shields ? -1 : call->cancel_fd, .events = POLLIN };
	do {
		result = wait_once(call, step, all, n_fds, until, &again);
	} while (again);
	for (size_t i = 0; result >= 0 && i < n_fds; i++)
		fds[i].revents = all[i].revents;
	return result;
}

int call_check(cri_call *call, const char *step)
{
	int result = call_wait(call, step, NULL, 0, 0);

	return result < 0 ? result : 0;
}

bool call_goes_on(void *call)
{
	cri_call look;

	call_init_child(&look, call);
	return call_check(&look, "go on") == 0;
}
