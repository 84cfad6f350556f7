/* SPDX-License-Identifier: Apache-2.0 */
#include "network/bandwidth.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LEAST 1000.0
#define MOST 1e15
#define LARGEST_PACKET_BITS (UINT64_C(65536) * 8)
#define BURSTS_PER_SECOND 20

static const struct {
	const char *suffix;
	double factor;
} suffixes[] = {
	{ "", 1 },
	{ "m", 1e-3 },
	{ "k", 1e3 },
	{ "M", 1e6 },
	{ "G", 1e9 },
	{ "T", 1e12 },
	{ "P", 1e15 },
	{ "Ki", 1024.0 },
	{ "Mi", 1048576.0 },
	{ "Gi", 1073741824.0 },
	{ "Ti", 1099511627776.0 },
	{ "Pi", 1125899906842624.0 },
};

/* Digits with at most one point: not strtod, which asks the host's locale. */
static const char *read_number(const char *text, double *value)
{
	double place = 1;
	bool digits = false, point = false;

	*value = 0;
	for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits = true;
		*value = *value * 10 + (*text - '0');
		place *= point ? 10 : 1;
	}
	*value /= place;
	return digits ? text : NULL;
}

static const char *read_exponent(const char *text, double *value)
{
	const bool negative = text[1] == '-';
	const char *at = text + 1 + (text[1] == '-' || text[1] == '+');
	int exponent = 0;

	if (!isdigit((unsigned char)*at))
		return NULL;
	for (; isdigit((unsigned char)*at); at++)
		exponent = exponent < 100 ? exponent * 10 + (*at - '0') : exponent;
	for (; exponent; exponent--)
		*value = negative ? *value / 10 : *value * 10;
	return at;
}

int bandwidth_parse(const char *text, uint64_t *bits)
{
	double value;
	const char *at = read_number(text, &value);

	if (!at)
		return -EINVAL;
	if (*at == 'e' || *at == 'E') {
		at = read_exponent(at, &value);
		if (!at || *at)
			return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if (strcmp(at, suffixes[i].suffix) != 0)
			continue;
		value *= suffixes[i].factor;
		if (value < LEAST || value > MOST)
			return -ERANGE;
		*bits = (uint64_t)value;
		return 0;
	}
	return -EINVAL;
}

uint64_t bandwidth_burst(uint64_t bits)
{
	uint64_t burst = bits / BURSTS_PER_SECOND;

	if (burst < LARGEST_PACKET_BITS)
		return LARGEST_PACKET_BITS;
	return burst > UINT32_MAX ? UINT32_MAX : burst;
}
