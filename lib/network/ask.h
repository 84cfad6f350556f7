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
	bool early;          /* the pod's namespace is made only until network_asking_go */
	int64_t patience;    /* milliseconds at most; 0: as long as plugins are ever given */
	const cJSON *record;
};

/* Of a question that somebody waits for who changes nothing. */
#define NETWORK_PATIENCE 5000

/* Runs the helper. What it answers is in `answer`; where it failed, the call says what the plugin said, and *undone
 * that nothing is left of it. When the call ends early, the helper is given the time to undo. */
int network_question_ask(cri_engine *engine, const struct network_question *question, cJSON **answer, bool *undone,
			 cri_call *call);

/* The same in parts. What is started must be ended, or given up. */
struct network_asking {
	int control, pidfd, request, reply;
	int64_t timeout; /* milliseconds; 0: it has not been asked yet */
};
#define NETWORK_ASKING_NOTHING                                                                                         \
	{                                                                                                              \
		.control = -1, .pidfd = -1, .request = -1, .reply = -1                                                 \
	}

/* Starts the helper, which does nothing until it is asked. */
int network_asking_start(cri_engine *engine, struct network_asking *asking, cri_call *call);
int network_asking_ask(cri_engine *engine, const struct network_question *question, struct network_asking *asking,
		       cri_call *call);
/* The pod's namespace is there. */
void network_asking_go(const struct network_asking *asking);
int network_asking_end(struct network_asking *asking, cJSON **answer, bool *undone, cri_call *call);
/* Lets it undo what it did, waits for it, and says nothing. Nothing for one that was never started, or has ended. */
void network_asking_give_up(struct network_asking *asking, cri_call *call);

#endif
