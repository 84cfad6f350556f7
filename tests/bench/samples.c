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

void samples_free(struct samples *samples)
{
	free(samples->milliseconds);
	samples->milliseconds = NULL;
	samples->n = samples->capacity = 0;
}

void samples_print(struct samples *samples, struct samples *floor, double budget)
{
	double p50 = samples_percentile(samples, 50), p95 = samples_percentile(samples, 95);

	printf("%-34s %8.2f %8.2f", samples->name, p50, p95);
	if (floor && floor->n)
		printf("  %5.2fx %5.2fx", p50 / samples_percentile(floor, 50), p95 / samples_percentile(floor, 95));
	else
		printf("  %6s %6s", "", "");
	if (budget > 0)
		printf("  %6.2f %s", budget, p50 <= budget ? "met" : "MISSED");
	printf("\n");
}
