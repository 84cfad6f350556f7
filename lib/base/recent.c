/* SPDX-License-Identifier: Apache-2.0 */
#include "recent.h"

#include "clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64
#define SLOTS_MAX 65536
#define FORGOTTEN_AFTER (600 * NANOSECONDS_PER_SECOND)

struct slot {
	uint64_t key; /* 0: free; else one more than the caller's */
	int64_t asked_at;
	max_align_t record[];
};

struct recent {
	char *slots; /* open addressing, at most half full */
	size_t n_slots, n_used;
	size_t slot_size;
};

struct recent *recent_new(size_t size)
{
	struct recent *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return NULL;
	recent->slot_size = (sizeof(struct slot) + size + _Alignof(struct slot) - 1) & ~(_Alignof(struct slot) - 1);
	return recent;
}

void recent_free(struct recent *recent)
{
	if (!recent)
		return;
	free(recent->slots);
	free(recent);
}

static struct slot *slot_at(const struct recent *recent, size_t at)
{
	return (struct slot *)(void *)(recent->slots + at * recent->slot_size);
}

static struct slot *find(const struct recent *recent, uint64_t key)
{
	size_t at = (size_t)key & (recent->n_slots - 1);

	while (slot_at(recent, at)->key && slot_at(recent, at)->key != key)
		at = (at + 1) & (recent->n_slots - 1);
	return slot_at(recent, at);
}

static bool is_live(const struct slot *slot, int64_t now)
{
	return slot->key && now - slot->asked_at < FORGOTTEN_AFTER;
}

/* Makes room by leaving out what is old: all, where even that would be too much. */
static bool rebuild(struct recent *recent, int64_t now)
{
	struct recent made = { .n_slots = SLOTS_FIRST, .slot_size = recent->slot_size };
	size_t n_live = 0;

	for (size_t i = 0; i < recent->n_slots; i++)
		n_live += is_live(slot_at(recent, i), now);
	if (n_live >= SLOTS_MAX / 4)
		n_live = 0;
	while (made.n_slots < n_live * 4)
		made.n_slots *= 2;
	made.slots = calloc(made.n_slots, made.slot_size);
	if (!made.slots)
		return false;
	for (size_t i = 0; n_live && i < recent->n_slots; i++) {
		const struct slot *slot = slot_at(recent, i);

		if (!is_live(slot, now))
			continue;
		memcpy(find(&made, slot->key), slot, made.slot_size);
		made.n_used++;
	}
	free(recent->slots);
	*recent = made;
	return true;
}

void *recent_find(struct recent *recent, uint64_t key, int64_t now)
{
	struct slot *slot;

	if (recent->n_used * 2 >= recent->n_slots && !rebuild(recent, now))
		return NULL;
	slot = find(recent, key + 1);
	recent->n_used += !slot->key;
	slot->key = key + 1;
	slot->asked_at = now;
	return slot->record;
}
