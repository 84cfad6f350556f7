/* SPDX-License-Identifier: Apache-2.0 */
/* Images' configs. */
#include "image/document.h"
#include "image/image.h"
#include "image/reference.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_texts(const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!texts[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct image_config config;
	cri_call call;

	call_init(&call);
	if (image_config_parse(&arena, (const char *)data, size, &config, &call) < 0)
		return 0;
	check_texts(config.entrypoint, config.n_entrypoint);
	check_texts(config.command, config.n_command);
	check_texts(config.environment, config.n_environment);
	if (!config.working_dir || !config.user || !config.stop_signal || !config.architecture || !config.os ||
	    !config.variant)
		abort();
	for (size_t i = 0; i < config.n_diff_ids; i++)
		if (!digest_is_valid(config.diff_ids[i]))
			abort();
	return 0;
}
