/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory below the root occupies. A container decides how long that takes to find out: so each walk has a
 * limit, and what this engine saw lately counts for a while. */
#ifndef LIBCRI_IMAGE_TREE_USAGE_H
#define LIBCRI_IMAGE_TREE_USAGE_H

#include "base/clock.h"
#include "core/engine.h"

/* A walk is given up after a quarter of what is left until the call's deadline, and after these milliseconds. Where
 * `recent` is set it may be one of the last ten seconds, or of the last twenty times as long as it took: nobody gets
 * more than a twentieth of a processor to count his files. */
struct tree_patience {
	int64_t most;
	bool recent;
};
#define TREE_OF_ONE ((struct tree_patience){ 10000, false })
#define TREE_OF_MANY ((struct tree_patience){ 2000, true }) /* one of them */
#define TREE_OF_ALL ((struct tree_patience){ 10000, true }) /* all together */

#define TREE_USAGE_AGE (10 * NANOSECONDS_PER_SECOND)
#define TREE_USAGE_AGE_TIMES 20

/*
 * Fills in all of `usage`. One whose walk is given up, or that is deeper than a path could name, is not known, which is
 * no failure; one that is gone occupies nothing. Any thread.
 */
int tree_usage(cri_engine *engine, const char *path, struct tree_patience patience, cri_filesystem_usage *usage,
	       cri_call *call);

#endif
