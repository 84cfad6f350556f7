/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first process, or a monitor, that is killed before the other has heard from it.
 *
 * liblxc (5.0.2) receives descriptors from the process that it has cloned over a socket pair of which it keeps both
 * ends: when that process is killed just then, by want of memory or because its pod is stopped, no end of file comes,
 * and start() never returns. So cri-shim exports a function recvmsg(), which the dynamic linker prefers to the C
 * library's: while liblxc waits for a message, it looks whether a child of the monitor has ended, and if nothing came
 * from it answers ECONNRESET.
 *
 * The process has both ends as well. Its death signal, which would end it with the monitor, does not come when the
 * monitor was dead before it was asked for, and liblxc's look for that finds nothing in /proc of a monitor that has
 * been reaped already. So while it waits for a message, that recvmsg() looks for the monitor's end, too.
 */
#ifndef LIBCRI_HELPERS_SHIM_EARLY_DEATH_H
#define LIBCRI_HELPERS_SHIM_EARLY_DEATH_H

/* From now on, in this process and those that it forks. */
int early_death_watch(void);

#endif
