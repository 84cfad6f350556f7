/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate headers: reading them ends, and every text that comes of it does. */
#include "helpers/fetch/registry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	if (strnlen(text, size) == size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = malloc(size + 1);
	const char *text = header;
	struct challenge challenge;

	if (!header)
		return 0;
	if (size)
		memcpy(header, data, size);
	header[size] = '\0';
	while (true) {
		const char *before = text;

		if (!challenge_next(&text, &challenge))
			break;
		if (text <= before || text > header + size)
			abort();
		check_text(challenge.scheme, sizeof(challenge.scheme));
		check_text(challenge.realm, sizeof(challenge.realm));
		check_text(challenge.service, sizeof(challenge.service));
		check_text(challenge.scope, sizeof(challenge.scope));
		check_text(challenge.error, sizeof(challenge.error));
		if (!*challenge.scheme || strpbrk(challenge.scheme, "ABCDEFGHIJKLMNOPQRSTUVWXYZ \t,="))
			abort();
	}
	free(header);
	return 0;
}
