/* SPDX-License-Identifier: Apache-2.0 */
#include "image/reference.h"

#include "base/text.h"
#include "image/fetch_protocol.h"
#include "image/image.h"

#include <string.h>

#define DEFAULT_HOST "docker.io"
#define LEGACY_HOST "index.docker.io"
#define OFFICIAL "library/"
#define DEFAULT_TAG "latest"
#define NAME_MAX_LENGTH 255
#define TAG_MAX_LENGTH 128
#define DIGEST_HEX 64
#define ID_PREFIX_MIN 4

static const char step[] = "read the image's name";

/* The grammar speaks of ASCII, whatever the host's locale. */
static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t hex_length(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

bool digest_is_valid(const char *text)
{
	return text_starts(text, DIGEST_PREFIX) && hex_length(text + strlen(DIGEST_PREFIX)) == DIGEST_HEX &&
	       strlen(text) == strlen(DIGEST_PREFIX) + DIGEST_HEX;
}

bool reference_may_be_id(const char *text)
{
	const char *digits = text_starts(text, DIGEST_PREFIX) ? text + strlen(DIGEST_PREFIX) : text;
	size_t length = hex_length(digits);

	return !digits[length] && length >= ID_PREFIX_MIN && length <= DIGEST_HEX;
}

/* [a-z0-9]+ joined by one of . _ __ or any number of - */
static size_t component_length(const char *text)
{
	size_t length = 0, separator;

	for (;;) {
		size_t start = length;

		while (is_lower_or_digit(text[length]))
			length++;
		if (length == start)
			return 0;
		if (text[length] == '.')
			separator = 1;
		else if (text[length] == '_')
			separator = text[length + 1] == '_' ? 2 : 1;
		else
			separator = strspn(text + length, "-");
		if (!separator)
			return length;
		length += separator;
	}
}

static int check_path(const char *path, const char *text, cri_call *call)
{
	for (const char *c = path; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			return call_fail(call, CRI_EINVAL, step, "\"%s\": a repository is written in lower case", text);
	for (;;) {
		size_t length = component_length(path);

		if (!length || (path[length] && path[length] != '/'))
			return call_fail(call, CRI_EINVAL, step, "\"%s\": \"%s\" is no repository", text, path);
		if (!path[length])
			return 0;
		path += length + 1;
	}
}

/* Labels of letters, digits and inner "-" joined by ".", or an IPv6 address in brackets; then ":port". */
static bool host_is_valid(const char *host)
{
	size_t length = 0;
	const char *port;

	if (*host == '[') {
		length = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
		if (length < 3 || host[length++] != ']')
			return false;
	} else {
		for (;;) {
			size_t start = length;

			while ((is_word(host[length]) && host[length] != '_') || host[length] == '-')
				length++;
			if (length == start || host[start] == '-' || host[length - 1] == '-')
				return false;
			if (host[length] != '.')
				break;
			length++;
		}
	}
	if (!host[length])
		return true;
	port = host + length + 1;
	length = strspn(port, "0123456789");
	return port[-1] == ':' && length > 0 && length <= 5 && !port[length];
}

static bool tag_is_valid(const char *tag)
{
	size_t length = 0;

	if (!is_word(*tag))
		return false;
	while (is_word(tag[length]) || tag[length] == '.' || tag[length] == '-')
		length++;
	return !tag[length] && length <= TAG_MAX_LENGTH;
}

/* Only what looks like a host is one: "a/b" is a repository of Docker Hub. */
static bool is_host(const char *text)
{
	if (strcmp(text, "localhost") == 0 || strpbrk(text, ".:"))
		return true;
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			return true;
	return false;
}

static int set_name(struct arena *arena, char *name, const char *text, struct reference *reference, cri_call *call)
{
	char *slash = strchr(name, '/');
	const char *path = name;

	reference->host = DEFAULT_HOST;
	if (slash) {
		*slash = '\0';
		if (is_host(name)) {
			if (!host_is_valid(name))
				return call_fail(call, CRI_EINVAL, step, "\"%s\": \"%s\" is no registry host", text,
						 name);
			reference->host = strcmp(name, LEGACY_HOST) == 0 ? DEFAULT_HOST : name;
			path = slash + 1;
		} else {
			*slash = '/';
		}
	}
	if (strcmp(reference->host, DEFAULT_HOST) == 0 && !strchr(path, '/'))
		path = arena_printf(arena, OFFICIAL "%s", path);
	if (!path)
		return call_no_memory(call, step);
	reference->path = path;
	reference->repository = arena_printf(arena, "%s/%s", reference->host, path);
	if (!reference->repository)
		return call_no_memory(call, step);
	if (strlen(reference->repository) > NAME_MAX_LENGTH)
		return call_fail(call, CRI_EINVAL, step, "\"%.64s…\": it is longer than %d characters", text,
				 NAME_MAX_LENGTH);
	return check_path(path, text, call);
}

int reference_parse(struct arena *arena, const char *text, struct reference *reference, cri_call *call)
{
	char *name = arena_strdup(arena, text ? text : "");
	char *digest, *tag, *slash;

	if (!name)
		return call_no_memory(call, step);
	if (!*name)
		return call_fail(call, CRI_EINVAL, step, "it is empty");
	*reference = (struct reference){ .tag = "", .digest = "" };
	digest = strchr(name, '@');
	if (digest) {
		*digest++ = '\0';
		if (!digest_is_valid(digest))
			return call_fail(call, CRI_EINVAL, step,
					 "\"%s\": \"%s\" is no digest (sha256: and 64 lower-case hex digits)", text,
					 digest);
		reference->digest = digest;
	}
	slash = strrchr(name, '/');
	tag = strchr(slash ? slash : name, ':');
	if (tag) {
		*tag++ = '\0';
		if (!tag_is_valid(tag))
			return call_fail(call, CRI_EINVAL, step, "\"%s\": \"%s\" is no tag", text, tag);
	}
	/* The digest says all; a tag beside it may have moved since it was written. */
	if (!digest)
		reference->tag = tag ? tag : DEFAULT_TAG;
	return set_name(arena, name, text, reference, call);
}

int image_normalise(struct arena *arena, const char *text, const char **normalised, cri_call *call)
{
	struct reference reference = { .digest = "" };
	const char *made;
	int result;

	if (text && strlen(text) == DIGEST_HEX && hex_length(text) == DIGEST_HEX) {
		made = arena_printf(arena, DIGEST_PREFIX "%s", text);
	} else if (text && digest_is_valid(text)) {
		made = arena_strdup(arena, text);
	} else {
		result = reference_parse(arena, text, &reference, call);
		if (result < 0)
			return result;
		made = *reference.digest ? arena_printf(arena, "%s@%s", reference.repository, reference.digest)
					 : arena_printf(arena, "%s:%s", reference.repository, reference.tag);
	}
	if (!made)
		return call_no_memory(call, step);
	*normalised = made;
	return 0;
}

int image_find(cri_engine *engine, struct arena *arena, const char *text, struct image_row *row, cri_call *call)
{
	const char *normalised = NULL;
	int result = image_normalise(arena, text, &normalised, call);

	if (result == 0)
		result = store_image_get(engine->store, arena, normalised, row, call);
	if ((result != CRI_ENOTFOUND && result != CRI_EINVAL) || !reference_may_be_id(text ? text : ""))
		return result;
	/* No image of that name: the digits may begin an id. */
	call_clear(call);
	return store_image_get(engine->store, arena, text, row, call);
}
