/* SPDX-License-Identifier: Apache-2.0 */
/* Asking cri-network. */
#ifndef LIBCRI_NETWORK_ASK_H
#define LIBCRI_NETWORK_ASK_H

#include "base/json.h"
#include "core/engine.h"

struct network_question {
	const char *command; /* "ADD" */
	const char *id;      /* the pod's */
	const char *netns;   /* "": it is gone */
	int64_t patience;    /* milliseconds at most; 0: as long as plugins are ever given */
	const cJSON *record;
};

/* Of a question that somebody waits for who changes nothing. */
#define NETWORK_PATIENCE 5000

/* Runs the helper. What it answers is in `answer`; where it failed, the call says what the plugin said, and *undone
 * that nothing is left of it. When the call ends early, the helper is given the time to undo. */
int network_question_ask(cri_engine *engine, const struct network_question *question, cJSON **answer, bool *undone,
			 cri_call *call);

#endif
