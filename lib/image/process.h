/* SPDX-License-Identifier: Apache-2.0 */
/* Ending helpers. */
#ifndef LIBCRI_IMAGE_PROCESS_H
#define LIBCRI_IMAGE_PROCESS_H

#include "core/call.h"

/* Kills the process of a pidfd at once; one that is gone, and -1, are fine. Does not wait. */
void process_kill(int pidfd);

/* Kills it and waits until it is gone, so that it makes nothing more. Call it shielded. */
int process_end(int pidfd, cri_call *call);

#endif
