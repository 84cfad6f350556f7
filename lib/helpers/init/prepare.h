/* SPDX-License-Identifier: Apache-2.0 */
/* From PROCESS to READY: all that can be done, and can fail, before the process is told to start. */
#ifndef LIBCRI_HELPERS_INIT_PREPARE_H
#define LIBCRI_HELPERS_INIT_PREPARE_H

#include "channel.h"
#include "passwd.h"
#include "process.h"

struct prepared {
	struct process process;
	struct identity identity;
	int root_fd;
	int master_fd;          /* of the terminal; -1 */
	struct composed answer; /* the texts of READY: user, notes */
};

/* Carries out INIT_PROCESS. Closes the order's descriptors. */
int prepare(struct prepared *prepared, struct order *order, struct failure *failure);

#endif
