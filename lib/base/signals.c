/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define REALTIME(n) "SIGRTMIN+" #n

static const struct {
	int number;
	const char *name;
} names[] = {
	{ SIGHUP, "SIGHUP" },
	{ SIGINT, "SIGINT" },
	{ SIGQUIT, "SIGQUIT" },
	{ SIGILL, "SIGILL" },
	{ SIGTRAP, "SIGTRAP" },
	{ SIGABRT, "SIGABRT" },
	{ SIGBUS, "SIGBUS" },
	{ SIGFPE, "SIGFPE" },
	{ SIGKILL, "SIGKILL" },
	{ SIGUSR1, "SIGUSR1" },
	{ SIGSEGV, "SIGSEGV" },
	{ SIGUSR2, "SIGUSR2" },
	{ SIGPIPE, "SIGPIPE" },
	{ SIGALRM, "SIGALRM" },
	{ SIGTERM, "SIGTERM" },
	{ SIGCHLD, "SIGCHLD" },
	{ SIGCONT, "SIGCONT" },
	{ SIGSTOP, "SIGSTOP" },
	{ SIGTSTP, "SIGTSTP" },
	{ SIGTTIN, "SIGTTIN" },
	{ SIGTTOU, "SIGTTOU" },
	{ SIGURG, "SIGURG" },
	{ SIGXCPU, "SIGXCPU" },
	{ SIGXFSZ, "SIGXFSZ" },
	{ SIGVTALRM, "SIGVTALRM" },
	{ SIGPROF, "SIGPROF" },
	{ SIGWINCH, "SIGWINCH" },
	{ SIGIO, "SIGIO" },
	{ SIGPWR, "SIGPWR" },
	{ SIGSYS, "SIGSYS" },
#ifdef SIGSTKFLT
	{ SIGSTKFLT, "SIGSTKFLT" },
#endif
	/* Other names of the same numbers; the first one of a number is its name. */
	{ SIGABRT, "SIGIOT" },
	{ SIGCHLD, "SIGCLD" },
	{ SIGIO, "SIGPOLL" },
};

/* From SIGRTMIN, which the C library takes from what the kernel has (32) and its own needs. */
static const char *const realtime[] = {
	"SIGRTMIN",   REALTIME(1),  REALTIME(2),  REALTIME(3),  REALTIME(4),  REALTIME(5),  REALTIME(6),  REALTIME(7),
	REALTIME(8),  REALTIME(9),  REALTIME(10), REALTIME(11), REALTIME(12), REALTIME(13), REALTIME(14), REALTIME(15),
	REALTIME(16), REALTIME(17), REALTIME(18), REALTIME(19), REALTIME(20), REALTIME(21), REALTIME(22), REALTIME(23),
	REALTIME(24), REALTIME(25), REALTIME(26), REALTIME(27), REALTIME(28), REALTIME(29), REALTIME(30), REALTIME(31),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "RTMIN", "RTMIN+n", "RTMAX-n". */
static int realtime_from_name(const char *name)
{
	const int first = SIGRTMIN, last = SIGRTMAX;
	bool from_first = !strncasecmp(name, "RTMIN", 5);
	uint64_t distance = 0;

	if (!from_first && strncasecmp(name, "RTMAX", 5) != 0)
		return -EINVAL;
	name += 5;
	if (*name) {
		/* text_to_uint64 would take a second sign. */
		if (*name != (from_first ? '+' : '-') || name[1] < '0' || name[1] > '9')
			return -EINVAL;
		if (text_to_uint64(name + 1, &distance) || distance > (uint64_t)(last - first))
			return -EINVAL;
	}
	return from_first ? first + (int)distance : last - (int)distance;
}

int signal_from_name(const char *name)
{
	uint64_t number;

	if (text_is_empty(name))
		return -EINVAL;
	/* The two between the last ordinary one and SIGRTMIN are the C library's own, and have no name. */
	if (*name >= '0' && *name <= '9')
		return !text_to_uint64(name, &number) && number < _NSIG && signal_name((int)number) ? (int)number
												    : -EINVAL;
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!strcasecmp(name, names[i].name + 3))
			return names[i].number;
	}
	return realtime_from_name(name);
}

const char *signal_name(int number)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (names[i].number == number)
			return names[i].name;
	}
	if (number >= SIGRTMIN && number <= SIGRTMAX && (size_t)(number - SIGRTMIN) < COUNT(realtime))
		return realtime[number - SIGRTMIN];
	return NULL;
}
