/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images, as the distribution specification and Docker write them. */
#ifndef LIBCRI_IMAGE_REFERENCE_H
#define LIBCRI_IMAGE_REFERENCE_H

#include "base/arena.h"
#include "core/call.h"

#include <stdbool.h>

/* A reference taken apart; "docker.io" and "library/" are filled in. Texts in the arena. */
struct reference {
	const char *host;       /* "docker.io", "localhost:5000" */
	const char *path;       /* "library/busybox" */
	const char *repository; /* host/path */
	const char *tag;        /* "latest" if neither tag nor digest was given; "" beside a digest */
	const char *digest;     /* "sha256:…" or "" */
};

/* CRI_EINVAL says what is malformed. */
int reference_parse(struct arena *arena, const char *text, struct reference *reference, cri_call *call);

/* "sha256:" and 64 lower-case hex digits. */
bool digest_is_valid(const char *text);

/* Hex digits, with or without "sha256:", that may begin an image's id. */
bool reference_may_be_id(const char *text);

#endif
