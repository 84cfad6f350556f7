/* SPDX-License-Identifier: Apache-2.0 */
/* A helper gives up what it does not need, before it reads the first byte that it cannot trust. */
#ifndef LIBCRI_HELPERS_CONFINE_H
#define LIBCRI_HELPERS_CONFINE_H

#include <stddef.h>
#include <stdint.h>

/* Keeps the capabilities of the mask, where the process has them, and loses all others for good: bounding, ambient and
 * inheritable sets are emptied. 0 or -errno. */
int confine_capabilities(uint64_t keep);

/* No program started later gets privileges, no system call but those of the list works: the others answer ENOSYS, so
 * that a C library newer than the list falls back to what it knows. For this thread and those it starts; final.
 * 0 or -errno. */
int confine_system_calls(const int *allowed, size_t n_allowed);

/* Limits: memory (0: none), open files, no core dump. 0 or -errno. */
int confine_resources(uint64_t memory, unsigned files);

#endif
