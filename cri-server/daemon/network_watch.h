/* SPDX-License-Identifier: Apache-2.0 */
/* Watches the directory with CNI configurations, so that the engine reads what is new while it is good. */
#ifndef CRI_SERVER_DAEMON_NETWORK_WATCH_H
#define CRI_SERVER_DAEMON_NETWORK_WATCH_H

#include "grpc/loop.h"

struct network_watch;

/* `changed` is called in the loop, a moment after the first of several changes. 0 or -errno. */
int network_watch_open(struct loop *loop, const char *directory, void (*changed)(void), struct network_watch **watch);

/* From now on another directory; where none is, its parents are watched until it is made. NULL is allowed. */
void network_watch_move(struct network_watch *watch, const char *directory);

/* Milliseconds until it wants to be called again; -1: not by itself. NULL is allowed. */
int network_watch_tick(struct network_watch *watch);

void network_watch_close(struct network_watch *watch);

#endif
