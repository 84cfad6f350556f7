/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_CORE_PLACE_H
#define LIBCRI_CORE_PLACE_H

#include "core/engine.h"

/*
 * Pins and mounts are seen in one mount namespace, and one root has one state directory: an engine that looked from
 * another place would take every pod for lost and end it. The root records where it is open; while it has pods, or
 * an engine is open there, opening it elsewhere is CRI_EPRECONDITION with the remedy. Under the recovery lock.
 *
 * Success leaves engine->presence, a descriptor for place_leave, by which others see that this engine is open.
 */
int place_enter(cri_engine *engine, cri_call *call);
void place_leave(cri_engine *engine);

#endif
