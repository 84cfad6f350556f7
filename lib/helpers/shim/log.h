/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log file, in the format of the CRI: "<RFC 3339 time with nanoseconds, UTC> <stdout|stderr> <P|F>
 * text". A line longer than LOG_LINE_MAX is written in parts, all but the last tagged P. */
#ifndef LIBCRI_HELPERS_SHIM_LOG_H
#define LIBCRI_HELPERS_SHIM_LOG_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 16384

struct log {
	int fd;           /* -1: no log; what is appended is dropped */
	const char *path; /* "": none */
	char *output;     /* records on their way to the file; NULL while there are none */
	size_t length;
	/* What could not be written, since the last time that something could. */
	uint64_t dropped_bytes;
	int dropped_error;
	bool torn; /* the file ends within a record */
};

/* One of the container's streams, as far as it is not at the end of a line. */
struct log_line {
	const char *stream; /* "stdout", "stderr" */
	char *bytes;
	size_t length, capacity;
};

/* Opens log->path for appending; it is made when it is missing, and must be a regular file. Replaces log->fd on success
 * only. */
int log_open(struct log *log, struct failure *failure);

/* Takes bytes of a stream as they were read. Whole records go to the file at the latest with log_flush. */
void log_append(struct log *log, struct log_line *line, const char *bytes, size_t length);

/* The stream is at its end: what there is of a line without an end is written, as a part, so that readers do not add an
 * end that was not there. */
void log_finish(struct log *log, struct log_line *line);

/* Writes what is waiting. What the file system does not take (a full disk) is dropped, with a note in the log as soon
 * as it takes something again: a container must not hang on its log. */
void log_flush(struct log *log);

/* Gives back the memory between bursts. */
void log_rest(struct log *log);

#endif
