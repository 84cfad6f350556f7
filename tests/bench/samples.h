/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of a step, and what is said about them. */
#ifndef LIBCRI_TESTS_BENCH_SAMPLES_H
#define LIBCRI_TESTS_BENCH_SAMPLES_H

#include <stddef.h>

struct samples {
	double *milliseconds;
	size_t n, capacity;
};

/* What a step may take. 0: no such budget. */
struct budget {
	double p50;             /* milliseconds */
	double times_floor_p50; /* of the floor of the same run */
	double times_floor_p95;
};

double now_milliseconds(void); /* CLOCK_MONOTONIC */
void samples_add(struct samples *samples, double milliseconds);
double samples_percentile(struct samples *samples, double percent);
void samples_clear(struct samples *samples);
void samples_free(struct samples *samples);

/* The table's head, then one row a step. floor and budget may be NULL. */
void samples_print_head(const char *title);
void samples_print(const char *name, struct samples *samples, struct samples *floor, const struct budget *budget);

#endif
