/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of a step, and what is said about them. */
#ifndef LIBCRI_TESTS_BENCH_SAMPLES_H
#define LIBCRI_TESTS_BENCH_SAMPLES_H

#include <stddef.h>

struct samples {
	const char *name;
	double *milliseconds;
	size_t n, capacity;
};

double now_milliseconds(void); /* CLOCK_MONOTONIC */
void samples_add(struct samples *samples, double milliseconds);
double samples_percentile(struct samples *samples, double percent);
void samples_free(struct samples *samples);

/* One row: name, p50, p95, and both as multiples of a floor's; budget in milliseconds, 0: none. */
void samples_print(struct samples *samples, struct samples *floor, double budget);

#endif
