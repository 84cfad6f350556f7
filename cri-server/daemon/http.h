/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics and GET /healthz over HTTP/1.1, one request a connection, in the loop. */
#ifndef CRI_SERVER_DAEMON_HTTP_H
#define CRI_SERVER_DAEMON_HTTP_H

#include "grpc/loop.h"

#include <stdbool.h>

struct http;

struct http_pages {
	char *(*metrics)(void);   /* to be freed with free(); NULL: it cannot be had */
	const char *(*ill)(void); /* why the daemon is not well; NULL: it is */
};

/* 0 or -errno. */
int http_new(struct loop *loop, const struct http_pages *pages, struct http **http);
void http_free(struct http *http);

/* Takes a connected, non-blocking socket. */
void http_connect(struct http *http, int fd);

/* Closes connections that are too slow. Milliseconds until the next look; -1: there are none. */
int http_tick(struct http *http);

#endif
