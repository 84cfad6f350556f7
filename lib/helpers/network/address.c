/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/address.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int address_parse(const char *text, struct address *address)
{
	struct address parsed = { 0 };

	parsed.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(parsed.family, text, parsed.bytes) != 1)
		return -EINVAL;
	*address = parsed;
	return 0;
}

const char *address_text(const struct address *address, char text[ADDRESS_TEXT])
{
	if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT))
		text[0] = '\0';
	return text;
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	char address[ADDRESS_TEXT];
	struct prefix parsed;
	uint64_t length;

	if (!slash || (size_t)(slash - text) >= sizeof(address) || text_to_uint64(slash + 1, &length) < 0)
		return -EINVAL;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (address_parse(address, &parsed.address) < 0 || length > address_size(&parsed.address) * 8)
		return -EINVAL;
	parsed.length = (unsigned)length;
	*prefix = parsed;
	return 0;
}

const char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT])
{
	char address[ADDRESS_TEXT];

	snprintf(text, PREFIX_TEXT, "%s/%u", address_text(&prefix->address, address), prefix->length);
	return text;
}

int address_compare(const struct address *a, const struct address *b)
{
	return a->family != b->family ? a->family - b->family : memcmp(a->bytes, b->bytes, address_size(a));
}

struct address address_next(struct address address)
{
	for (size_t i = address_size(&address); i > 0 && ++address.bytes[i - 1] == 0; i--)
		;
	return address;
}

static uint8_t mask_byte(const struct prefix *prefix, size_t i)
{
	if (prefix->length >= 8 * (i + 1))
		return 0xff;
	return prefix->length <= 8 * i ? 0 : (uint8_t)(0xff << (8 - (prefix->length - 8 * i)));
}

struct address prefix_first(const struct prefix *prefix)
{
	struct address first = prefix->address;

	for (size_t i = 0; i < address_size(&first); i++)
		first.bytes[i] &= mask_byte(prefix, i);
	return first;
}

struct address prefix_last(const struct prefix *prefix)
{
	struct address last = prefix->address;

	for (size_t i = 0; i < address_size(&last); i++)
		last.bytes[i] |= (uint8_t)~mask_byte(prefix, i);
	return last;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	const struct prefix other = { *address, prefix->length };
	const struct address ours = prefix_first(prefix), theirs = prefix_first(&other);

	return prefix->address.family == address->family && address_compare(&ours, &theirs) == 0;
}
