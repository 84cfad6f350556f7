/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cri-unpack tells libcri.so.
 *
 *     cri-unpack layer|archive MAX_ENTRIES MAX_BYTES
 *     0  the plain tar
 *     3  the status socket (SOCK_SEQPACKET): struct unpack_message, cut behind its texts
 *     4  the directory to fill: empty, and the helper's root before it reads a byte
 *
 * A layer keeps owners, modes, times, extended attributes, devices and whiteouts. An archive is a set of private files:
 * regular ones, directories and links. MAX_BYTES bounds what is written; MAX_ENTRIES the members.
 */
#ifndef LIBCRI_IMAGE_UNPACK_PROTOCOL_H
#define LIBCRI_IMAGE_UNPACK_PROTOCOL_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum unpack_kind {
	/* first: a directory that hides what the layers below have there. The receiver marks it, which takes
	 * CAP_SYS_ADMIN. */
	UNPACK_OPAQUE = 1,
	/* After the last entry. first: a directory that the tar lacks, parents before children. It was made with mode
	 * 0755, but what the layers below have there counts. */
	UNPACK_MISSING,
	/* After the last entry. first: a hard link, not made; second: its target, which the layers below must have. */
	UNPACK_LINK,
	UNPACK_DONE,  /* bytes and inodes on disk, entries; recount: they must be counted anew */
	UNPACK_ERROR, /* error: errno, or EBADMSG for a malformed tar; first: what is wrong */
};

#define UNPACK_TEXT_SIZE (2 * PATH_MAX)

struct unpack_message {
	uint32_t kind;
	int32_t error;
	uint64_t bytes, inodes, entries;
	uint32_t recount;
	char text[UNPACK_TEXT_SIZE]; /* first, NUL, second, NUL */
};
#define UNPACK_MESSAGE_HEAD offsetof(struct unpack_message, text)

/* The lists that are kept in memory until the end are bounded. */
#define UNPACK_MAX_MISSING 65536
#define UNPACK_MAX_LINKS 65536

#endif
