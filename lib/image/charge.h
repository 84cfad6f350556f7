/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers of a pull in the cgroup of the pod that it is for. */
#ifndef LIBCRI_IMAGE_CHARGE_H
#define LIBCRI_IMAGE_CHARGE_H

#include "base/arena.h"
#include "base/spawn.h"
#include "image/temporary.h"

struct charge {
	const char *cgroup; /* NULL: none, and everybody stays where the host is */
	int *files;         /* of v1 cgroups, that spawn_program enters; -1 ends them */
	int v2;             /* the directory of the one of v2; -1: none */
	struct temporary intent;
};
#define CHARGE_NONE                                                                                                    \
	{                                                                                                              \
		.v2 = -1, .intent = TEMPORARY_NONE                                                                     \
	}

/* Makes a cgroup below `parent`, which was checked. After a failure too charge_end is to be called. */
int charge_begin(cri_engine *engine, struct arena *arena, const char *parent, struct charge *charge, cri_call *call);
/* For a helper; charge NULL: nothing. */
void charge_spawn(const struct charge *charge, struct spawn *spawn);
/* Kills what is in it and removes it. */
void charge_end(cri_engine *engine, struct charge *charge, cri_call *call);
/* Removes the cgroup that a directory in <root>/tmp names, if it names one. Never fails. */
void charge_recover(cri_engine *engine, const char *temporary, cri_call *call);

#endif
