/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of a process, from the container's own devpts. */
#ifndef LIBCRI_HELPERS_INIT_TERMINAL_H
#define LIBCRI_HELPERS_INIT_TERMINAL_H

#include "failure.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes a terminal, a session of which it is the controlling one, and descriptors 0 to 2 of it; it belongs to `uid`.
 * With `console` it also appears as /dev/console. *master_fd is the other side. The container's files are untrusted:
 * what is opened is certainly in a devpts, or nothing is opened.
 */
int terminal_make(int root_fd, uint32_t uid, bool console, int *master_fd, struct failure *failure);

#endif
