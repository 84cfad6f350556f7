/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts that this process sees: /proc/self/mountinfo (proc_pid_mountinfo(5)). */
#ifndef LIBCRI_BASE_MOUNTINFO_H
#define LIBCRI_BASE_MOUNTINFO_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct mountinfo_line {
	uint64_t id;
	const char *root; /* within the file system; "mnt:[…]" of a namespace */
	char *mountpoint;
	const char *propagation; /* "shared:7 master:2", "unbindable", "" */
	const char *type, *source;
	const char *options; /* of the file system, not of the mount */
};

/* The whole text, which is closed with a NUL. 0 or -errno. */
int mountinfo_read(struct buffer *text);

/* Takes a line off the text, in place. false: none is left. Lines that are malformed are passed over. */
bool mountinfo_next(char **at, struct mountinfo_line *line);

#endif
