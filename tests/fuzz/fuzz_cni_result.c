/* SPDX-License-Identifier: Apache-2.0 */
/* What CNI plugins print: what is taken can be written for plugins of every version, and read again. */
#include "base/json.h"
#include "helpers/network/program.h"
#include "helpers/network/result.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const cJSON *a, const cJSON *b)
{
	char *first = cJSON_PrintUnformatted(a), *second = cJSON_PrintUnformatted(b);
	const bool same = !first || !second || !strcmp(first, second);

	cJSON_free(first);
	cJSON_free(second);
	return same;
}

static void write_and_read(const cJSON *result, const char *version)
{
	struct failure failure = { 0 };
	cJSON *written = NULL, *again = NULL;

	if (result_write(result, version, &written, &failure) < 0)
		abort();
	if (result_read(written, &again, &failure) < 0)
		abort();
	/* Old versions have one address a family, and no interfaces. */
	if (strcmp(version, "0.3.0") >= 0 && !is_same(result, again))
		abort();
	cJSON_Delete(written);
	cJSON_Delete(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const versions[] = { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };
	struct failure failure = { 0 };
	cJSON *printed = NULL, *result = NULL;
	struct prefix prefix;
	unsigned n = 0;

	if (json_parse((const char *)data, size, PROGRAM_OUTPUT_MAX, &printed) < 0)
		return 0;
	if (result_read(printed, &result, &failure) < 0) {
		if (result || !failure.code || !failure.text[0])
			abort();
		cJSON_Delete(printed);
		return 0;
	}
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		write_and_read(result, versions[i]);
	while (result_pod_address(result, n, &prefix)) {
		if (++n > RESULT_MAX_ELEMENTS)
			abort();
	}
	cJSON_Delete(printed);
	cJSON_Delete(result);
	return 0;
}
