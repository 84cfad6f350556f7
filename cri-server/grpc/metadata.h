/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in the headers of gRPC over HTTP/2 (PROTOCOL-HTTP2.md of the gRPC project). */
#ifndef CRI_SERVER_GRPC_METADATA_H
#define CRI_SERVER_GRPC_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* gRPC status numbers that the transport itself answers. */
enum {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
};

/* The name that gRPC gives a status, "NOT_FOUND"; "UNKNOWN" for numbers that it has none for. */
const char *grpc_status_name(int status);

/* grpc-timeout: one to eight digits and a unit. False: malformed. */
bool metadata_timeout(const char *text, size_t length, int64_t *milliseconds);

/* content-type: application/grpc or application/grpc+proto, perhaps with parameters. */
bool metadata_is_grpc(const char *text, size_t length);

/* How many of the `length` bytes are the next character; 0: they begin none in UTF-8. */
size_t metadata_utf8_character(const unsigned char *text, size_t length);

/* grpc-message: percent-encoded UTF-8, at most `limit` bytes of `text`. What is no UTF-8 becomes U+FFFD. NULL without
 * memory. */
char *metadata_encode_message(const char *text, size_t limit);

#endif
