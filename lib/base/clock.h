/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, in nanoseconds. Deadlines and durations use the boot clock, which also runs while the machine sleeps. */
#ifndef LIBCRI_BASE_CLOCK_H
#define LIBCRI_BASE_CLOCK_H

#include <stdint.h>

#define NANOSECONDS_PER_SECOND INT64_C(1000000000)
#define NANOSECONDS_PER_MILLISECOND INT64_C(1000000)

int64_t clock_boot(void); /* CLOCK_BOOTTIME */
int64_t clock_wall(void); /* CLOCK_REALTIME, since 1970 */

#endif
