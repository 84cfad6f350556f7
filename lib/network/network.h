/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's networks. What will be attached is recorded in the pod's row before it is made, so that it can be taken back
 * whatever dies in between.
 *
 * The record: { "args", "path", "inProcess", "attachments": [ {"interface","list","capabilities","result"} ],
 * "interfaces": [ {"interface","network","ips"} ] }; "{}" when nothing is attached.
 */
#ifndef LIBCRI_NETWORK_NETWORK_H
#define LIBCRI_NETWORK_NETWORK_H

#include "base/json.h"
#include "core/engine.h"
#include "network/ask.h"

#include <string.h>

/* A pod's record when nothing is attached. */
#define NETWORK_NOTHING "{}"

/* The bytes of a record. */
#define NETWORK_RECORD_MAX (4u << 20)

static inline bool network_is_recorded(const char *record)
{
	return strcmp(record, NETWORK_NOTHING) != 0;
}

/* A pod that is being attached. */
struct network_attaching {
	cJSON *record;
	struct network_asking asking;
};
#define NETWORK_ATTACHING_NOTHING                                                                                      \
	{                                                                                                              \
		.asking = NETWORK_ASKING_NOTHING                                                                       \
	}

/*
 * Attaches the pod to all its networks, or to none when one fails. Nothing with network_plugin NONE. Starting the
 * helper takes longer than all that it does, so that is begun before anything of the pod is there; it is told what to
 * do when the pod's row is committed, and does what does not need the pod's namespace, which will be at `netns_path`,
 * while that is being made. What is begun must be ended, when the namespace is there, or given up, which leaves the
 * record for network_detach.
 */
int network_attach_begin(cri_engine *engine, struct network_attaching *attaching, cri_call *call);
int network_attach(cri_engine *engine, const char *sandbox_id, const cri_sandbox_config *config, const char *netns_path,
		   struct network_attaching *attaching, cri_call *call);
int network_attach_end(cri_engine *engine, const char *sandbox_id, struct network_attaching *attaching, cri_call *call);
void network_attach_give_up(struct network_attaching *attaching, cri_call *call);

/* Takes back what the pod's record names. Idempotent; the namespace may be gone. */
int network_detach(cri_engine *engine, const char *sandbox_id, cri_call *call);

/* Asks the plugins whether all is as they left it; *problem is what they say, "" when it is or when they cannot tell.
 */
int network_check(cri_engine *engine, struct arena *arena, const char *sandbox_id, const char **problem,
		  cri_call *call);

/* Reads the configuration anew if its directory changed. What is wrong with it goes to the log. */
int network_refresh(cri_engine *engine, cri_call *call);

/* Where the networks are from, for people, as members of `info`. */
int network_describe(cri_engine *engine, cJSON *info, cri_call *call);

/* At the first open after a boot, before any pod can be attached: plugins learn which attachments are still there (GC),
 * so that they drop the rest. What fails is logged. */
int network_collect(cri_engine *engine, cri_call *call);

/* The pod's addresses, of its first interface first. */
int network_addresses(cri_engine *engine, struct arena *arena, const char *sandbox_id, const char *const **ips,
		      size_t *n_ips, cri_call *call);

/* The condition NetworkReady; reads the configuration anew when its directory changed. */
int network_ready(cri_engine *engine, struct arena *arena, bool *ready, const char **reason, const char **message,
		  cri_call *call);

#endif
