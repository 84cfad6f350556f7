/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/pod.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

int pod_await_namespace(struct pod *pod, struct failure *failure)
{
	while (pod->early) {
		struct pollfd control = { .fd = pod->control, .events = POLLIN | POLLRDHUP };
		const int64_t left = (pod->deadline - clock_boot()) / NANOSECONDS_PER_MILLISECOND;
		char byte;

		if (left <= 0)
			return fail(failure, CRI_ETIMEDOUT, "the pod's namespace was not made in time");
		if (poll(&control, 1, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return fail_errno(failure, errno, "wait for the pod's namespace");
		/* Nobody who hangs up wants it any more, whether it was made or not. */
		if (control.revents & (POLLRDHUP | POLLHUP | POLLERR))
			return fail(failure, CRI_ECANCELED, "the call was cancelled");
		if (control.revents & POLLIN && recv(pod->control, &byte, sizeof(byte), MSG_DONTWAIT) == 1)
			pod->early = false;
	}
	return 0;
}
