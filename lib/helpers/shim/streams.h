/* SPDX-License-Identifier: Apache-2.0 */
/* From the container's output to its log. */
#ifndef LIBCRI_HELPERS_SHIM_STREAMS_H
#define LIBCRI_HELPERS_SHIM_STREAMS_H

#include "log.h"
#include "loop.h"
#include "order.h"
#include "store.h"

struct stream {
	struct source source; /* the reading end of a pipe, or a terminal's master; non-blocking */
	struct streams *streams;
	struct log_line line;
	int terminal_slave; /* -1: a pipe */
};

struct streams {
	struct loop *loop;
	struct log log;
	struct stream output[2]; /* stdout or the terminal, stderr */
	char *input;             /* what is read goes here first; NULL while there is nothing */
};

/* Opens the log. */
int streams_init(struct streams *streams, struct loop *loop, const struct order *order, struct failure *failure);

/* Reads from the two output[].source.fd, or from a terminal, from now on. 0 or -errno. */
int streams_watch(struct streams *streams);
int streams_watch_terminal(struct streams *streams, int master);

/* Takes what is there until it is empty or at its end, and ends the last lines. For when nobody writes any more. */
void streams_drain(struct streams *streams);

/* Gives back the memory between bursts. */
void streams_rest(struct streams *streams);

/* The same as streams_drain without a shim: for the monitor. */
void streams_drain_orphaned(const struct order *order, const struct store_content *content);

#endif
