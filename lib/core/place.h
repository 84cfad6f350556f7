/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_CORE_PLACE_H
#define LIBCRI_CORE_PLACE_H

#include "core/engine.h"

/*
 * Pins and mounts are seen in one mount namespace, and one root has one state directory: an engine that looked from
 * another place would take every pod for lost and end it. The root records where it is open; while it has pods, opening
 * it elsewhere is CRI_EPRECONDITION with the remedy. Under the recovery lock.
 */
int place_check(cri_engine *engine, cri_call *call);

#endif
