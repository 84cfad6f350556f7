/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory below the root occupies. A container decides how long that takes to find out: so each walk has a
 * limit, and what this engine saw lately counts for a while. */
#ifndef LIBCRI_IMAGE_TREE_USAGE_H
#define LIBCRI_IMAGE_TREE_USAGE_H

#include "base/clock.h"
#include "core/engine.h"

/* How long the walks of one call took together, in nanoseconds. Begins as 0; any thread. */
struct tree_budget {
	_Atomic int64_t spent;
};

/* A walk is given up after a quarter of what is left until the call's deadline, and after `most` milliseconds. Where
 * `recent` is set it may be one of the last ten seconds, or of the last twenty times as long as it took: nobody gets
 * more than a twentieth of a processor to count his files. */
struct tree_patience {
	int64_t most;
	bool recent;
	struct tree_budget *budget; /* NULL: none */
};
#define TREE_OF_ONE ((struct tree_patience){ 10000, false, NULL })
#define TREE_OF_MANY(budget) ((struct tree_patience){ 2000, true, budget }) /* one of them */
#define TREE_OF_ALL ((struct tree_patience){ 10000, true, NULL })           /* all together */

/* When the walks of one call had this, each further one has the least: enough for what most containers write, and it
 * keeps those who have much from holding up the others. In milliseconds. */
#define TREE_BUDGET 10000
#define TREE_LEAST 50

/* What a walk may take now, whatever the deadline says. */
int64_t tree_patience_milliseconds(struct tree_patience patience);

#define TREE_USAGE_AGE (10 * NANOSECONDS_PER_SECOND)
#define TREE_USAGE_AGE_TIMES 20

/*
 * Fills in all of `usage`. One whose walk is given up, or that is deeper than a path could name, is not known, which is
 * no failure; one that is gone occupies nothing. Any thread.
 */
int tree_usage(cri_engine *engine, const char *path, struct tree_patience patience, cri_filesystem_usage *usage,
	       cri_call *call);

#endif
