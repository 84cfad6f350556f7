/* SPDX-License-Identifier: Apache-2.0 */
/* Names of enum values and of CRI's signals, sizes of members, and the place of a value in texts. */
#include "config/table.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t config_member_size(const struct config_field *field)
{
	switch ((enum config_kind)field->kind) {
	case CONFIG_BOOL:
	case CONFIG_ZERO_IS_MEANT:
		return sizeof(bool);
	case CONFIG_INT32:
	case CONFIG_UINT32:
		return sizeof(uint32_t);
	case CONFIG_INT64:
	case CONFIG_UINT64:
		return sizeof(uint64_t);
	case CONFIG_UINT16:
		return sizeof(uint16_t);
	case CONFIG_ENUM:
		return sizeof(cri_namespace_mode);
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
	case CONFIG_STRUCT:
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
	case CONFIG_MAP:
	case CONFIG_OPAQUE:
		return sizeof(void *);
	case CONFIG_UNSUPPORTED:
		break;
	}
	return 0;
}

const char *config_enum_name(const struct config_name *names, int value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

/* CRI Signal numbers its signals alphabetically: index 1 is SIGABRT. Another name of the same signal is written as its
 * common one. */
static const char *const signals[] = {
	"",
	"SIGABRT",
	"SIGALRM",
	"SIGBUS",
	"SIGCHLD",
	"SIGCHLD",
	"SIGCONT",
	"SIGFPE",
	"SIGHUP",
	"SIGILL",
	"SIGINT",
	"SIGIO",
	"SIGABRT",
	"SIGKILL",
	"SIGPIPE",
	"SIGIO",
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
#define N_SIGNALS ((int)(sizeof(signals) / sizeof(signals[0])))
_Static_assert(sizeof(signals) / sizeof(signals[0]) == 66, "CRI Signal ends with SIGNAL_SIGRTMAX = 65");

const char *config_signal_of_number(int64_t number)
{
	return number >= 0 && number < N_SIGNALS ? signals[number] : NULL;
}

/* Whether `name`, "SIGRTMINPLUS1", is CRI's spelling of `signal`, "SIGRTMIN+1". */
static bool is_spelled(const char *name, const char *signal)
{
	size_t length = strcspn(signal, "+-");

	if (strncmp(name, signal, length) != 0)
		return false;
	name += length;
	signal += length;
	if (!*signal)
		return !*name;
	const char *word = *signal == '+' ? "PLUS" : "MINUS";
	return text_starts(name, word) && strcmp(name + strlen(word), signal + 1) == 0;
}

const char *config_signal_of_name(const char *name)
{
	static const char prefix[] = "SIGNAL_";

	if (!text_starts(name, prefix))
		return NULL;
	name += sizeof(prefix) - 1;
	if (strcmp(name, "RUNTIME_DEFAULT") == 0)
		return "";
	if (strcmp(name, "SIGCLD") == 0)
		return "SIGCHLD";
	if (strcmp(name, "SIGIOT") == 0)
		return "SIGABRT";
	if (strcmp(name, "SIGPOLL") == 0)
		return "SIGIO";
	for (int i = 1; i < N_SIGNALS; i++)
		if (is_spelled(name, signals[i]))
			return signals[i];
	return NULL;
}

int config_signal_number(const char *signal)
{
	for (int i = 0; i < N_SIGNALS; i++)
		if (strcmp(signal, signals[i]) == 0)
			return i;
	return -1;
}

/* Writes the place; a text that does not fit is cut. */
static size_t write_place(const struct config_place *place, char *text, size_t size)
{
	size_t length = 0;
	int n;

	if (place->parent)
		length = write_place(place->parent, text, size);
	if (length >= size)
		return length;
	n = snprintf(text + length, size - length, "%s%.*s", length ? "." : "", place->name_length, place->name);
	length += n > 0 ? (size_t)n : 0;
	if (!place->indexed || length >= size)
		return length;
	n = snprintf(text + length, size - length, "[%zu]", place->index);
	return length + (n > 0 ? (size_t)n : 0);
}

int config_fail(cri_call *call, int code, const struct config_place *place, const char *format, ...)
{
	char where[256] = "", text[256];
	va_list arguments;

	if (place)
		write_place(place, where, sizeof(where));
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return call_fail(call, code, "check config", "%s%s%s", where, *where ? ": " : "", text);
}
