/* SPDX-License-Identifier: Apache-2.0 */
#include "core/shares.h"

void shares_begin(struct share shares[PARALLEL_WORKERS], const cri_call *call)
{
	for (size_t i = 0; i < PARALLEL_WORKERS; i++) {
		call_init_thread(&shares[i].call, call);
		shares[i].failures = 0;
		shares[i].result = 0;
	}
}

cri_call *share_call(struct share *share, const char *what, const char *id)
{
	if (share->result < 0)
		return NULL;
	call_clear(&share->call);
	call_object(&share->call, "%s %s", what, id);
	return &share->call;
}

bool share_note(struct share *share, int result)
{
	if (result == CRI_ENOMEM || result == CRI_ETIMEDOUT || result == CRI_ECANCELED)
		share->result = result;
	else if (result < 0 && !share->failures++)
		share->first_failure = share->call;
	return result >= 0;
}

int shares_end(cri_engine *engine, const struct share shares[PARALLEL_WORKERS], const char *what, cri_call *call)
{
	int result = 0;

	for (size_t i = 0; i < PARALLEL_WORKERS; i++) {
		if (shares[i].failures)
			engine_log(engine, CRI_LOG_WARNING, "%zu times %s cannot be looked at; the first: %s",
				   shares[i].failures, what, cri_call_message(&shares[i].first_failure));
		if (shares[i].result < 0 && result == 0) {
			call_copy_failure(call, &shares[i].call);
			result = shares[i].result;
		}
	}
	return result;
}
