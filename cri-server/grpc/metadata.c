/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include <stdlib.h>
#include <string.h>

const char *grpc_status_name(int status)
{
	static const char *const names[] = {
		"OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
		"NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
		"ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
		"DATA_LOSS", "UNAUTHENTICATED"
	};

	return status >= 0 && (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "UNKNOWN";
}

/* Rounded up, so that no deadline comes early. */
static int64_t rounded_milliseconds(int64_t value, int64_t units_per_millisecond)
{
	return (value + units_per_millisecond - 1) / units_per_millisecond;
}

bool metadata_timeout(const char *text, size_t length, int64_t *milliseconds)
{
	int64_t value = 0;

	if (length < 2 || length > 9)
		return false;
	for (size_t i = 0; i < length - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	switch (text[length - 1]) {
	case 'H':
		*milliseconds = value * 3600000;
		return true;
	case 'M':
		*milliseconds = value * 60000;
		return true;
	case 'S':
		*milliseconds = value * 1000;
		return true;
	case 'm':
		*milliseconds = value;
		return true;
	case 'u':
		*milliseconds = rounded_milliseconds(value, 1000);
		return true;
	case 'n':
		*milliseconds = rounded_milliseconds(value, 1000000);
		return true;
	default:
		return false;
	}
}

bool metadata_is_grpc(const char *text, size_t length)
{
	static const char grpc[] = "application/grpc";
	static const char proto[] = "+proto";

	if (length < sizeof(grpc) - 1 || memcmp(text, grpc, sizeof(grpc) - 1) != 0)
		return false;
	text += sizeof(grpc) - 1;
	length -= sizeof(grpc) - 1;
	if (length >= sizeof(proto) - 1 && memcmp(text, proto, sizeof(proto) - 1) == 0) {
		text += sizeof(proto) - 1;
		length -= sizeof(proto) - 1;
	}
	return !length || *text == ';' || *text == ' ';
}

size_t metadata_utf8_character(const unsigned char *text, size_t length)
{
	/* The second byte's range rules out overlong forms, surrogates and what is above U+10FFFF (RFC 3629). */
	unsigned char low = 0x80, high = 0xbf;
	size_t size;

	if (!length)
		return 0;
	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (length < size || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	}
	return size;
}

static size_t encode_bytes(char *to, const unsigned char *bytes, size_t count)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		if (bytes[i] >= 0x20 && bytes[i] <= 0x7e && bytes[i] != '%') {
			to[length++] = (char)bytes[i];
		} else {
			to[length++] = '%';
			to[length++] = digits[bytes[i] >> 4];
			to[length++] = digits[bytes[i] & 15];
		}
	}
	return length;
}

char *metadata_encode_message(const char *text, size_t limit)
{
	static const unsigned char replacement[] = { 0xef, 0xbf, 0xbd };
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strnlen(text, limit), length = 0;
	/* A bad byte becomes three, each written with three. */
	char *encoded = malloc(left * 9 + 1);

	if (!encoded)
		return NULL;
	while (left) {
		size_t size = metadata_utf8_character(at, left);

		length += size ? encode_bytes(encoded + length, at, size)
			       : encode_bytes(encoded + length, replacement, sizeof(replacement));
		at += size ? size : 1;
		left -= size ? size : 1;
	}
	encoded[length] = '\0';
	return encoded;
}
