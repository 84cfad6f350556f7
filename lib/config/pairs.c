/* SPDX-License-Identifier: Apache-2.0 */
/* Labels, annotations and other maps of texts. */
#include "config/table.h"

#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
	const cri_key_value *const *left = a;
	const cri_key_value *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

ptrdiff_t config_pairs_sort(const cri_key_value **pairs, size_t n_pairs)
{
	if (n_pairs < 2)
		return -1;
	qsort(pairs, n_pairs, sizeof(void *), compare_keys);
	for (size_t i = 1; i < n_pairs; i++)
		if (strcmp(pairs[i - 1]->key, pairs[i]->key) == 0)
			return (ptrdiff_t)i;
	return -1;
}

int config_pairs_to_json(cri_key_values pairs, size_t n_pairs, char **json, cri_call *call)
{
	cJSON *object CLEANUP_JSON = config_pairs_object(pairs, n_pairs);

	return object ? config_print(object, json, call) : call_no_memory(call, "write labels");
}

cJSON *config_pairs_object(cri_key_values pairs, size_t n_pairs)
{
	cJSON *object CLEANUP_JSON = cJSON_CreateObject();

	if (!object)
		return NULL;
	for (size_t i = 0; i < n_pairs; i++) {
		const char *value = pairs[i]->value;

		if (!cJSON_AddStringToObject(object, pairs[i]->key, value ? value : ""))
			return NULL;
	}
	return TAKE_POINTER(object);
}

int config_pairs_read(struct arena *arena, const cJSON *object, const struct config_place *place,
		      const cri_key_value *const **pairs, size_t *n_pairs, cri_call *call)
{
	int count = cJSON_GetArraySize(object);
	size_t i = 0;

	if (count > CONFIG_MAX_ELEMENTS)
		return config_fail(call, CRI_EINVAL, place, "%d elements are more than %d", count, CONFIG_MAX_ELEMENTS);

	const cri_key_value **list = arena_array(arena, (size_t)count, sizeof(void *));
	cri_key_value *elements = arena_array(arena, (size_t)count, sizeof(*elements));
	const cJSON *item;

	if (!list || !elements)
		return call_no_memory(call, "read config");
	cJSON_ArrayForEach(item, object)
	{
		struct config_place at = CONFIG_PLACE(place, item->string);

		at.name_length = 64;
		if (!cJSON_IsString(item))
			return config_fail(call, CRI_EINVAL, &at, "it is no text");
		elements[i] = (cri_key_value){ CRI_KEY_VALUE_INIT };
		elements[i].key = arena_strdup(arena, item->string);
		elements[i].value = arena_strdup(arena, item->valuestring);
		if (!elements[i].key || !elements[i].value)
			return call_no_memory(call, "read config");
		list[i] = &elements[i];
		i++;
	}
	*pairs = list;
	*n_pairs = i;
	return 0;
}

int config_pairs_from_json(struct arena *arena, const char *json, cri_key_values *pairs, size_t *n_pairs,
			   cri_call *call)
{
	cJSON *object CLEANUP_JSON = NULL;
	struct config_place place = CONFIG_PLACE(NULL, "pairs");
	const cri_key_value *const *list = NULL;
	size_t n = 0;
	int result;

	/* Most have none, and lists read many. */
	if (strcmp(json, "{}") == 0) {
		*pairs = NULL;
		*n_pairs = 0;
		return 0;
	}
	result = config_parse(json, strlen(json), &object, call);
	if (result)
		return result;
	result = config_pairs_read(arena, object, &place, &list, &n, call);
	if (result)
		return result;

	ptrdiff_t twice = config_pairs_sort((const cri_key_value **)list, n);

	if (twice >= 0)
		return config_fail(call, CRI_EINVAL, &place, "\"%.64s\" is given twice", list[twice]->key);
	*pairs = list;
	*n_pairs = n;
	return 0;
}

bool config_pairs_match(cri_key_values pairs, size_t n_pairs, cri_key_values selector, size_t n_selector)
{
	for (size_t i = 0; i < n_selector; i++) {
		size_t j = 0;

		while (j < n_pairs && !(text_equal(pairs[j]->key, selector[i]->key) &&
					text_equal(pairs[j]->value, selector[i]->value)))
			j++;
		if (j == n_pairs)
			return false;
	}
	return true;
}
