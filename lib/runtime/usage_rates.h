/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast cgroups use processor time, from one look to the next. The kernel only counts; a rate needs two looks, and
 * those of this engine are remembered here. That is no second truth: each rate is right for the time that it is of,
 * whoever else looks meanwhile.
 */
#ifndef LIBCRI_RUNTIME_USAGE_RATES_H
#define LIBCRI_RUNTIME_USAGE_RATES_H

#include "base/recent.h"

#include <stdbool.h>

/* NULL: memory ran out. */
struct recent *usage_rates_new(void);

/*
 * Notes that the cgroup `path` had used `nanoseconds` at `now` (clock_boot). True: *rate is in nanoseconds a second
 * since the look before, or, if that was less than a tenth of a second ago, what was answered then. What nobody looked
 * at for ten minutes is forgotten when room is needed. Not known either when memory runs out. One thread at a time.
 */
bool usage_rates_look(struct recent *rates, const char *path, uint64_t nanoseconds, int64_t now, uint64_t *rate);

#endif
