/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_HELPERS_INIT_PROC_H
#define LIBCRI_HELPERS_INIT_PROC_H

/* Writes a text to a file of this process below /proc/self ("oom_score_adj"). A write that went to something that only
 * looks like procfs would leave a process unconfined that everybody believes to be confined: -ENODEV. */
int proc_write_self(int root_fd, const char *name, const char *text);

#endif
