/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first process that is killed before liblxc has heard from it.
 *
 * liblxc (5.0.2) receives descriptors from the process that it has cloned over a socket pair of which it keeps both
 * ends: when that process is killed just then, by want of memory or because its pod is stopped, no end of file comes,
 * and start() never returns. So cri-shim exports a function recvmsg(), which the dynamic linker prefers to the C
 * library's: while liblxc waits for a message, it looks whether a child of the monitor has ended, and if nothing came
 * from it answers ECONNRESET.
 */
#ifndef LIBCRI_HELPERS_SHIM_EARLY_DEATH_H
#define LIBCRI_HELPERS_SHIM_EARLY_DEATH_H

/* From now on, in this process. */
void early_death_watch(void);

#endif
