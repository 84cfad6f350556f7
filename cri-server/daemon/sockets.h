/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's sockets: those that systemd passed, those of the configuration, and the one for metrics. */
#ifndef CRI_SERVER_DAEMON_SOCKETS_H
#define CRI_SERVER_DAEMON_SOCKETS_H

#include "grpc/server.h"
#include "http.h"
#include "settings.h"

struct sockets;

/* Listens everywhere, or nowhere: -1, and the log says why. */
int sockets_open(const struct settings *settings, struct loop *loop, struct grpc_server *server,
		 const struct http_pages *pages, struct sockets **sockets);
/* Reads the TLS files again; with files that are wrong, the old ones stay. */
void sockets_reload(struct sockets *sockets, const struct settings *settings);
/* Takes no more clients. */
void sockets_stop(struct sockets *sockets);
/* As http_tick. */
int sockets_tick(struct sockets *sockets);
void sockets_free(struct sockets *sockets);

#endif
