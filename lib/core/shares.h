/* SPDX-License-Identifier: Apache-2.0 */
/* How the threads of a parallel_run fare that look at many objects for one call: an object that cannot be looked at,
 * because it is just being removed, or its disk is ill, hides no other. */
#ifndef LIBCRI_CORE_SHARES_H
#define LIBCRI_CORE_SHARES_H

#include "base/parallel.h"
#include "core/engine.h"

struct share {
	cri_call call; /* of the one thread that has this share */
	cri_call first_failure;
	size_t failures;
	int result; /* below 0: no more */
};

void shares_begin(struct share shares[PARALLEL_WORKERS], const cri_call *call);

/* The call for the next object, "container 3f2a…"; NULL: no more. */
cri_call *share_call(struct share *share, const char *what, const char *id);

/* Notes what became of it: no memory, a deadline and a cancellation end all. True: it was good. */
bool share_note(struct share *share, int result);

/* In the caller's thread, which alone calls the program's log function. 0, or what ended all, described in `call`. */
int shares_end(cri_engine *engine, const struct share shares[PARALLEL_WORKERS], const char *what, cri_call *call);

#endif
