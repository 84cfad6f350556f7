/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

/* clock_gettime fails for unknown clocks and bad pointers only. */
static int64_t read_clock(clockid_t id)
{
	struct timespec now = { 0 };

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

int64_t clock_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}
