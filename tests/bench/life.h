/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's life, each step of it timed. */
#ifndef LIBCRI_TESTS_BENCH_LIFE_H
#define LIBCRI_TESTS_BENCH_LIFE_H

#include "libcri/libcri.h"

#include "samples.h"

#define BENCH_IMAGE "docker.io/library/busybox:latest"

enum step { RUN, CREATE, START, UP, EXEC, STATUS, STOP, REMOVE, STOP_POD, REMOVE_POD, CYCLE, N_STEPS };

struct life {
	struct samples steps[N_STEPS];
	struct samples floor_up, floor_cycle;
};

/* Ends the program with the call's failure, when there is one. */
void bench_check(int result, const cri_call *call, const char *what);

/* Each returns an id to be freed with cri_free. */
char *bench_run_sandbox(cri_engine *engine, const char *name, unsigned attempt, cri_call *call);
char *bench_create(cri_engine *engine, const char *sandbox, cri_call *call);
/* A sandbox with one started container: the sandbox. */
char *bench_up(cri_engine *engine, const char *name, unsigned attempt, cri_call *call);

/* Adds the milliseconds since `since` to the samples; now. */
double bench_lap(struct samples *samples, double since);

/* One life from run to remove; life NULL: not timed, and without exec and status. */
void bench_life(cri_engine *engine, const char *name, unsigned number, struct life *life, cri_call *call);

/* A life after the floor's, n times, and a table of both. */
void bench_lives(cri_engine *engine, const char *lower, const char *scratch, int n, const char *title, cri_call *call);

#endif
