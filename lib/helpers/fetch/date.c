/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <string.h>
#include <time.h>

static bool parse(const char *text, int64_t *seconds)
{
	struct tm parts = { .tm_mday = 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);

	if (!end || *end)
		return false;
	*seconds = timegm(&parts);
	return true;
}

bool date_difference(const char *from, const char *to, int64_t *seconds)
{
	int64_t begin, end;

	if (!parse(from, &begin) || !parse(to, &end))
		return false;
	*seconds = end - begin;
	return true;
}
