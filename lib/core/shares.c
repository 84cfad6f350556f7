/* SPDX-License-Identifier: Apache-2.0 */
#include "core/shares.h"

#include "base/parallel.h"

struct share {
	cri_call call; /* of the one thread that has this share */
	cri_call first_failure;
	size_t failures;
	int result; /* below 0: no more */
};

struct looking {
	cri_engine *engine;
	const struct shares *shares;
	void *context;
	bool *seen;
	struct share of[PARALLEL_WORKERS];
};

static void look_at_one(void *context, size_t worker, size_t index)
{
	struct looking *looking = context;
	struct share *share = &looking->of[worker];
	int result;

	if (share->result < 0)
		return;
	call_clear(&share->call);
	call_object(&share->call, "%s %s", looking->shares->what, looking->shares->id(looking->context, index));
	result = looking->shares->look(looking->engine, looking->context, index, &share->call);
	looking->seen[index] = result >= 0;
	if (result == CRI_ENOMEM || result == CRI_ETIMEDOUT || result == CRI_ECANCELED)
		share->result = result;
	else if (result < 0 && !share->failures++)
		share->first_failure = share->call;
}

/* In the caller's thread, which alone calls the program's log function. */
static int settle(const struct looking *looking, cri_call *call)
{
	int result = 0;

	for (size_t i = 0; i < PARALLEL_WORKERS; i++) {
		const struct share *share = &looking->of[i];

		if (share->failures)
			engine_log(looking->engine, CRI_LOG_WARNING,
				   "%zu times a %s cannot be looked at; the first: %s", share->failures,
				   looking->shares->what, cri_call_message(&share->first_failure));
		if (share->result < 0 && result == 0) {
			call_copy_failure(call, &share->call);
			result = share->result;
		}
	}
	return result;
}

int shares_look(cri_engine *engine, const struct shares *shares, void *context, size_t n, bool *seen, cri_call *call)
{
	struct looking looking = { .engine = engine, .shares = shares, .context = context, .seen = seen };

	for (size_t i = 0; i < PARALLEL_WORKERS; i++)
		call_init_thread(&looking.of[i].call, call);
	parallel_run(n, look_at_one, &looking);
	return settle(&looking, call);
}
