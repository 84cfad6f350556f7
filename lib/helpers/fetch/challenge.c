/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 9110 5.6.2 */
static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(const char *text)
{
	size_t length = 0;

	while (is_token(text[length]))
		length++;
	return length;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static const char *skip_separators(const char *text)
{
	return text + strspn(text, " \t,");
}

/* One character of a value; too long a value is cut, which no server will take for the right one. */
static void append(char *to, size_t size, size_t *n, char c)
{
	if (*n + 1 < size)
		to[(*n)++] = c;
	to[*n] = '\0';
}

/* A token or a quoted string. NULL: neither. */
static const char *read_value(const char *text, char *value, size_t size)
{
	size_t n = 0;

	*value = '\0';
	if (*text != '"') {
		size_t length = token_length(text);

		for (size_t i = 0; i < length; i++)
			append(value, size, &n, text[i]);
		return length ? text + length : NULL;
	}
	for (text++; *text && *text != '"'; text++) {
		if (*text == '\\' && !*++text)
			return NULL;
		append(value, size, &n, *text);
	}
	return *text ? text + 1 : NULL;
}

/* name = value. NULL: what follows is something else, such as the next challenge. */
static const char *read_parameter(const char *text, char name[16], char value[1024])
{
	const size_t length = token_length(text);
	const char *rest = skip_blanks(text + length);

	if (!length || *rest != '=')
		return NULL;
	snprintf(name, 16, "%.*s", (int)(length > 15 ? 15 : length), text);
	return read_value(skip_blanks(rest + 1), value, 1024);
}

/* What some schemes have in the place of parameters: "Negotiate dG9rZW42OA==". */
static const char *skip_token68(const char *text)
{
	static const char characters[] = "-._~+/"
					 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const size_t length = strspn(text, characters);
	const char *rest = skip_blanks(text + length + strspn(text + length, "="));

	/* Else it is a parameter's name. */
	return length && (!*rest || *rest == ',') ? rest : text;
}

static void set_parameter(struct challenge *challenge, const char *name, const char *value)
{
	if (strcasecmp(name, "realm") == 0)
		snprintf(challenge->realm, sizeof(challenge->realm), "%s", value);
	else if (strcasecmp(name, "service") == 0)
		snprintf(challenge->service, sizeof(challenge->service), "%.255s", value);
	else if (strcasecmp(name, "scope") == 0)
		snprintf(challenge->scope, sizeof(challenge->scope), "%.511s", value);
	else if (strcasecmp(name, "error") == 0)
		snprintf(challenge->error, sizeof(challenge->error), "%.63s", value);
}

bool challenge_next(const char **text, struct challenge *challenge)
{
	const char *at = skip_separators(*text);
	const size_t length = token_length(at);
	char name[16], value[1024];

	*challenge = (struct challenge){ .scheme = "" };
	if (!length || length >= sizeof(challenge->scheme) || (at[length] && !strchr(" \t,", at[length])))
		return false;
	for (size_t i = 0; i < length; i++)
		challenge->scheme[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] + 'a' - 'A') : at[i];
	at = skip_separators(skip_token68(skip_blanks(at + length)));
	for (;;) {
		const char *next = read_parameter(at, name, value);

		if (!next)
			break;
		set_parameter(challenge, name, value);
		at = skip_separators(next);
	}
	*text = at;
	return true;
}
