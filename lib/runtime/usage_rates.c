/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/usage_rates.h"

#include "base/clock.h"
#include "base/lock.h"

#include <stdlib.h>

#define SLOTS_FIRST 64
#define SLOTS_MAX 65536
#define LEAST_TIME (100 * NANOSECONDS_PER_MILLISECOND)
#define FORGOTTEN_AFTER (600000 * NANOSECONDS_PER_MILLISECOND)

struct usage_look {
	uint64_t key; /* 0: free */
	uint64_t nanoseconds, rate;
	int64_t at;
	bool has_rate;
};

struct usage_rates {
	struct usage_look *looks; /* open addressing, at most half full */
	size_t n_slots, n_used;
};

struct usage_rates *usage_rates_new(void)
{
	return calloc(1, sizeof(struct usage_rates));
}

void usage_rates_free(struct usage_rates *rates)
{
	if (!rates)
		return;
	free(rates->looks);
	free(rates);
}

static struct usage_look *find(const struct usage_rates *rates, uint64_t key)
{
	size_t at = (size_t)key & (rates->n_slots - 1);

	while (rates->looks[at].key && rates->looks[at].key != key)
		at = (at + 1) & (rates->n_slots - 1);
	return &rates->looks[at];
}

/* Makes room by leaving out what is old: all, where even that would be too much. */
static bool rebuild(struct usage_rates *rates, int64_t now)
{
	struct usage_rates made = { .n_slots = SLOTS_FIRST };
	size_t n_live = 0;

	for (size_t i = 0; i < rates->n_slots; i++)
		n_live += rates->looks[i].key && now - rates->looks[i].at < FORGOTTEN_AFTER;
	if (n_live >= SLOTS_MAX / 4)
		n_live = 0;
	while (made.n_slots < n_live * 4)
		made.n_slots *= 2;
	made.looks = calloc(made.n_slots, sizeof(*made.looks));
	if (!made.looks)
		return false;
	for (size_t i = 0; n_live && i < rates->n_slots; i++) {
		const struct usage_look *look = &rates->looks[i];

		if (!look->key || now - look->at >= FORGOTTEN_AFTER)
			continue;
		*find(&made, look->key) = *look;
		made.n_used++;
	}
	free(rates->looks);
	*rates = made;
	return true;
}

bool usage_rates_look(struct usage_rates *rates, const char *path, uint64_t nanoseconds, int64_t now, uint64_t *rate)
{
	uint64_t key = lock_byte(path) + 1;
	struct usage_look *look;

	if (rates->n_used * 2 >= rates->n_slots && !rebuild(rates, now))
		return false;
	look = find(rates, key);
	if (!look->key || nanoseconds < look->nanoseconds || now < look->at) {
		rates->n_used += !look->key;
		*look = (struct usage_look){ .key = key, .nanoseconds = nanoseconds, .at = now };
	} else if (now - look->at >= LEAST_TIME) {
		look->rate = (uint64_t)((double)(nanoseconds - look->nanoseconds) * 1e9 / (double)(now - look->at));
		look->has_rate = true;
		look->nanoseconds = nanoseconds;
		look->at = now;
	}
	*rate = look->rate;
	return look->has_rate;
}
