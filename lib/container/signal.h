/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_CONTAINER_SIGNAL_H
#define LIBCRI_CONTAINER_SIGNAL_H

#include "core/engine.h"

/* Sends a signal to the container's first process. CRI_EPRECONDITION: it has ended. */
int container_signal(cri_engine *engine, const char *id, int signal, cri_call *call);

#endif
