/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function on a stack of its own, that can be left in the middle and gone on with later, by any thread. Whoever
 * enters it waits until it leaves: there is no other way to run.
 */
#ifndef LIBCRI_CORE_FIBER_H
#define LIBCRI_CORE_FIBER_H

#include "base/cleanup.h"

struct fiber;

typedef void (*fiber_function)(void *argument);

/* 0 or -errno. Nothing runs yet. */
int fiber_new(fiber_function function, void *argument, struct fiber **fiber);

/* Runs it until it leaves or its function returns; after that it must not be entered again. */
void fiber_enter(struct fiber *fiber);

/* From inside: back to whoever entered. Returns when it is entered again. */
void fiber_leave(struct fiber *fiber);

/* Not while it runs. What the function owns when it has not returned is lost. NULL is allowed. */
void fiber_free(struct fiber *fiber);

#endif
