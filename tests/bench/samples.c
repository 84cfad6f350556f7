/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double now_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void samples_add(struct samples *samples, double milliseconds)
{
	if (samples->n == samples->capacity) {
		samples->capacity = samples->capacity ? samples->capacity * 2 : 64;
		samples->milliseconds =
			reallocarray(samples->milliseconds, samples->capacity, sizeof(*samples->milliseconds));
		if (!samples->milliseconds)
			abort();
	}
	samples->milliseconds[samples->n++] = milliseconds;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_percentile(struct samples *samples, double percent)
{
	size_t at;

	if (!samples->n)
		return 0;
	qsort(samples->milliseconds, samples->n, sizeof(*samples->milliseconds), compare);
	at = (size_t)((double)samples->n * percent / 100);
	return samples->milliseconds[at < samples->n ? at : samples->n - 1];
}

void samples_clear(struct samples *samples)
{
	samples->n = 0;
}

void samples_free(struct samples *samples)
{
	free(samples->milliseconds);
	*samples = (struct samples){ 0 };
}

void samples_print_head(const char *title)
{
	printf("\n%s\n%-24s %8s %8s   %15s  %s\n", title, "", "p50 ms", "p95 ms", "times the floor", "budget");
}

static void print_verdict(const char *what, double value, double limit, const char *unit)
{
	if (limit > 0)
		printf("  %s %g %s: %s", what, limit, unit, value <= limit ? "met" : "MISSED");
}

void samples_print(const char *name, struct samples *samples, struct samples *floor, const struct budget *budget)
{
	static const struct budget none = { 0 };
	double p50 = samples_percentile(samples, 50), p95 = samples_percentile(samples, 95);
	double times_p50 = 0, times_p95 = 0;

	budget = budget ? budget : &none;
	printf("%-24s %8.2f %8.2f", name, p50, p95);
	if (floor && floor->n) {
		times_p50 = p50 / samples_percentile(floor, 50);
		times_p95 = p95 / samples_percentile(floor, 95);
		printf("   %6.2fx %6.2fx", times_p50, times_p95);
	} else {
		printf("   %7s %7s", "", "");
	}
	print_verdict("p50", p50, budget->p50, "ms");
	if (times_p50 > 0) {
		print_verdict("p50", times_p50, budget->times_floor_p50, "floors");
		print_verdict("p95", times_p95, budget->times_floor_p95, "floors");
	}
	printf("\n");
}
