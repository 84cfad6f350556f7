/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errno for code that may go on in another thread.
 *
 * glibc declares __errno_location() with attribute const: a compiler may call it once and use the address to the end of
 * the function, also after a call_wait (core/call.h) that came back in another thread. Called through a pointer that
 * the compiler cannot see through, it is asked every time.
 */
#ifndef LIBCRI_BASE_THREAD_ERRNO_H
#define LIBCRI_BASE_THREAD_ERRNO_H

#include <errno.h>

static inline int *errno_location(void)
{
	int *(*location)(void) = __errno_location;

	__asm__("" : "+r"(location));
	return location();
}

#undef errno
#define errno (*errno_location())

#endif
