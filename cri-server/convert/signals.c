/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/convert.h"

#include <string.h>

/* By the numbers of the CRI's enum, in the names that libcri takes. */
static const char *const names[] = {
	"",
	"SIGABRT",
	"SIGALRM",
	"SIGBUS",
	"SIGCHLD",
	"SIGCLD",
	"SIGCONT",
	"SIGFPE",
	"SIGHUP",
	"SIGILL",
	"SIGINT",
	"SIGIO",
	"SIGIOT",
	"SIGKILL",
	"SIGPIPE",
	"SIGPOLL",
	"SIGPROF",
	"SIGPWR",
	"SIGQUIT",
	"SIGSEGV",
	"SIGSTKFLT",
	"SIGSTOP",
	"SIGSYS",
	"SIGTERM",
	"SIGTRAP",
	"SIGTSTP",
	"SIGTTIN",
	"SIGTTOU",
	"SIGURG",
	"SIGUSR1",
	"SIGUSR2",
	"SIGVTALRM",
	"SIGWINCH",
	"SIGXCPU",
	"SIGXFSZ",
	"SIGRTMIN",
	"SIGRTMIN+1",
	"SIGRTMIN+2",
	"SIGRTMIN+3",
	"SIGRTMIN+4",
	"SIGRTMIN+5",
	"SIGRTMIN+6",
	"SIGRTMIN+7",
	"SIGRTMIN+8",
	"SIGRTMIN+9",
	"SIGRTMIN+10",
	"SIGRTMIN+11",
	"SIGRTMIN+12",
	"SIGRTMIN+13",
	"SIGRTMIN+14",
	"SIGRTMIN+15",
	"SIGRTMAX-14",
	"SIGRTMAX-13",
	"SIGRTMAX-12",
	"SIGRTMAX-11",
	"SIGRTMAX-10",
	"SIGRTMAX-9",
	"SIGRTMAX-8",
	"SIGRTMAX-7",
	"SIGRTMAX-6",
	"SIGRTMAX-5",
	"SIGRTMAX-4",
	"SIGRTMAX-3",
	"SIGRTMAX-2",
	"SIGRTMAX-1",
	"SIGRTMAX",
};

#define COUNT (sizeof(names) / sizeof(*names))

/* SIGRTMIN+n up to 15; what is above that, libcri also counts from SIGRTMIN, and the CRI from SIGRTMAX. */
#define REALTIME_DISTANCE 30

const char *signal_from_wire(Cri__Signal signal)
{
	return (unsigned int)signal < COUNT ? names[signal] : NULL;
}

Cri__Signal signal_to_wire(const char *name)
{
	static const char first[] = "SIGRTMIN+";

	if (!name || !*name)
		return CRI__SIGNAL__SIGNAL_RUNTIME_DEFAULT;
	for (size_t i = 1; i < COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return (Cri__Signal)i;
	if (strncmp(name, first, sizeof(first) - 1) == 0) {
		const char *digits = name + sizeof(first) - 1;
		unsigned int distance = 0;

		for (; *digits >= '0' && *digits <= '9' && distance <= REALTIME_DISTANCE; digits++)
			distance = distance * 10 + (unsigned int)(*digits - '0');
		if (!*digits && distance > 15 && distance <= REALTIME_DISTANCE)
			return (Cri__Signal)(CRI__SIGNAL__SIGNAL_SIGRTMAX - (REALTIME_DISTANCE - distance));
	}
	return CRI__SIGNAL__SIGNAL_RUNTIME_DEFAULT;
}
