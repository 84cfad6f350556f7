/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON into a config: protobuf's JSON mapping of CRI's messages, which nest where our structs are flat. What is read is
 * a struct like one of a caller's; config_copy then checks and settles it as it does those.
 */
#include "config/table.h"

#include "base/json.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>

struct reading {
	struct arena *arena;
	cri_call *call;
};

static int no_memory(const struct reading *reading)
{
	return call_no_memory(reading->call, "read config");
}

static int wrong(const struct reading *reading, const struct config_place *place, const char *what)
{
	return config_fail(reading->call, CRI_EINVAL, place, "it is no %s", what);
}

int config_parse(const char *json, size_t length, cJSON **object, cri_call *call)
{
	cJSON *value CLEANUP_JSON = NULL;
	int error = json_parse(json, length, CONFIG_MAX_BYTES, &value);

	switch (error) {
	case 0:
		break;
	case -ENOMEM:
		return call_no_memory(call, "read config");
	case -EFBIG:
		return call_fail(call, CRI_EINVAL, "read config", "the JSON is larger than 1 MiB");
	case -ELOOP:
		return call_fail(call, CRI_EINVAL, "read config", "the JSON is nested deeper than %d levels",
				 JSON_MAX_DEPTH);
	default:
		return call_fail(call, CRI_EINVAL, "read config", "it is no well-formed JSON in UTF-8");
	}
	if (!cJSON_IsObject(value))
		return call_fail(call, CRI_EINVAL, "read config", "the JSON is no object");
	*object = TAKE_POINTER(value);
	return 0;
}

/* Whether a key is a field's name as the .proto has it, "run_as_user", or as protobuf's JSON has it, "runAsUser". */
static bool is_name(const char *name, size_t length, const char *key)
{
	if (strncmp(name, key, length) == 0 && !key[length])
		return true;
	for (size_t i = 0; i < length; i++) {
		char expected = name[i];

		if (expected == '_' && i + 1 < length)
			expected = (char)toupper((unsigned char)name[++i]);
		if (*key++ != expected)
			return false;
	}
	return !*key;
}

/* A whole number between the bounds, as a number or, since a JSON number is a double, as quoted digits. */
static int read_int64(const struct reading *reading, const cJSON *item, const struct config_place *place, int64_t least,
		      int64_t most, int64_t *value)
{
	const double exact = 9007199254740992.0; /* 2^53 */
	int64_t number;

	if (cJSON_IsString(item)) {
		if (text_to_int64(item->valuestring, &number))
			return wrong(reading, place, "whole number in range");
	} else if (cJSON_IsNumber(item)) {
		double real = item->valuedouble;

		if (!(real >= -exact && real <= exact))
			return wrong(reading, place, "number up to 2^53; write a larger one in quotes");
		number = (int64_t)real;
		if ((double)number != real)
			return wrong(reading, place, "whole number");
	} else {
		return wrong(reading, place, "number");
	}
	if (number < least || number > most)
		return wrong(reading, place, "number in range");
	*value = number;
	return 0;
}

static int read_uint64(const struct reading *reading, const cJSON *item, const struct config_place *place,
		       uint64_t *value)
{
	int64_t number;
	int result;

	if (cJSON_IsString(item))
		return text_to_uint64(item->valuestring, value) ? wrong(reading, place, "whole number in range") : 0;
	result = read_int64(reading, item, place, 0, INT64_MAX, &number);
	if (!result)
		*value = (uint64_t)number;
	return result;
}

static int read_integer(const struct reading *reading, const struct config_field *field, const cJSON *item,
			const struct config_place *place, char *member)
{
	static const struct {
		int64_t least, most;
	} bounds[] = {
		[CONFIG_INT32] = { INT32_MIN, INT32_MAX },
		[CONFIG_INT64] = { INT64_MIN, INT64_MAX },
		[CONFIG_UINT16] = { 0, UINT16_MAX },
		[CONFIG_UINT32] = { 0, UINT32_MAX },
	};
	int64_t number;
	int result = read_int64(reading, item, place, bounds[field->kind].least, bounds[field->kind].most, &number);

	if (result)
		return result;
	switch ((enum config_kind)field->kind) {
	case CONFIG_INT32:
		memcpy(member, &(int32_t){ (int32_t)number }, sizeof(int32_t));
		break;
	case CONFIG_UINT16:
		memcpy(member, &(uint16_t){ (uint16_t)number }, sizeof(uint16_t));
		break;
	case CONFIG_UINT32:
		memcpy(member, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t));
		break;
	default:
		memcpy(member, &number, sizeof(number));
	}
	return 0;
}

static int read_enum(const struct reading *reading, const struct config_field *field, const cJSON *item,
		     const struct config_place *place, char *member)
{
	int64_t number;
	int value, result;

	if (cJSON_IsString(item)) {
		for (const struct config_name *name = field->names; name->name; name++)
			if (strcmp(name->name, item->valuestring) == 0) {
				memcpy(member, &name->value, sizeof(name->value));
				return 0;
			}
		return config_fail(reading->call, CRI_EINVAL, place, "\"%.64s\" is unknown", item->valuestring);
	}
	result = read_int64(reading, item, place, INT32_MIN, INT32_MAX, &number);
	if (result)
		return result;
	value = (int)number;
	memcpy(member, &value, sizeof(value));
	return 0;
}

static int read_text(const struct reading *reading, const cJSON *item, const struct config_place *place,
		     const char **text)
{
	if (!cJSON_IsString(item))
		return wrong(reading, place, "text");
	*text = arena_strdup(reading->arena, item->valuestring);
	return *text ? 0 : no_memory(reading);
}

static int read_signal(const struct reading *reading, const cJSON *item, const struct config_place *place,
		       const char **signal)
{
	int64_t number;
	int result;

	if (cJSON_IsString(item)) {
		*signal = config_signal_of_name(item->valuestring);
		return *signal ? 0 : read_text(reading, item, place, signal);
	}
	result = read_int64(reading, item, place, 0, INT64_MAX, &number);
	if (result)
		return result;
	*signal = config_signal_of_number(number);
	return *signal ? 0 : wrong(reading, place, "Signal of the CRI");
}

static int read_struct(const struct reading *reading, const struct config_table *table, const cJSON *item,
		       const struct config_place *place, const void **copy);

/* {"name": text}, CRI's CDIDevice. */
static int read_named_text(const struct reading *reading, const cJSON *item, const struct config_place *place,
			   const char **text)
{
	const struct config_place at = CONFIG_PLACE(place, "name");

	if (!cJSON_IsObject(item))
		return wrong(reading, place, "object");
	if (cJSON_GetArraySize(item) != 1 || strcmp(item->child->string, "name") != 0)
		return wrong(reading, place, "object with one key, \"name\"");
	return read_text(reading, item->child, &at, text);
}

static int read_element(const struct reading *reading, const struct config_field *field, const cJSON *item,
			const struct config_place *place, void *element)
{
	const char *text = NULL;
	const void *copy = NULL;
	int result;

	switch ((enum config_kind)field->kind) {
	case CONFIG_INT64S:
		return read_int64(reading, item, place, INT64_MIN, INT64_MAX, element);
	case CONFIG_TEXTS:
		result = read_text(reading, item, place, &text);
		memcpy(element, &text, sizeof(text));
		return result;
	case CONFIG_NAMED_TEXTS:
		result = read_named_text(reading, item, place, &text);
		memcpy(element, &text, sizeof(text));
		return result;
	default:
		result = read_struct(reading, field->table, item, place, &copy);
		memcpy(element, &copy, sizeof(copy));
		return result;
	}
}

static int read_array(const struct reading *reading, const struct config_field *field, const cJSON *item,
		      const struct config_place *place, char *config)
{
	size_t size = field->kind == CONFIG_INT64S ? sizeof(int64_t) : sizeof(void *);
	const bool given = true;
	const cJSON *child;
	size_t n = 0;

	if (!cJSON_IsArray(item))
		return wrong(reading, place, "array");
	if (cJSON_GetArraySize(item) > CONFIG_MAX_ELEMENTS)
		return config_fail(reading->call, CRI_EINVAL, place, "%d elements are more than %d",
				   cJSON_GetArraySize(item), CONFIG_MAX_ELEMENTS);

	char *elements = arena_array(reading->arena, (size_t)cJSON_GetArraySize(item), size);

	if (!elements)
		return no_memory(reading);
	cJSON_ArrayForEach(child, item)
	{
		struct config_place at = CONFIG_PLACE_AT(place->parent, place->name, n);
		int result = read_element(reading, field, child, &at, elements + n * size);

		if (result)
			return result;
		n++;
	}
	memcpy(config + field->offset, &elements, sizeof(elements));
	memcpy(config + field->count, &n, sizeof(n));
	if (field->presence == CONFIG_NULLABLE)
		memcpy(config + field->has, &given, sizeof(given));
	return 0;
}

static int read_map(const struct reading *reading, const struct config_field *field, const cJSON *item,
		    const struct config_place *place, char *config)
{
	const cri_key_value *const *pairs;
	size_t n;
	int result;

	if (!cJSON_IsObject(item))
		return wrong(reading, place, "object");
	result = config_pairs_read(reading->arena, item, place, &pairs, &n, reading->call);
	if (result)
		return result;
	memcpy(config + field->offset, &pairs, sizeof(pairs));
	memcpy(config + field->count, &n, sizeof(n));
	return 0;
}

/* Int64Value: {"value": N}, {} being 0, or what protobuf's JSON makes of it, a plain N. */
static int read_optional(const struct reading *reading, const struct config_field *field, const cJSON *item,
			 const struct config_place *place, char *config)
{
	const struct config_place at = CONFIG_PLACE(place, "value");
	const bool given = true;

	memcpy(config + field->has, &given, sizeof(given));
	if (cJSON_IsObject(item)) {
		if (!item->child)
			return 0;
		if (item->child->next || strcmp(item->child->string, "value") != 0)
			return wrong(reading, place, "number, nor an object with one key, \"value\"");
		item = item->child;
		place = &at;
	}
	return (field->kind == CONFIG_ENUM ? read_enum : read_integer)(reading, field, item, place,
								       config + field->offset);
}

static int read_unsupported(const struct reading *reading, const struct config_field *field, const cJSON *item,
			    const struct config_place *place)
{
	bool empty = ((cJSON_IsObject(item) || cJSON_IsArray(item)) && !item->child) ||
		     (cJSON_IsString(item) && !*item->valuestring);

	return empty ? 0 : config_fail(reading->call, CRI_ENOTSUP, place, "%s", field->refusal);
}

static int read_field(const struct reading *reading, const struct config_field *field, const cJSON *item,
		      const struct config_place *place, char *config)
{
	char *member = config + field->offset;
	const void *pointer = NULL;
	bool truth;
	int result;

	if (field->presence == CONFIG_OPTIONAL)
		return read_optional(reading, field, item, place, config);
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
		result = (field->kind == CONFIG_TEXT ? read_text : read_signal)(reading, item, place,
										(const char **)&pointer);
		memcpy(member, &pointer, sizeof(pointer));
		return result;
	case CONFIG_BOOL:
	case CONFIG_ZERO_IS_MEANT:
		if (!cJSON_IsBool(item))
			return wrong(reading, place, "bool");
		truth = cJSON_IsTrue(item);
		memcpy(member, &truth, sizeof(truth));
		return 0;
	case CONFIG_ENUM:
		return read_enum(reading, field, item, place, member);
	case CONFIG_UINT64:
		return read_uint64(reading, item, place, (uint64_t *)(void *)member);
	case CONFIG_STRUCT:
		result = read_struct(reading, field->table, item, place, &pointer);
		memcpy(member, &pointer, sizeof(pointer));
		return result;
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
		return read_array(reading, field, item, place, config);
	case CONFIG_MAP:
		return read_map(reading, field, item, place, config);
	case CONFIG_UNSUPPORTED:
		return read_unsupported(reading, field, item, place);
	case CONFIG_OPAQUE:
	case CONFIG_INT32:
	case CONFIG_INT64:
	case CONFIG_UINT16:
	case CONFIG_UINT32:
		break;
	}
	return read_integer(reading, field, item, place, member);
}

/* The field whose path continues `prefix` with `key`, itself or as the name of the message that it is in. */
static const struct config_field *find_field(const struct config_table *table, const char *prefix, size_t length,
					     const char *key, size_t *component)
{
	for (size_t i = 0; i < table->n_fields; i++) {
		const struct config_field *field = &table->fields[i];

		if (field->kind == CONFIG_OPAQUE || strncmp(field->path, prefix, length) != 0)
			continue;
		*component = strcspn(field->path + length, ".");
		if (is_name(field->path + length, *component, key))
			return field;
	}
	return NULL;
}

/* One message of the CRI, whose fields are those of the table that begin with the first `length` bytes of `prefix`. */
static int read_message(const struct reading *reading, const struct config_table *table, const char *prefix,
			size_t length, const cJSON *object, const struct config_place *place, uint64_t *seen,
			char *config)
{
	struct config_place message = { .parent = place, .name = prefix, .name_length = (int)length - 1 };
	const cJSON *item;

	cJSON_ArrayForEach(item, object)
	{
		size_t component;
		const struct config_field *field = find_field(table, prefix, length, item->string, &component);
		int result = 0;

		if (!field) {
			struct config_place at = CONFIG_PLACE(length ? &message : place, item->string);

			at.name_length = 64;
			return config_fail(reading->call, CRI_EINVAL, &at, "the key is unknown");
		}

		struct config_place at = CONFIG_PLACE(place, field->path);
		uint64_t bit = UINT64_C(1) << (field - table->fields);

		if (field->path[length + component] == '.') {
			at.name_length = (int)(length + component);
			if (cJSON_IsObject(item))
				result = read_message(reading, table, field->path, length + component + 1, item, place,
						      seen, config);
			else if (!cJSON_IsNull(item))
				result = wrong(reading, &at, "object");
		} else if (*seen & bit) {
			result = config_fail(reading->call, CRI_EINVAL, &at, "it is given twice");
		} else if (!cJSON_IsNull(item)) {
			*seen |= bit;
			result = read_field(reading, field, item, &at, config);
		}
		if (result)
			return result;
	}
	return 0;
}

static int read_struct(const struct reading *reading, const struct config_table *table, const cJSON *item,
		       const struct config_place *place, const void **copy)
{
	uint64_t seen = 0;
	char *config;
	int result;

	if (!cJSON_IsObject(item))
		return wrong(reading, place, "object");
	/* Zeroed, not the INIT macro's defaults: what JSON does not give is 0 in the CRI, the pid mode too. */
	config = arena_alloc(reading->arena, table->size);
	if (!config)
		return no_memory(reading);
	memcpy(config, &table->size, sizeof(table->size));
	result = read_message(reading, table, "", 0, item, place, &seen, config);
	*copy = config;
	return result;
}

int config_from_json(const struct config_table *table, struct arena *arena, const char *json, size_t length,
		     const void **config, cri_call *call)
{
	cJSON *object CLEANUP_JSON = NULL;
	struct arena scratch CLEANUP_ARENA = ARENA_EMPTY;
	const struct reading reading = { .arena = &scratch, .call = call };
	const void *read = NULL;
	int result = config_parse(json, length, &object, call);

	if (!result)
		result = read_struct(&reading, table, object, NULL, &read);
	return result ? result : config_copy(table, arena, read, config, call);
}
