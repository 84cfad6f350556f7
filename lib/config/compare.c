/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing two copies of a struct. */
#include "config/table.h"

#include <string.h>

static bool elements_equal(const struct config_field *field, const void *one, const void *other, size_t n)
{
	const void *const *ones = one, *const *others = other;

	if (field->kind == CONFIG_INT64S)
		return !n || !memcmp(one, other, n * sizeof(int64_t));
	for (size_t i = 0; i < n; i++) {
		if (field->kind == CONFIG_TEXTS || field->kind == CONFIG_NAMED_TEXTS) {
			if (strcmp(ones[i], others[i]) != 0)
				return false;
		} else if (config_difference(field->table, ones[i], others[i])) {
			return false;
		}
	}
	return true;
}

static bool arrays_equal(const struct config_field *field, const char *one, const char *other)
{
	const void *array, *other_array;
	size_t n, other_n;

	memcpy(&n, one + field->count, sizeof(n));
	memcpy(&other_n, other + field->count, sizeof(other_n));
	memcpy(&array, one + field->offset, sizeof(array));
	memcpy(&other_array, other + field->offset, sizeof(other_array));
	return n == other_n && elements_equal(field, array, other_array, n);
}

static bool pointers_equal(const struct config_field *field, const char *one, const char *other)
{
	const void *pointer, *other_pointer;

	memcpy(&pointer, one + field->offset, sizeof(pointer));
	memcpy(&other_pointer, other + field->offset, sizeof(other_pointer));
	if (!pointer || !other_pointer)
		return pointer == other_pointer;
	return field->kind == CONFIG_STRUCT ? !config_difference(field->table, pointer, other_pointer)
					    : !strcmp(pointer, other_pointer);
}

static bool members_equal(const struct config_field *field, const char *one, const char *other)
{
	if (field->presence != CONFIG_PLAIN && one[field->has] != other[field->has])
		return false;
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
	case CONFIG_STRUCT:
		return pointers_equal(field, one, other);
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
	case CONFIG_MAP:
		return arrays_equal(field, one, other);
	case CONFIG_BOOL:
	case CONFIG_ZERO_IS_MEANT:
	case CONFIG_INT32:
	case CONFIG_INT64:
	case CONFIG_UINT16:
	case CONFIG_UINT32:
	case CONFIG_UINT64:
	case CONFIG_ENUM:
	case CONFIG_OPAQUE:
		return !memcmp(one + field->offset, other + field->offset, config_member_size(field));
	case CONFIG_UNSUPPORTED:
		break;
	}
	return true;
}

const char *config_difference(const struct config_table *table, const void *one, const void *other)
{
	for (size_t i = 0; i < table->n_fields; i++) {
		if (!members_equal(&table->fields[i], one, other))
			return table->fields[i].path;
	}
	return NULL;
}
