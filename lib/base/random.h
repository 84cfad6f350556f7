/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_BASE_RANDOM_H
#define LIBCRI_BASE_RANDOM_H

#include <stddef.h>

#define ID_LENGTH 64 /* hex digits of a sandbox's or container's id */

/* Bytes from getrandom(2). 0 or -errno. */
int random_bytes(void *bytes, size_t length);

/* A new id: ID_LENGTH hex digits and a NUL. */
int random_id(char id[ID_LENGTH + 1]);

#endif
