/* SPDX-License-Identifier: Apache-2.0 */
/* CNI configuration files, as lists and single: what is taken is complete, and is taken again as it came out. */
#include "network/bandwidth.h"
#include "network/cni_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const cJSON *list)
{
	const char *name = "", *version = "";
	const cJSON *plugins = NULL, *plugin;

	if (json_string(list, "name", &name) < 0 || !*name || strchr(name, '/') ||
	    json_string(list, "cniVersion", &version) < 0 || json_array(list, "plugins", &plugins) < 0 ||
	    cJSON_GetArraySize(plugins) < 1 || cJSON_GetArraySize(plugins) > CNI_PLUGINS_MAX)
		abort();
	cJSON_ArrayForEach(plugin, plugins)
	{
		const char *type = "";

		if (json_string(plugin, "type", &type) < 0 || !*type || strchr(type, '/'))
			abort();
	}
}

static void read_again(const cJSON *list)
{
	char *text = cJSON_PrintUnformatted(list), *second = NULL;
	const char *problem = "";
	cJSON *again = NULL;
	int result;

	if (!text)
		return;
	result = cni_config_read(text, strlen(text), true, &again, &problem);
	if (result == 0)
		second = cJSON_PrintUnformatted(again);
	/* Written out it may be longer than what is read: escapes. */
	if (result == 0 ? second && strcmp(text, second) != 0 : strlen(text) <= CNI_CONFIG_MAX)
		abort();
	cJSON_Delete(again);
	cJSON_free(text);
	cJSON_free(second);
}

static void read_quantity(const uint8_t *data, size_t size)
{
	uint64_t bits = 0;
	char text[64];

	if (size >= sizeof(text))
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (bandwidth_parse(text, &bits) == 0 &&
	    (bits < 1000 || bits > UINT64_C(1000000000000000) || bandwidth_burst(bits) > UINT32_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int is_list = 0; is_list < 2; is_list++) {
		const char *problem = NULL;
		cJSON *list = NULL;
		int result = cni_config_read((const char *)data, size, is_list, &list, &problem);

		if (result == 0) {
			check(list);
			read_again(list);
			cJSON_Delete(list);
		} else if (list || !problem || !*problem || (result != -EINVAL && result != -ENOMEM)) {
			abort();
		}
	}
	read_quantity(data, size);
	return 0;
}
