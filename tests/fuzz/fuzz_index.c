/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes and manifest lists, and the choice of a platform among them. */
#include "image/document.h"
#include "image/reference.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct platform wanted = { "linux", "arm", "v7" };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct index index = { .n_manifests = 0 };
	cri_call call;

	call_init(&call);
	if (index_parse(&arena, (const char *)data, size, &index, &call) < 0)
		return 0;
	for (size_t i = 0; i < index.n_manifests; i++) {
		const struct descriptor *descriptor = &index.manifests[i];
		int rank;

		if (!descriptor->media_type || !descriptor->name || !digest_is_valid(descriptor->digest))
			abort();
		if (!descriptor->has_platform)
			continue;
		rank = platform_rank(&wanted, &descriptor->platform);
		if (rank < 0 || rank > PLATFORM_SAME)
			abort();
	}
	return 0;
}
