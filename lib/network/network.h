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

#include "core/engine.h"

#include <string.h>

/* A pod's record when nothing is attached. */
#define NETWORK_NOTHING "{}"

static inline bool network_is_recorded(const char *record)
{
	return strcmp(record, NETWORK_NOTHING) != 0;
}

/* Attaches the pod to all its networks, or to none when one fails. Nothing with network_plugin NONE. */
int network_attach(cri_engine *engine, const char *sandbox_id, const cri_sandbox_config *config, const char *netns_path,
		   cri_call *call);

/* Takes back what the pod's record names. Idempotent; the namespace may be gone. */
int network_detach(cri_engine *engine, const char *sandbox_id, cri_call *call);

/* The pod's addresses, of its first interface first. */
int network_addresses(cri_engine *engine, struct arena *arena, const char *sandbox_id, const char *const **ips,
		      size_t *n_ips, cri_call *call);

/* The condition NetworkReady; reads the configuration anew when its directory changed. */
int network_ready(cri_engine *engine, struct arena *arena, bool *ready, const char **reason, const char **message,
		  cri_call *call);

#endif
