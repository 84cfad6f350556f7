/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cgroup_usage.c and cgroup_figures.c: many small files of one cgroup, each read once and parsed where it was
 * read. */
#ifndef LIBCRI_CGROUP_READER_H
#define LIBCRI_CGROUP_READER_H

#include "base/cleanup.h"
#include "cgroup/files.h"

/* memory.stat has about 70 lines; room for what kernels will add. Files with lines for each disk may be longer: those
 * are read again into memory of their own, and what does not fit that is cut behind the last whole line. */
#define CGROUP_TEXT_SIZE 8192
#define CGROUP_TEXT_MAX ((size_t)256 * 1024)

struct cgroup_reader {
	const struct cgroup_system *system;
	const char *cgroup;
	int directory; /* on v2 alone, where all files are in one; else -1 */
	char *text;    /* what was read last: `small`, or `large` */
	char *large;   /* NULL, or CGROUP_TEXT_MAX bytes */
	char small[CGROUP_TEXT_SIZE];
};

/* 1; 0: the cgroup is gone; -errno. CLEANUP_CGROUP_READER is the caller's, whatever the answer. */
int cgroup_reader_open(struct cgroup_reader *reader, const struct cgroup_system *system, const char *cgroup);

static inline void cleanup_cgroup_reader(struct cgroup_reader *reader)
{
	cleanup_close_fd(&reader->directory);
	free(reader->large);
}
#define CLEANUP_CGROUP_READER CLEANUP(cleanup_cgroup_reader)

/* Reads a file into `text`. 1; 0: it is not there; -errno. */
int cgroup_reader_text(struct cgroup_reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file);

/* The same for a file with one number; "max" is UINT64_MAX. */
int cgroup_reader_number(struct cgroup_reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file,
			 uint64_t *number);

/* Takes figures out of lines of "name value". */
struct cgroup_figure {
	const char *name;
	uint64_t *value;
};
void cgroup_pick_figures(const char *text, const struct cgroup_figure *figures, size_t n);

/* v1 says "no limit" with the largest number of whole pages. */
#define CGROUP_V1_NO_LIMIT (UINT64_C(1) << 62)

#endif
