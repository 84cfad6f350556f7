/* SPDX-License-Identifier: Apache-2.0 */
/* cri-shim: one process per container. See runtime/shim_protocol.h for what it does. */
#ifndef LIBCRI_HELPERS_SHIM_SHIM_H
#define LIBCRI_HELPERS_SHIM_SHIM_H

#include "loop.h"
#include "order.h"
#include "store.h"
#include "streams.h"

#include <sys/types.h>

struct connection;
struct exec;

enum shim_state {
	SHIM_CREATED,
	SHIM_STARTING, /* START was sent */
	SHIM_RUNNING,
	SHIM_EXITED, /* the first process is dead */
};

/* The container's ends of its streams, until START hands them on. */
struct container_streams {
	int fds[3]; /* -1: none */
};

struct shim {
	struct order order;
	struct loop loop;
	struct streams streams;
	enum shim_state state;
	pid_t pid;     /* of the first process; 0: not created yet */
	pid_t monitor; /* our child; 0: it is not, after a resume */
	int64_t started_at;
	int stdin_fd;      /* the writing end of the container's stdin; -1 */
	int terminal;      /* the master; -1. Read by `streams` */
	int program;       /* cri-init, for execs */
	int program_mount; /* keeps the mount that `program` is on: see program.c */
	int store;         /* the sending end */
	int lock;
	int begun; /* until the container is created: its end tells libcri.so of this process's */
	struct container_streams container;

	struct source link;    /* to the monitor */
	struct source init;    /* to cri-init, until it has executed the command */
	struct source process; /* pidfd of the first process */

	struct source listener;
	struct connection *connections;
	size_t n_connections;
	struct connection *starter; /* waits for the answer to "start" */
	struct exec *execs;
};

/* Takes the container's lock: one shim at a time. */
int shim_take_lock(struct shim *shim, struct failure *failure);

/* Creates the container of that state directory, once SHIM_STATUS_FD brings its order. *user is allocated. With no
 * order read (order.directory_fd is negative) and CRI_ECANCELED there is nobody to be told. */
int shim_create(struct shim *shim, const char *directory, char **user, struct failure *failure);

/* Ends what shim_create began, whether it came to its end or not, without a trace. */
void shim_undo(struct shim *shim);

/* Takes it over from a shim that died. */
int shim_resume(struct shim *shim, char **user, struct failure *failure);

/* Serves until the container's end is published. */
void shim_serve(struct shim *shim);

/* Watches what both created and resumed containers have: link, init, process. 0 or -errno. */
int shim_watch(struct shim *shim);

/* Sends START. The answer comes through `starter`. */
void shim_begin_start(struct shim *shim, struct connection *starter);

#endif
