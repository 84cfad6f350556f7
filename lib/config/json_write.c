/* SPDX-License-Identifier: Apache-2.0 */
/* A config into JSON, in the names of the .proto. What equals the CRI's default, zero, is left out. */
#include "config/table.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXACT (INT64_C(1) << 53) /* the doubles of JSON hold every integer up to here */

int config_print(const cJSON *object, char **json, cri_call *call)
{
	/* A host may have given cJSON an allocator of its own; ours is for cri_free. */
	char *printed = cJSON_PrintUnformatted(object);
	char *text = printed ? strdup(printed) : NULL;

	cJSON_free(printed);
	if (!text)
		return call_no_memory(call, "write config");
	if (strlen(text) > CONFIG_MAX_BYTES) {
		free(text);
		return call_fail(call, CRI_EINVAL, "write config", "as JSON it is larger than 1 MiB");
	}
	*json = text;
	return 0;
}

/* Not cJSON_CreateNumber: it writes 1e+15, which Go's reader does not take for an integer. */
static cJSON *signed_item(int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	return value >= -EXACT && value <= EXACT ? cJSON_CreateRaw(digits) : cJSON_CreateString(digits);
}

static cJSON *unsigned_item(uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return value <= EXACT ? cJSON_CreateRaw(digits) : cJSON_CreateString(digits);
}

static bool load_bool(const char *config, size_t offset)
{
	bool value;

	memcpy(&value, config + offset, sizeof(value));
	return value;
}

static int64_t load_signed(const struct config_field *field, const char *member)
{
	int64_t wide;
	int32_t narrow;
	uint32_t natural;
	uint16_t small;

	switch ((enum config_kind)field->kind) {
	case CONFIG_INT32:
	case CONFIG_ENUM:
		memcpy(&narrow, member, sizeof(narrow));
		return narrow;
	case CONFIG_UINT32:
		memcpy(&natural, member, sizeof(natural));
		return natural;
	case CONFIG_UINT16:
		memcpy(&small, member, sizeof(small));
		return small;
	default:
		memcpy(&wide, member, sizeof(wide));
		return wide;
	}
}

static cJSON *signal_item(const char *signal)
{
	int number = config_signal_number(signal);

	return number >= 0 ? signed_item(number) : cJSON_CreateString(signal);
}

static cJSON *struct_item(const struct config_table *table, const char *config);

static cJSON *element_item(const struct config_field *field, const char *element)
{
	const char *text;

	if (field->kind == CONFIG_INT64S) {
		int64_t number;

		memcpy(&number, element, sizeof(number));
		return signed_item(number);
	}
	memcpy(&text, element, sizeof(text));
	if (field->kind == CONFIG_TEXTS)
		return cJSON_CreateString(text);
	if (field->kind == CONFIG_STRUCTS)
		return struct_item(field->table, text);

	cJSON *named CLEANUP_JSON = cJSON_CreateObject();

	if (!named || !cJSON_AddStringToObject(named, "name", text))
		return NULL;
	return TAKE_POINTER(named);
}

static cJSON *array_item(const struct config_field *field, const char *config)
{
	size_t size = field->kind == CONFIG_INT64S ? sizeof(int64_t) : sizeof(void *);
	cJSON *array CLEANUP_JSON = cJSON_CreateArray();
	const char *elements;
	size_t n;

	if (!array)
		return NULL;
	memcpy(&elements, config + field->offset, sizeof(elements));
	memcpy(&n, config + field->count, sizeof(n));
	for (size_t i = 0; i < n; i++) {
		cJSON *element = element_item(field, elements + i * size);

		if (!element || !cJSON_AddItemToArray(array, element)) {
			cJSON_Delete(element);
			return NULL;
		}
	}
	return TAKE_POINTER(array);
}

static cJSON *map_item(const struct config_field *field, const char *config)
{
	cri_key_values pairs;
	size_t n;

	memcpy(&pairs, config + field->offset, sizeof(pairs));
	memcpy(&n, config + field->count, sizeof(n));
	return config_pairs_object(pairs, n);
}

static cJSON *optional_item(const struct config_field *field, const char *config)
{
	cJSON *wrapper CLEANUP_JSON = cJSON_CreateObject();
	cJSON *value = signed_item(load_signed(field, config + field->offset));

	if (!wrapper || !value || !cJSON_AddItemToObject(wrapper, "value", value)) {
		cJSON_Delete(value);
		return NULL;
	}
	return TAKE_POINTER(wrapper);
}

/* Whether a member differs from what its absence in JSON means. */
static bool is_given(const struct config_field *field, const char *config)
{
	static const char zeros[sizeof(int64_t)];
	const char *text;
	size_t n;

	if (field->presence != CONFIG_PLAIN && load_bool(config, field->has))
		return true;
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
		memcpy(&text, config + field->offset, sizeof(text));
		return text && *text;
	case CONFIG_ZERO_IS_MEANT:
		return load_bool(config, field->offset) && memcmp(config + field->has, zeros, sizeof(int64_t)) == 0;
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
	case CONFIG_MAP:
		memcpy(&n, config + field->count, sizeof(n));
		return n > 0;
	case CONFIG_OPAQUE:
	case CONFIG_UNSUPPORTED:
		return false;
	default:
		return memcmp(config + field->offset, zeros, config_member_size(field)) != 0;
	}
}

static cJSON *member_item(const struct config_field *field, const char *config)
{
	const char *member = config + field->offset;
	const char *pointer;
	uint64_t natural;

	if (field->presence == CONFIG_OPTIONAL)
		return optional_item(field, config);
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
		memcpy(&pointer, member, sizeof(pointer));
		return cJSON_CreateString(pointer);
	case CONFIG_SIGNAL:
		memcpy(&pointer, member, sizeof(pointer));
		return signal_item(pointer);
	case CONFIG_BOOL:
	case CONFIG_ZERO_IS_MEANT:
		return cJSON_CreateTrue();
	case CONFIG_UINT64:
		memcpy(&natural, member, sizeof(natural));
		return unsigned_item(natural);
	case CONFIG_STRUCT:
		memcpy(&pointer, member, sizeof(pointer));
		return struct_item(field->table, pointer);
	case CONFIG_MAP:
		return map_item(field, config);
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
		return array_item(field, config);
	default:
		return signed_item(load_signed(field, member));
	}
}

/* Puts an item at its path, making the objects on the way. The item is the object's, or deleted. */
static bool place_item(cJSON *object, const char *path, cJSON *item)
{
	const char *dot;

	for (; item && (dot = strchr(path, '.')); path = dot + 1) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);

		cJSON *message = cJSON_GetObjectItemCaseSensitive(object, name);

		object = message ? message : cJSON_AddObjectToObject(object, name);
		if (!object)
			break;
	}
	if (item && object && cJSON_AddItemToObject(object, path, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static cJSON *struct_item(const struct config_table *table, const char *config)
{
	cJSON *object CLEANUP_JSON = cJSON_CreateObject();

	if (!object)
		return NULL;
	for (size_t i = 0; i < table->n_fields; i++) {
		const struct config_field *field = &table->fields[i];

		if (is_given(field, config) && !place_item(object, field->path, member_item(field, config)))
			return NULL;
	}
	return TAKE_POINTER(object);
}

int config_to_json(const struct config_table *table, const void *config, char **json, cri_call *call)
{
	cJSON *object CLEANUP_JSON = struct_item(table, config);

	return object ? config_print(object, json, call) : call_no_memory(call, "write config");
}

int config_to_text(const struct config_table *table, struct arena *arena, const void *config, const char **json,
		   cri_call *call)
{
	CLEANUP_FREE char *text = NULL;
	int result = config_to_json(table, config, &text, call);

	if (result < 0)
		return result;
	/* Cleanup attributes are unknown to it. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	*json = arena_strdup(arena, text);
	return *json ? 0 : call_no_memory(call, "write config");
}

int config_pairs_to_text(struct arena *arena, cri_key_values pairs, size_t n_pairs, const char **json, cri_call *call)
{
	CLEANUP_FREE char *text = NULL;
	int result = config_pairs_to_json(pairs, n_pairs, &text, call);

	if (result < 0)
		return result;
	*json = arena_strdup(arena, text);
	return *json ? 0 : call_no_memory(call, "write config");
}
