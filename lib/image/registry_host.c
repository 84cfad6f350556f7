/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts of registries and how lists name them. */
#include "image/pull.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define HUB "docker.io"

static const char *const hub_names[] = { "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com" };

int registry_host(const char *text, char host[HOST_SIZE])
{
	const char *begin = strstr(text, "://");
	size_t length;

	begin = begin ? begin + 3 : text;
	length = strcspn(begin, "/");
	if (!length || length >= HOST_SIZE)
		return -EINVAL;
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("@?#\"\\", *c))
			return -EINVAL;
	snprintf(host, HOST_SIZE, "%.*s", (int)length, begin);
	for (size_t i = 0; i < sizeof(hub_names) / sizeof(hub_names[0]); i++)
		if (strcmp(host, hub_names[i]) == 0)
			snprintf(host, HOST_SIZE, HUB);
	return 0;
}

/* Without port and brackets. */
static void bare_name(const char *host, char name[HOST_SIZE])
{
	if (*host == '[')
		snprintf(name, HOST_SIZE, "%.*s", (int)strcspn(host + 1, "]"), host + 1);
	else
		snprintf(name, HOST_SIZE, "%.*s", (int)strcspn(host, ":"), host);
}

/* 4 or 16 bytes; 0: it is a name. */
static size_t parse_address(const char *text, unsigned char bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static bool is_in_network(const char *address, const char *network, int64_t bits)
{
	unsigned char a[16], b[16];
	const size_t length = parse_address(address, a);

	if (!length || parse_address(network, b) != length || bits < 0 || bits > (int64_t)length * 8)
		return false;
	for (int64_t i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> (i % 8)))
			return false;
	return true;
}

bool registry_is_loopback(const char *host)
{
	char name[HOST_SIZE];

	bare_name(host, name);
	return strcmp(name, "localhost") == 0 || text_ends(name, ".localhost") || is_in_network(name, "127.0.0.0", 8) ||
	       is_in_network(name, "::1", 128);
}

bool registry_matches(const char *entry, const char *host)
{
	char name[HOST_SIZE], named[HOST_SIZE];
	const char *slash = strstr(entry, "://") ? NULL : strchr(entry, '/');
	int64_t bits;

	bare_name(host, name);
	if (slash && text_to_int64(slash + 1, &bits) == 0 && slash - entry < HOST_SIZE) {
		snprintf(named, sizeof(named), "%.*s", (int)(slash - entry), entry);
		return is_in_network(name, named, bits);
	}
	/* Without a port it names all of them. */
	return registry_host(entry, named) == 0 && (strcmp(named, host) == 0 || strcmp(named, name) == 0);
}

static const char checking[] = "check the registries";

static int check_mirrors(const char *const *mirrors, size_t n_mirrors, const char *field, cri_call *call)
{
	char host[HOST_SIZE];

	for (size_t i = 0; i < n_mirrors; i++) {
		if (registry_host(mirrors[i], host))
			return call_fail(call, CRI_EINVAL, checking, "%s[%zu]: it is no URL of a registry", field, i);
		if (strstr(mirrors[i], "://") && !text_starts(mirrors[i], "http://") &&
		    !text_starts(mirrors[i], "https://"))
			return call_fail(call, CRI_EINVAL, checking, "%s[%zu]: it is neither http nor https", field, i);
	}
	return 0;
}

int registry_check_options(const cri_engine_options *options, cri_call *call)
{
	int result = check_mirrors(options->registry_mirrors, options->n_registry_mirrors, "registry_mirrors", call);

	for (size_t i = 0; i < options->n_registries && result == 0; i++) {
		const cri_registry_options *registry = options->registries[i];
		char host[HOST_SIZE], field[64];

		if (registry_host(registry->host, host))
			return call_fail(call, CRI_EINVAL, checking, "registries[%zu].host: \"%s\" is no host", i,
					 registry->host);
		snprintf(field, sizeof(field), "registries[%zu].mirrors", i);
		result = check_mirrors(registry->mirrors, registry->n_mirrors, field, call);
	}
	return result;
}
