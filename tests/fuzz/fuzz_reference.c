/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images. One that is accepted is normal once normalised, and has the parts that it is made of. */
#include "image/image.h"
#include "image/reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *arena, const char *normalised)
{
	struct reference reference;
	const char *again;
	cri_call call;

	call_init(&call);
	if (image_normalise(arena, normalised, &again, &call) || strcmp(again, normalised) != 0)
		abort();
	if (digest_is_valid(normalised))
		return;
	if (reference_parse(arena, normalised, &reference, &call) || !*reference.host || !*reference.path ||
	    (*reference.tag != '\0') == (*reference.digest != '\0'))
		abort();
	/* They become parts of URLs and of paths. */
	if (strstr(reference.path, "..") || strpbrk(normalised, " \t\r\n?#%\\\"'"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	char *text = arena_alloc(&arena, size + 1);
	const char *normalised;
	cri_call call;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	call_init(&call);
	(void)reference_may_be_id(text);
	if (image_normalise(&arena, text, &normalised, &call) == 0)
		check(&arena, normalised);
	else if (call.code >= 0)
		abort();
	return 0;
}
