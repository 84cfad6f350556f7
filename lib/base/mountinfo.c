/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountinfo.h"

#include "base/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT ((size_t)64 << 20)

int mountinfo_read(struct buffer *text)
{
	return fs_read(AT_FDCWD, "/proc/self/mountinfo", LIMIT, text);
}

/* "\040" and such stand for blanks, tabs, newlines and backslashes. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* "id parent major:minor root mountpoint options propagation… - type source options". A source may be empty. */
static bool split(char *text, struct mountinfo_line *line)
{
	char *rest = strstr(text, " - "), *id = text, *end;
	char *root, *mountpoint;

	if (!rest)
		return false;
	*rest = '\0';
	rest += 3;
	(void)strsep(&text, " ");
	(void)strsep(&text, " ");
	(void)strsep(&text, " ");
	root = strsep(&text, " ");
	mountpoint = strsep(&text, " ");
	(void)strsep(&text, " ");
	line->id = strtoull(id, &end, 10);
	line->propagation = text ? text : "";
	line->type = strsep(&rest, " ");
	line->source = strsep(&rest, " ");
	line->options = rest;
	if (end == id || *end || !root || !mountpoint || !line->options)
		return false;
	line->root = unescape(root);
	line->mountpoint = unescape(mountpoint);
	return true;
}

bool mountinfo_next(char **at, struct mountinfo_line *line)
{
	char *text;

	while (*at && (text = strsep(at, "\n"))) {
		if (*text && split(text, line))
			return true;
	}
	return false;
}
