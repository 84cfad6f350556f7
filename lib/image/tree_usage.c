/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree_usage.h"

#include "base/fs.h"
#include "base/lock.h"
#include "base/recent.h"
#include "image/filesystem.h"

#include <fcntl.h>

static const char step[] = "measure a directory";

#define SHARE 4

struct look {
	int64_t at, took;  /* clock_boot; `at` is 0 when there was none */
	int64_t timestamp; /* clock_wall */
	uint64_t bytes, inodes;
	bool known;
};

struct limit {
	cri_call *call;
	int64_t until;
};

static bool goes_on(void *context)
{
	const struct limit *limit = context;

	return clock_boot() < limit->until && call_goes_on(limit->call);
}

/* The record of a directory, with engine->settings held; NULL: memory ran out, and nothing is remembered. */
static struct look *find(cri_engine *engine, const char *path, int64_t now)
{
	if (!engine->walks)
		engine->walks = recent_new(sizeof(struct look));
	return engine->walks ? recent_find(engine->walks, lock_byte(path), now) : NULL;
}

static bool recall(cri_engine *engine, const char *path, struct look *look)
{
	const int64_t now = clock_boot();
	const struct look *seen;
	int64_t age;

	pthread_mutex_lock(&engine->settings);
	seen = find(engine, path, now);
	*look = seen ? *seen : (struct look){ 0 };
	pthread_mutex_unlock(&engine->settings);
	age = look->took * TREE_USAGE_AGE_TIMES;
	if (age < TREE_USAGE_AGE)
		age = TREE_USAGE_AGE;
	return look->at && now - look->at < age;
}

static void remember(cri_engine *engine, const char *path, const struct look *look)
{
	struct look *seen;

	pthread_mutex_lock(&engine->settings);
	seen = find(engine, path, look->at);
	if (seen)
		*seen = *look;
	pthread_mutex_unlock(&engine->settings);
}

int64_t tree_patience_milliseconds(struct tree_patience patience)
{
	int64_t left;

	if (!patience.budget)
		return patience.most;
	left = TREE_BUDGET - patience.budget->spent / NANOSECONDS_PER_MILLISECOND;
	if (left < TREE_LEAST)
		left = TREE_LEAST;
	return left < patience.most ? left : patience.most;
}

/* `lasting`: the next look would come to the same. */
static int walk(const char *path, struct tree_patience patience, struct look *look, bool *lasting, cri_call *call)
{
	const int64_t most = tree_patience_milliseconds(patience);
	const int64_t allowed = call_remaining(call, most * SHARE) / SHARE;
	const int64_t begun = clock_boot();
	struct limit limit = { call, begun + allowed * NANOSECONDS_PER_MILLISECOND };
	int error;

	*look = (struct look){ .timestamp = clock_wall() };
	error = fs_tree_usage(AT_FDCWD, path, goes_on, &limit, &look->bytes, &look->inodes);
	look->at = clock_boot();
	look->took = look->at - begun;
	if (patience.budget)
		patience.budget->spent += look->took;
	look->known = error == 0 || error == -ENOENT;
	/* Who had less time than others have does not speak for them. */
	*lasting = error == 0 || error == -ELOOP || (error == -ECANCELED && allowed == most);
	if (error == -ECANCELED)
		return call_check(call, step);
	return look->known || error == -ELOOP ? 0 : call_fail_errno(call, error, step, "%s", path);
}

int tree_usage(cri_engine *engine, const char *path, struct tree_patience patience, cri_filesystem_usage *usage,
	       cri_call *call)
{
	cri_filesystem_usage made = { 0 };
	struct look look = { 0 };
	bool lasting = false;
	int result = filesystem_of_root(engine, &made.mountpoint, &made.uuid, call);

	if (result == 0 && !(patience.recent && recall(engine, path, &look)))
		result = walk(path, patience, &look, &lasting, call);
	if (result < 0)
		return result;
	if (lasting)
		remember(engine, path, &look);
	made.timestamp = look.timestamp;
	made.known = look.known;
	made.used_bytes = look.bytes;
	made.inodes_used = look.inodes;
	*usage = made;
	return 0;
}
