/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes of both families. */
#ifndef LIBCRI_HELPERS_NETWORK_ADDRESS_H
#define LIBCRI_HELPERS_NETWORK_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];
};

struct prefix {
	struct address address; /* host bits may be set */
	unsigned length;
};

#define ADDRESS_TEXT 46
#define PREFIX_TEXT 50

static inline size_t address_size(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

/* 0 or -EINVAL. */
int address_parse(const char *text, struct address *address);
const char *address_text(const struct address *address, char text[ADDRESS_TEXT]);
/* "10.1.0.2/24": 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *prefix);
const char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT]);

/* Of one family; <0, 0, >0. */
int address_compare(const struct address *a, const struct address *b);
/* The one after; the last of all wraps around. */
struct address address_next(struct address address);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
/* All host bits cleared, or all set. */
struct address prefix_first(const struct prefix *prefix);
struct address prefix_last(const struct prefix *prefix);

#endif
