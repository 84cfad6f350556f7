/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual TLS for TCP. OpenSSL is loaded when the first context is made, not before: a daemon on a unix socket does not
 * pay for it. */
#ifndef CRI_SERVER_GRPC_TLS_H
#define CRI_SERVER_GRPC_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_context;
struct tls;

struct tls_files {
	const char *ca; /* who may sign clients' certificates */
	const char *certificate;
	const char *key;
};

/* 0, or -1 with what is wrong in `error`. */
int tls_context_new(const struct tls_files *files, struct tls_context **context, char *error, size_t size);
void tls_context_free(struct tls_context *context);

/* The server's side of a connected, non-blocking socket. 0 or -ENOMEM. */
int tls_accept(struct tls_context *context, int fd, struct tls **tls);
void tls_free(struct tls *tls);

/* As recv and send; the handshake is done on the way. -EAGAIN, -EPROTO: it failed; 0 of tls_read: the end. */
ssize_t tls_read(struct tls *tls, uint8_t *bytes, size_t size);
ssize_t tls_write(struct tls *tls, const uint8_t *bytes, size_t size);
bool tls_pending(const struct tls *tls);     /* bytes are here that the socket does not show */
bool tls_wants_write(const struct tls *tls); /* reading waits for the socket to become writable */

#endif
