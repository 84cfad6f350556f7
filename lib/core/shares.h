/* SPDX-License-Identifier: Apache-2.0 */
/* One call that looks at many objects, in its own thread and perhaps a second one (base/parallel.h). An object that
 * cannot be looked at, because it is just being removed, or its disk is ill, hides no other. */
#ifndef LIBCRI_CORE_SHARES_H
#define LIBCRI_CORE_SHARES_H

#include "core/engine.h"

struct shares {
	const char *what; /* "container" */
	const char *(*id)(const void *context, size_t index);
	int (*look)(cri_engine *engine, void *context, size_t index, cri_call *call); /* any thread */
};

/* Looks at each index below `n` and notes in `seen` which it was good for. How many others there are, and why the first
 * is one of them, is logged. No memory, a deadline and a cancellation end all: described in `call`. */
int shares_look(cri_engine *engine, const struct shares *shares, void *context, size_t n, bool *seen, cri_call *call);

#endif
