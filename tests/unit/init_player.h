/* SPDX-License-Identifier: Apache-2.0 */
/* Plays cri-shim: a small container of busybox in namespaces of its own, whose first process is the real cri-init. */
#ifndef LIBCRI_TESTS_UNIT_INIT_PLAYER_H
#define LIBCRI_TESTS_UNIT_INIT_PLAYER_H

#include "base/buffer.h"
#include "base/socket.h"
#include "runtime/init_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#define DEFAULT_CAPABILITIES UINT64_C(0xa80425fb) /* Docker's 14 */

struct player {
	char root[64];        /* the container's root on the host */
	int socket;           /* to cri-init */
	pid_t pid;            /* of what forked it; its exit code is passed on */
	pid_t init;           /* of cri-init, as seen from here */
	int output;           /* what comes of stdout and stderr; the master with a terminal */
	struct buffer record; /* of the process */
	char step[128], message[1024], user[512], notes[1024]; /* of the last answer */
	int error;
};

/* Set-up and tear-down of a group: with root's powers they make the root (busybox, passwd, group, and links) of this
 * one player. */
extern struct player the_player;
int player_set_up(void **state);
int player_tear_down(void **state);
#define NEEDS_ROOT()                                                                                                   \
	do {                                                                                                           \
		(void)state;                                                                                           \
		if (geteuid())                                                                                         \
			skip();                                                                                        \
	} while (0)

/* Starts cri-init in it. */
void player_start(struct player *player);

/* Orders before PROCESS. `fd` -1: none. */
void player_order(struct player *player, uint32_t type, uint32_t flags, const char *const *texts, size_t n_texts,
		  int fd);

/* The record: capabilities and arguments ("sh", "-c", script) or others. */
void player_record(struct player *player, uint64_t capabilities, const char *const *arguments);
void player_add(struct player *player, uint32_t tag, const void *bytes, size_t length);
void player_add_text(struct player *player, uint32_t tag, const char *text);

/* Sends PROCESS, and expects READY or FAILED with this errno. */
void player_prepare(struct player *player);
void player_prepare_fails(struct player *player, int error);
/* Sends START, and expects the end of the socket or FAILED with this errno. */
void player_go(struct player *player);
void player_go_fails(struct player *player, int error);

/* Everything that came out until the end, at most 64 KiB; static. And the exit code. */
const char *player_output(struct player *player);
int player_end(struct player *player);

/* All of it: start, record of a script, prepare, go, output; exit code 0. */
const char *player_run(struct player *player, const char *user, const char *script);

#endif
