/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: deadline, cancellation, and the description of a failure. */
#include "core/call.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

void call_init(cri_call *call)
{
	memset(call, 0, sizeof(*call));
	call->deadline = CALL_NO_DEADLINE;
	call->cancel_fd = -1;
}

void call_init_child(cri_call *call, const cri_call *parent)
{
	call_init(call);
	call->deadline = parent->deadline;
	call->cancel_fd = parent->cancel_fd;
	call->shields = parent->shields;
	call->shield_deadline = parent->shield_deadline;
	call->op = parent->op;
}

void call_init_thread(cri_call *call, const cri_call *parent)
{
	call_init_child(call, parent);
	call->op = NULL;
}

int cri_call_new(cri_call **call)
{
	if (!call)
		return CRI_EINVAL;
	cri_call *made = malloc(sizeof(*made));

	if (!made)
		return CRI_ENOMEM;
	call_init(made);
	made->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made->cancel_fd < 0) {
		free(made);
		return CRI_ENOMEM;
	}
	*call = made;
	return 0;
}

void cri_call_free(cri_call *call)
{
	if (!call)
		return;
	close(call->cancel_fd);
	free(call);
}

void cri_call_set_timeout(cri_call *call, int64_t milliseconds)
{
	int64_t passed;

	if (!call)
		return;
	if (milliseconds < 0 || __builtin_mul_overflow(milliseconds, NANOSECONDS_PER_MILLISECOND, &passed) ||
	    __builtin_add_overflow(clock_boot(), passed, &call->deadline))
		call->deadline = CALL_NO_DEADLINE;
}

/* In a signal handler: write(2) only, and errno as it was. A counter that is full was cancelled before. */
void cri_call_cancel(cri_call *call)
{
	const uint64_t one = 1;
	const int saved = errno;

	if (call && write(call->cancel_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void cri_call_reset(cri_call *call)
{
	uint64_t count;

	if (!call)
		return;
	/* EAGAIN: it was not cancelled. */
	if (read(call->cancel_fd, &count, sizeof(count)) < 0)
		count = 0;
	call->deadline = CALL_NO_DEADLINE;
}

int cri_call_code(const cri_call *call)
{
	return call ? call->code : 0;
}

const char *cri_call_message(const cri_call *call)
{
	return call && call->code ? call->message : "";
}

const char *cri_call_object(const cri_call *call)
{
	return call && call->code ? call->object : "";
}

const char *cri_call_step(const cri_call *call)
{
	return call && call->code ? call->step : "";
}

int cri_call_errno(const cri_call *call)
{
	return call ? call->error : 0;
}

void call_clear(cri_call *call)
{
	call->code = 0;
	call->error = 0;
	call->step[0] = '\0';
	call->message[0] = '\0';
}

void call_copy_failure(cri_call *to, const cri_call *from)
{
	to->code = from->code;
	to->error = from->error;
	memcpy(to->object, from->object, sizeof(to->object));
	memcpy(to->step, from->step, sizeof(to->step));
	memcpy(to->message, from->message, sizeof(to->message));
}

void call_object(cri_call *call, const char *format, ...)
{
	va_list arguments;

	/* The failure that is kept was about another one. */
	if (call->code)
		return;
	va_start(arguments, format);
	message_format(call->object, sizeof(call->object), format, arguments);
	va_end(arguments);
}

void call_object_id(cri_call *call, const char *what, const char *id)
{
	if (text_is_empty(id))
		call_object(call, "%s", what);
	else
		call_object(call, "%s %s", what, id);
}

__attribute__((format(printf, 3, 4))) static void print(char *text, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message_format(text, size, format, arguments);
	va_end(arguments);
}

static void describe(cri_call *call, int code, int error, const char *step, const char *format, va_list arguments)
{
	const char *cause = error ? strerrordesc_np(error) : NULL;
	char text[sizeof(call->message)];

	if (call->code)
		return;
	message_format(text, sizeof(text), format, arguments);
	call->code = code;
	call->error = error;
	print(call->step, sizeof(call->step), "%s", step);
	print(call->message, sizeof(call->message), "%s%s%s: %s%s%s", call->object, call->object[0] ? ": " : "", step,
	      text, cause ? ": " : "", cause ? cause : "");
}

int call_fail(cri_call *call, int code, const char *step, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	describe(call, code, 0, step, format, arguments);
	va_end(arguments);
	return code;
}

static int code_of_errno(int error)
{
	switch (error) {
	case ENOENT:
		return CRI_ENOTFOUND;
	case ENOSPC:
	case EDQUOT:
		return CRI_EEXHAUSTED;
	case EPERM:
	case EACCES:
		return CRI_EPERM;
	case ENOMEM:
		return CRI_ENOMEM;
	default:
		return CRI_EINTERNAL;
	}
}

int call_fail_errno(cri_call *call, int error, const char *step, const char *format, ...)
{
	va_list arguments;
	int code;

	if (error < 0)
		error = -error;
	code = code_of_errno(error);
	va_start(arguments, format);
	describe(call, code, error, step, format, arguments);
	va_end(arguments);
	return code;
}

int call_no_memory(cri_call *call, const char *step)
{
	return call_fail(call, CRI_ENOMEM, step, "memory ran out");
}
