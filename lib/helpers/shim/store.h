/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must outlive the shim: descriptors and facts, kept in a socket of which both ends are the monitor's.
 *
 * The shim sends a record for each thing that happens. It is never received: a resumed shim, and the monitor at the
 * end, look through all records with MSG_PEEK, so that the originals stay for the one after. (A descriptor in a
 * socket's queue is open. SO_PEEK_OFF makes a peek go on to the next record.)
 */
#ifndef LIBCRI_HELPERS_SHIM_STORE_H
#define LIBCRI_HELPERS_SHIM_STORE_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the ends are in the monitor, for pidfd_getfd. */
#define STORE_RECEIVE_FD 4
#define STORE_SEND_FD 5

struct store_fds {
	int init_socket, link;    /* the shim's ends to cri-init and to the monitor */
	int stdin_fd;             /* the writing end; -1: none */
	int stdout_fd, stderr_fd; /* the reading ends; -1 with a terminal */
	int pidfd;                /* the container's first process */
	int terminal;             /* the master; -1: none */
	int shim;                 /* pidfd of the present or last shim */
};
#define STORE_FDS_NONE                                                                                                 \
	{                                                                                                              \
		-1, -1, -1, -1, -1, -1, -1, -1                                                                         \
	}

struct store_content {
	struct store_fds fds;
	bool created;
	pid_t pid;
	char *user; /* "uid gid group …" */
	int64_t started_at;
	bool start_failed;
	struct failure failure; /* then */
};

/* Each 0 or -errno. */
int store_put_fds(int store, const struct store_fds *fds); /* what is known before the start: the first five */
int store_put_shim(int store, int pidfd);
int store_put_created(int store, pid_t pid, int pidfd, int terminal, const char *user);
int store_put_started(int store, int64_t started_at);
int store_put_start_failed(int store, const struct failure *failure);

/* Reads all records. One reader at a time: the lock is in `directory_fd`. Descriptors in *content are the caller's. */
int store_read(int receive_fd, int directory_fd, struct store_content *content);
void store_content_free(struct store_content *content);

#endif
