/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people, from parts that may be anybody's: always one line of valid UTF-8. */
#ifndef LIBCRI_CORE_MESSAGE_H
#define LIBCRI_CORE_MESSAGE_H

#include <stdarg.h>
#include <stddef.h>

/* vsnprintf, cut at a whole character. Control characters become blanks; in a text that is no UTF-8, every byte that is
 * no ASCII becomes '?'. Answers the length. */
size_t message_format(char *text, size_t size, const char *format, va_list arguments);

#endif
