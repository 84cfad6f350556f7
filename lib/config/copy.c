/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a caller's struct, of whatever version, into one of this library's. */
#include "config/table.h"

#include "base/text.h"

#include <string.h>

struct copying {
	struct arena *arena;
	cri_call *call;
	size_t total; /* bytes copied so far */
};

static int no_memory(const struct copying *copying)
{
	return call_no_memory(copying->call, "copy config");
}

/* Counts bytes towards the limit of the whole. */
static int charge(struct copying *copying, size_t bytes, const struct config_place *place)
{
	if (bytes > CONFIG_MAX_BYTES - copying->total)
		return config_fail(copying->call, CRI_EINVAL, place, "all in all it is larger than 1 MiB");
	copying->total += bytes;
	return 0;
}

static int copy_text(struct copying *copying, const char *text, const struct config_place *place, const char **copy)
{
	size_t room = CONFIG_MAX_BYTES - copying->total;
	size_t length = text ? strnlen(text, room) : 0;
	int result = charge(copying, length + 1, place);

	if (result)
		return result;
	if (!length) {
		*copy = "";
		return 0;
	}
	if (!text_is_utf8(text, length))
		return config_fail(copying->call, CRI_EINVAL, place, "it is no UTF-8");
	*copy = arena_copy(copying->arena, text, length + 1);
	return *copy ? 0 : no_memory(copying);
}

static int check_bool(const struct copying *copying, const void *member, const struct config_place *place)
{
	/* Not read as a bool: any other byte in one is undefined. */
	unsigned char value;

	memcpy(&value, member, sizeof(value));
	if (value > 1)
		return config_fail(copying->call, CRI_EINVAL, place, "a bool must be 0 or 1, not %u", value);
	return 0;
}

static int check_enum(const struct copying *copying, const struct config_field *field, const void *member,
		      const struct config_place *place)
{
	int value;

	memcpy(&value, member, sizeof(value));
	if (!config_enum_name(field->names, value))
		return config_fail(copying->call, CRI_EINVAL, place, "%d is out of range", value);
	return 0;
}

static bool is_zero(const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		if (byte[i])
			return false;
	return true;
}

static int copy_struct(struct copying *copying, const struct config_table *table, const void *input,
		       const struct config_place *place, const void **copy);

/* The elements of an array member; `*member` is the array. */
static int copy_elements(struct copying *copying, const struct config_field *field, const void **member, size_t n,
			 const struct config_place *place)
{
	bool integers = field->kind == CONFIG_INT64S;
	size_t bytes = n * (integers ? sizeof(int64_t) : sizeof(void *));
	int result = charge(copying, bytes, place);

	if (result)
		return result;
	if (integers) {
		*member = arena_copy(copying->arena, *member, bytes);
		return *member ? 0 : no_memory(copying);
	}

	const void *const *from = *member;
	const void **to = arena_array(copying->arena, n, sizeof(*to));

	if (!to)
		return no_memory(copying);
	for (size_t i = 0; i < n && !result; i++) {
		struct config_place at = CONFIG_PLACE_AT(place->parent, place->name, i);

		if (!from[i])
			result = config_fail(copying->call, CRI_EINVAL, &at, "it is NULL");
		else if (field->kind == CONFIG_TEXTS || field->kind == CONFIG_NAMED_TEXTS)
			result = copy_text(copying, from[i], &at, (const char **)&to[i]);
		else
			result = copy_struct(copying, field->table, from[i], &at, &to[i]);
	}
	*member = to;
	return result;
}

static int copy_array(struct copying *copying, const struct config_field *field, char *copy,
		      const struct config_place *place)
{
	const void *array;
	size_t n;
	bool given = true;
	int result;

	memcpy(&array, copy + field->offset, sizeof(array));
	memcpy(&n, copy + field->count, sizeof(n));
	if (!n) {
		memset(copy + field->offset, 0, sizeof(array));
		return 0;
	}
	if (!array)
		return config_fail(copying->call, CRI_EINVAL, place, "the count is %zu but the array is NULL", n);
	if (n > CONFIG_MAX_ELEMENTS)
		return config_fail(copying->call, CRI_EINVAL, place, "%zu elements are more than %d", n,
				   CONFIG_MAX_ELEMENTS);
	result = copy_elements(copying, field, &array, n, place);
	if (result)
		return result;
	if (field->kind == CONFIG_MAP) {
		const cri_key_value **pairs = (const cri_key_value **)array;
		ptrdiff_t twice = config_pairs_sort(pairs, n);

		if (twice >= 0)
			return config_fail(copying->call, CRI_EINVAL, place, "\"%.64s\" is given twice",
					   pairs[twice]->key);
	}
	memcpy(copy + field->offset, &array, sizeof(array));
	if (field->presence == CONFIG_NULLABLE)
		memcpy(copy + field->has, &given, sizeof(given));
	return 0;
}

/* A value without its has_ would silently not count. */
static int check_optional(const struct copying *copying, const struct config_field *field, const char *copy,
			  const struct config_place *place)
{
	int result = check_bool(copying, copy + field->has, place);

	if (result)
		return result;
	if (!copy[field->has] && !is_zero(copy + field->offset, config_member_size(field)))
		return config_fail(copying->call, CRI_EINVAL, place, "a value is given but its has_ flag is not set");
	return 0;
}

static int copy_member(struct copying *copying, const struct config_field *field, char *copy,
		       const struct config_place *place)
{
	char *member = copy + field->offset;
	const void *pointer;
	int result;

	if (field->presence == CONFIG_NULLABLE) {
		result = check_bool(copying, copy + field->has, place);
		if (result)
			return result;
	}
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
		memcpy(&pointer, member, sizeof(pointer));
		result = copy_text(copying, pointer, place, (const char **)&pointer);
		memcpy(member, &pointer, sizeof(pointer));
		return result;
	case CONFIG_BOOL:
		return check_bool(copying, member, place);
	case CONFIG_ZERO_IS_MEANT:
		result = check_bool(copying, member, place);
		if (!result && !is_zero(copy + field->has, sizeof(int64_t)))
			*member = true;
		return result;
	case CONFIG_ENUM:
		result = check_enum(copying, field, member, place);
		if (result)
			return result;
		break;
	case CONFIG_STRUCT:
		memcpy(&pointer, member, sizeof(pointer));
		if (!pointer)
			return 0;
		result = copy_struct(copying, field->table, pointer, place, &pointer);
		memcpy(member, &pointer, sizeof(pointer));
		return result;
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
	case CONFIG_MAP:
		return copy_array(copying, field, copy, place);
	case CONFIG_INT32:
	case CONFIG_INT64:
	case CONFIG_UINT16:
	case CONFIG_UINT32:
	case CONFIG_UINT64:
	case CONFIG_OPAQUE:
	case CONFIG_UNSUPPORTED:
		break;
	}
	return field->presence == CONFIG_OPTIONAL ? check_optional(copying, field, copy, place) : 0;
}

static bool cuts(size_t size, size_t offset, size_t length)
{
	return size > offset && size < offset + length;
}

/* No version of a header ever had a size that ends within a member. */
static bool size_cuts_member(const struct config_table *table, size_t size)
{
	for (size_t i = 0; i < table->n_fields; i++) {
		const struct config_field *field = &table->fields[i];

		if (cuts(size, field->offset, config_member_size(field)))
			return true;
		if (field->count && cuts(size, field->count, sizeof(size_t)))
			return true;
	}
	return false;
}

static int check_size(struct copying *copying, const struct config_table *table, const void *input, size_t size,
		      const struct config_place *place)
{
	if (size < table->minimum)
		return config_fail(copying->call, CRI_EINVAL, place,
				   "size %zu is too small for a %s; initialise it with its INIT macro", size,
				   table->name);
	if (size > CONFIG_MAX_BYTES)
		return config_fail(copying->call, CRI_EINVAL, place, "size %zu of a %s is larger than 1 MiB", size,
				   table->name);
	if (size_cuts_member(table, size))
		return config_fail(copying->call, CRI_EINVAL, place, "size %zu ends within a member of %s", size,
				   table->name);
	if (size > table->size && !is_zero((const char *)input + table->size, size - table->size))
		return config_fail(copying->call, CRI_EINVAL, place,
				   "a member of %s behind byte %zu is set that this version of the library lacks",
				   table->name, table->size);
	return charge(copying, table->size, place);
}

static int copy_struct(struct copying *copying, const struct config_table *table, const void *input,
		       const struct config_place *place, const void **copy)
{
	size_t size;
	int result;

	memcpy(&size, input, sizeof(size));
	result = check_size(copying, table, input, size, place);
	if (result)
		return result;

	char *own = arena_copy(copying->arena, table->defaults, table->size);

	if (!own)
		return no_memory(copying);
	memcpy(own, input, size < table->size ? size : table->size);
	memcpy(own, &table->size, sizeof(table->size));
	for (size_t i = 0; i < table->n_fields; i++) {
		const struct config_field *field = &table->fields[i];
		struct config_place at = CONFIG_PLACE(place, field->path);

		if (field->kind == CONFIG_UNSUPPORTED)
			continue;
		result = copy_member(copying, field, own, &at);
		if (result)
			return result;
	}
	*copy = own;
	return 0;
}

int config_copy(const struct config_table *table, struct arena *arena, const void *input, const void **copy,
		cri_call *call)
{
	struct copying copying = { .arena = arena, .call = call };

	return copy_struct(&copying, table, input ? input : table->defaults, NULL, copy);
}
