/* SPDX-License-Identifier: Apache-2.0 */
/* The names of pods by id, for events of pods that are gone. Names never change, so that this cannot be wrong; it can
 * be incomplete. */
#ifndef CRI_SERVER_SERVICE_PODS_H
#define CRI_SERVER_SERVICE_PODS_H

#include <libcri/libcri.h>

struct pod_names;

struct pod_names *pod_names_new(void);
void pod_names_free(struct pod_names *names);

/* Remembers a pod; the oldest of many is forgotten for it. Without memory nothing is remembered. */
void pod_names_add(struct pod_names *names, const cri_sandbox_info *info);

/* All pods that there are. */
void pod_names_fill(struct pod_names *names, cri_engine *engine, cri_call *call);

/* Fills in the id and the metadata, borrowed until the next pod_names_add. */
bool pod_names_find(const struct pod_names *names, const char *id, cri_sandbox_info *info);

#endif
