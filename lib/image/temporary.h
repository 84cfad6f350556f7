/* SPDX-License-Identifier: Apache-2.0 */
/* Directories in <root>/tmp, each with a lock that its user holds: what a killed program left is found at open. */
#ifndef LIBCRI_IMAGE_TEMPORARY_H
#define LIBCRI_IMAGE_TEMPORARY_H

#include "core/engine.h"

#include <limits.h>

struct temporary {
	char path[PATH_MAX]; /* "": none */
	char id[20];
	int lock;
};
#define TEMPORARY_NONE                                                                                                 \
	{                                                                                                              \
		.lock = -1                                                                                             \
	}

int temporary_make(cri_engine *engine, struct temporary *temporary, cri_call *call);
/* Removes it, if it was made. What cannot be removed is found again at the next open. */
void temporary_remove(cri_engine *engine, struct temporary *temporary);
/* At open: one that nobody uses any more is removed, and so is the cgroup that it names (image/charge.h). */
int temporary_recover(cri_engine *engine, const char *id, cri_call *call);

#endif
