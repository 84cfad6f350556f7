/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/usage_rates.h"

#include "base/clock.h"
#include "base/lock.h"

#define LEAST_TIME (100 * NANOSECONDS_PER_MILLISECOND)

struct usage_look {
	uint64_t nanoseconds, rate;
	int64_t at; /* 0: there was none */
	bool has_rate;
};

struct recent *usage_rates_new(void)
{
	return recent_new(sizeof(struct usage_look));
}

bool usage_rates_look(struct recent *rates, const char *path, uint64_t nanoseconds, int64_t now, uint64_t *rate)
{
	struct usage_look *look = recent_find(rates, lock_byte(path), now);

	if (!look)
		return false;
	if (!look->at || nanoseconds < look->nanoseconds || now < look->at) {
		*look = (struct usage_look){ .nanoseconds = nanoseconds, .at = now };
	} else if (now - look->at >= LEAST_TIME) {
		look->rate = (uint64_t)((double)(nanoseconds - look->nanoseconds) * 1e9 / (double)(now - look->at));
		look->has_rate = true;
		look->nanoseconds = nanoseconds;
		look->at = now;
	}
	*rate = look->rate;
	return look->has_rate;
}
