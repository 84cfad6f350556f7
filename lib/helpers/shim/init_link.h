/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's side of runtime/init_protocol.h. */
#ifndef LIBCRI_HELPERS_SHIM_INIT_LINK_H
#define LIBCRI_HELPERS_SHIM_INIT_LINK_H

#include "failure.h"

#include "base/json.h"
#include "runtime/init_protocol.h"

#include <stddef.h>
#include <sys/types.h>

/* A socket pair for a cri-init: fds[0] is the shim's, and tells who sent. 0 or -errno. */
int init_pair(int fds[2]);

/* Sends one message, waiting for room in the socket. 0 or -errno: -EPIPE when cri-init is gone, -EMSGSIZE. */
int init_send(int fd, enum init_message_type type, uint32_t flags, const char *const *texts, size_t n_texts,
	      const int *fds, size_t n_fds);

struct init_answer {
	enum init_message_type type; /* INIT_READY or INIT_FAILED */
	pid_t pid;                   /* of the sender, as this process sees it */
	char *user;                  /* READY: "uid gid group …", allocated */
	int terminal;                /* READY: the master, or -1 */
	struct failure failure;      /* FAILED */
};

/* Takes the next answer, without waiting. 1: taken; 0: end of file; -EAGAIN: none yet; -errno. */
int init_receive(int fd, struct init_answer *answer);
void init_answer_free(struct init_answer *answer);

/* "uid gid group …" as {"uid":N,"gid":N,"groups":[N…]}; NULL: malformed, or memory ran out. */
cJSON *init_user_json(const char *user);

#endif
