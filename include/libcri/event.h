/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/event.h
 * What happened to containers, in order, also while no program ran.
 */
#ifndef LIBCRI_EVENT_H
#define LIBCRI_EVENT_H

#include "container.h"
#include "sandbox.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The first four are CRI ContainerEventType. */
typedef enum cri_event_type {
	CRI_EVENT_CREATED = 0,
	CRI_EVENT_STARTED = 1,
	CRI_EVENT_STOPPED = 2,
	CRI_EVENT_DELETED = 3,
	CRI_EVENT_OOM = 4
} cri_event_type;

typedef struct cri_event {
	int64_t sequence; /**< grows by 1 or more from event to event; never reused in a root */
	cri_event_type type;
	const char *container_id; /**< that of the sandbox for events of the sandbox itself */
	const char *sandbox_id;
	int64_t created_at; /**< nanoseconds since 1970; grows */
	int32_t exit_code;  /**< STOPPED */
} cri_event;

/**
 * Subscribes (CRI GetContainerEvents).
 * @param after the sequence of the last event that the caller has seen; 0: all that are kept; -1: only new ones.
 */
CRI_API int cri_events_open(cri_engine *engine, int64_t after, cri_events **events, cri_call *call);

/** A pollable descriptor, readable when cri_events_next may have something. Owned by the subscription. */
CRI_API int cri_events_fd(const cri_events *events);

/**
 * The events that came since, oldest first, at most 1000; none is an empty list. Never waits.
 * @return 0; CRI_EOVERFLOW: events were dropped from the store before they were read. The subscription goes on after
 *         the gap: list the containers once, then call again.
 */
CRI_API int cri_events_next(cri_events *events, cri_list **list, cri_call *call);
CRI_API const cri_event *cri_event_at(const cri_list *list, size_t index);

/** Ends a subscription. NULL is allowed. */
CRI_API void cri_events_free(cri_events *events);

#ifdef __cplusplus
}
#endif
#endif
