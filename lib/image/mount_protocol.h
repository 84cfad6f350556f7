/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so asks of cri-mount, which does one thing, answers, and is gone:
 *
 *     cri-mount check FILESYSTEM             whether the layer can be mounted at all
 *     cri-mount mount FILESYSTEM DIRECTORY   mounts it, read-only
 *     cri-mount look DIRECTORY               whether something is mounted there
 *
 * FILESYSTEM is "squashfs", "erofs", or "directory", which is bound; DIRECTORY is as the monitors' mount namespace has
 * it, and the mount is in that one alone. A second mount at one place is not made.
 *
 *     3  the answer's socket (SOCK_SEQPACKET)
 *     4  the layer: a file, a block device or a directory; with look the monitors' mount namespace, as also
 *     5  with mount
 */
#ifndef LIBCRI_IMAGE_MOUNT_PROTOCOL_H
#define LIBCRI_IMAGE_MOUNT_PROTOCOL_H

#include <stdint.h>

enum mount_step {
	MOUNT_DONE = 0,
	MOUNT_STEP_REQUEST,
	MOUNT_STEP_LOOP_CONTROL, /* open /dev/loop-control */
	MOUNT_STEP_LOOP,         /* put a loop device before the file */
	MOUNT_STEP_FILESYSTEM,   /* ENODEV: the kernel does not know it */
	MOUNT_STEP_SUPERBLOCK,   /* EINVAL and others: the kernel does not take it for one */
	MOUNT_STEP_MOUNT,
	MOUNT_STEP_NAMESPACE,
	MOUNT_STEP_DIRECTORY,
};

struct mount_answer {
	uint32_t step;    /* that failed, or MOUNT_DONE */
	int32_t error;    /* an errno */
	uint32_t mounted; /* something is mounted at the directory */
};

#endif
