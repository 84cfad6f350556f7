/* SPDX-License-Identifier: Apache-2.0 */
/* Where a saved image goes: an OCI image layout, as a directory or as one tar. It appears under its name when it is
 * whole, or never. */
#ifndef LIBCRI_IMAGE_SAVE_OUTPUT_H
#define LIBCRI_IMAGE_SAVE_OUTPUT_H

#include "base/fs.h"
#include "core/call.h"
#include "libcri/image.h"

struct save_output {
	bool archive;
	char parent_path[PATH_MAX];
	const char *name;                  /* the last component; in the caller's path */
	int parent;                        /* the directory that it appears in */
	char temporary[FS_TEMPORARY_SIZE]; /* its name there until then; "" for a file that has none */
	int file;                          /* the archive; the blob that is being written */
	int blobs;                         /* the layout's blobs/sha256 */
	int directory;                     /* the layout */
	off_t header;                      /* where the archive's current member begins */
};
#define SAVE_OUTPUT_CLOSED                                                                                             \
	{                                                                                                              \
		.parent = -1, .file = -1, .blobs = -1, .directory = -1                                                 \
	}

/* `path` is absolute and outlives the output. CRI_EEXIST: there is something. */
int save_output_begin(struct save_output *output, const char *path, cri_image_format format, cri_call *call);
/* A descriptor to write the next blob to; it stays the output's. */
int save_output_blob(struct save_output *output, int *fd, cri_call *call);
/* The blob is whole. */
int save_output_blob_end(struct save_output *output, const char *digest, cri_call *call);
/* A file of the layout itself: "oci-layout", "index.json". */
int save_output_file(struct save_output *output, const char *name, const char *text, cri_call *call);
/* Durable, and under its name. */
int save_output_commit(struct save_output *output, cri_call *call);
/* Closes it; what was not committed is gone. */
void save_output_end(struct save_output *output);

#endif
