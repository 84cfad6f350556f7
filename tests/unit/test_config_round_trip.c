/* SPDX-License-Identifier: Apache-2.0 */
/* Every member of the configs that the store keeps as JSON, alone and with all others: written, read, equal. The
 * structs are filled and compared by their tables, which test_config_tables holds against the headers. */
#include "config/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *fill_struct(struct arena *arena, const struct config_table *table, unsigned seed);

static const char *fill_text(struct arena *arena, unsigned seed)
{
	const char *text = arena_printf(arena, "t%u \"\\ \xc3\xa4\t\x01", seed);

	assert_non_null(text);
	return text;
}

static void store_integer(void *member, size_t size, int64_t value)
{
	/* Little and big ends alike. */
	const int32_t narrow = (int32_t)value;
	const uint16_t small = (uint16_t)value;

	if (size == sizeof(value))
		memcpy(member, &value, size);
	else if (size == sizeof(narrow))
		memcpy(member, &narrow, size);
	else
		memcpy(member, &small, size);
}

static void fill_array(struct arena *arena, const struct config_field *field, char *config, unsigned seed)
{
	size_t n = 2;
	void *array;

	if (field->kind == CONFIG_INT64S) {
		int64_t *numbers = arena_array(arena, n, sizeof(*numbers));

		assert_non_null(numbers);
		numbers[0] = INT64_MAX - seed;
		numbers[1] = -1;
		array = numbers;
	} else {
		const void **elements = arena_array(arena, n, sizeof(*elements));

		assert_non_null(elements);
		for (size_t i = 0; i < n; i++)
			elements[i] = field->table ? fill_struct(arena, field->table, seed + (unsigned)i)
						   : (const void *)fill_text(arena, seed + (unsigned)i);
		array = elements;
	}
	memcpy(config + field->offset, &array, sizeof(array));
	memcpy(config + field->count, &n, sizeof(n));
}

static void fill_member(struct arena *arena, const struct config_field *field, char *config, unsigned seed)
{
	char *member = config + field->offset;
	const void *pointer;

	if (field->presence != CONFIG_PLAIN)
		config[field->has] = true;
	switch ((enum config_kind)field->kind) {
	case CONFIG_TEXT:
	case CONFIG_SIGNAL:
		pointer = field->kind == CONFIG_SIGNAL ? "SIGRTMAX-3" : fill_text(arena, seed);
		memcpy(member, &pointer, sizeof(pointer));
		break;
	case CONFIG_BOOL:
	case CONFIG_ZERO_IS_MEANT:
		*member = true;
		break;
	case CONFIG_STRUCT:
		pointer = fill_struct(arena, field->table, seed);
		memcpy(member, &pointer, sizeof(pointer));
		break;
	case CONFIG_TEXTS:
	case CONFIG_NAMED_TEXTS:
	case CONFIG_INT64S:
	case CONFIG_STRUCTS:
	case CONFIG_MAP:
		fill_array(arena, field, config, seed);
		break;
	case CONFIG_ENUM:
		store_integer(member, config_member_size(field), 1);
		break;
	case CONFIG_INT64:
	case CONFIG_UINT64:
		store_integer(member, config_member_size(field), (INT64_C(1) << 60) + seed);
		break;
	case CONFIG_INT32:
	case CONFIG_UINT16:
	case CONFIG_UINT32:
		store_integer(member, config_member_size(field), 7 + seed);
		break;
	case CONFIG_OPAQUE:
	case CONFIG_UNSUPPORTED:
		break;
	}
}

static void *empty_struct(struct arena *arena, const struct config_table *table)
{
	void *config = arena_alloc(arena, table->size);

	assert_non_null(config);
	memcpy(config, &table->size, sizeof(table->size));
	return config;
}

static void *fill_struct(struct arena *arena, const struct config_table *table, unsigned seed)
{
	char *config = empty_struct(arena, table);

	for (size_t i = 0; i < table->n_fields; i++)
		fill_member(arena, &table->fields[i], config, seed * 3 + (unsigned)i);
	return config;
}

static bool equal_structs(const struct config_table *table, const void *a, const void *b)
{
	const char *member = config_difference(table, a, b);

	if (member)
		print_error("%s: %s differs\n", table->name, member);
	return !member;
}

/* Copied, written, read: the same; and written again the same text. Answers the text. */
static char *round_trip(const struct config_table *table, struct arena *arena, const void *config)
{
	const void *copy = NULL, *read = NULL;
	char *json = NULL, *again;
	cri_call call;

	call_init(&call);
	if (config_copy(table, arena, config, &copy, &call) || config_to_json(table, copy, &json, &call) ||
	    config_from_json(table, arena, json, strlen(json), &read, &call))
		fail_msg("%s", call.message);
	if (!equal_structs(table, copy, read))
		fail_msg("%s", json);
	assert_int_equal(config_to_json(table, read, &again, &call), 0);
	assert_string_equal(json, again);
	free(again);
	return json;
}

static const struct config_table *const tables[] = { &config_sandbox, &config_container, &config_resources };

static void test_full(void **state)
{
	(void)state;
	for (size_t t = 0; t < 3; t++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		char *json = round_trip(tables[t], &arena, fill_struct(&arena, tables[t], 1));

		/* Each entry's own name is there, so that none was left out on both ways. */
		for (size_t i = 0; i < tables[t]->n_fields; i++) {
			const struct config_field *field = &tables[t]->fields[i];
			const char *dot = strrchr(field->path, '.');
			char key[80];

			snprintf(key, sizeof(key), "\"%s\":", dot ? dot + 1 : field->path);
			/* The has_ entries tell nothing beside values that are not 0. */
			if (field->kind != CONFIG_UNSUPPORTED && field->kind != CONFIG_ZERO_IS_MEANT &&
			    !strstr(json, key))
				fail_msg("%s is not in %s", key, json);
		}
		free(json);
	}
}

static void test_each_member_alone(void **state)
{
	(void)state;
	for (size_t t = 0; t < 3; t++)
		for (size_t i = 0; i < tables[t]->n_fields; i++) {
			const struct config_field *field = &tables[t]->fields[i];
			struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
			void *config = empty_struct(&arena, tables[t]);
			char *json;

			fill_member(&arena, field, config, 1);
			json = round_trip(tables[t], &arena, config);
			if (field->kind == CONFIG_UNSUPPORTED)
				assert_string_equal(json, "{}");
			else
				assert_string_not_equal(json, "{}");
			free(json);
		}
}

/* An empty struct is not an absent one (an empty seccomp profile is RuntimeDefault), nor is an empty list of masked
 * paths, nor a 0 that is meant. */
static void test_empty_is_not_absent(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const cri_security_profile seccomp = { CRI_SECURITY_PROFILE_INIT };
	const cri_resources resources = { CRI_RESOURCES_INIT, .has_oom_score_adj = true,
					  .has_memory_swap_limit = true };
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT,  .resources = &resources,
					      .has_run_as_user = true,    .has_masked_paths = true,
					      .has_readonly_paths = true, .seccomp = &seccomp };
	char *json = round_trip(&config_container, &arena, &config);

	(void)state;
	assert_string_equal(json,
			    "{\"linux\":{\"resources\":{\"has_oom_score_adj\":true,\"has_memory_swap_limit\":true},"
			    "\"security_context\":{\"namespace_options\":{\"pid\":1},\"run_as_user\":{\"value\":0},"
			    "\"masked_paths\":[],\"readonly_paths\":[],\"seccomp\":{}}}}");
	free(json);
}

static void test_pid_modes(void **state)
{
	(void)state;
	for (int mode = CRI_NAMESPACE_POD; mode <= CRI_NAMESPACE_TARGET; mode++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		const cri_sandbox_config sandbox = { .size = sizeof(sandbox), .pid = (cri_namespace_mode)mode };
		const cri_container_config container = { .size = sizeof(container), .pid = (cri_namespace_mode)mode };

		free(round_trip(&config_sandbox, &arena, &sandbox));
		free(round_trip(&config_container, &arena, &container));
	}
}

static void test_numbers(void **state)
{
	static const int64_t numbers[] = { INT64_MIN,        -(INT64_C(1) << 53) - 1, -1,       1, 1000000000000000,
					   INT64_C(1) << 53, (INT64_C(1) << 53) + 1,  INT64_MAX };
	static const char *const texts[] = {
		"\"-9223372036854775808\"", "\"-9007199254740993\"",  "-1", "1", "1000000000000000", "9007199254740992",
		"\"9007199254740993\"",     "\"9223372036854775807\""
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		const cri_resources resources = { CRI_RESOURCES_INIT, .cpu_quota = numbers[i] };
		char *json = round_trip(&config_resources, &arena, &resources);
		char expected[64];

		snprintf(expected, sizeof(expected), "{\"cpu_quota\":%s}", texts[i]);
		assert_string_equal(json, expected);
		free(json);
	}
}

/* The camelCase names of protobuf's JSON are read for every entry. */
static void test_camel_case(void **state)
{
	(void)state;
	for (size_t t = 0; t < 3; t++) {
		struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
		char *json = round_trip(tables[t], &arena, fill_struct(&arena, tables[t], 1));
		char *camel = malloc(strlen(json) + 1), *to = camel;
		const void *from_json, *from_camel;
		bool in_text = false;
		cri_call call;

		assert_non_null(camel);
		for (const char *from = json; *from; from++) {
			if (*from == '\\') {
				*to++ = *from++;
			} else if (*from == '"') {
				in_text = !in_text;
			} else if (in_text && *from == '_') {
				from++;
				*to++ = (char)(*from >= 'a' && *from <= 'z' ? *from - 'a' + 'A' : *from);
				continue;
			}
			*to++ = *from;
		}
		*to = '\0';
		call_init(&call);
		assert_int_equal(config_from_json(tables[t], &arena, json, strlen(json), &from_json, &call), 0);
		if (config_from_json(tables[t], &arena, camel, strlen(camel), &from_camel, &call))
			fail_msg("%s", call.message);
		assert_true(equal_structs(tables[t], from_json, from_camel));
		assert_string_not_equal(json, camel);
		free(camel);
		free(json);
	}
}

/* What the other tests compare with: each member counts, and each element. */
static void test_difference(void **state)
{
	static const struct config_table *const compared[] = { &config_sandbox, &config_container, &config_resources,
							       &config_engine_options };

	(void)state;
	for (size_t t = 0; t < 4; t++)
		for (size_t i = 0; i < compared[t]->n_fields; i++) {
			const struct config_field *field = &compared[t]->fields[i];
			struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
			char *empty = empty_struct(&arena, compared[t]), *one = empty_struct(&arena, compared[t]);
			char *other = empty_struct(&arena, compared[t]);

			if (field->kind == CONFIG_UNSUPPORTED || field->kind == CONFIG_OPAQUE)
				continue;
			fill_member(&arena, field, one, 1);
			fill_member(&arena, field, other, 1);
			assert_null(config_difference(compared[t], one, other));
			assert_string_equal(config_difference(compared[t], empty, one), field->path);
			assert_string_equal(config_difference(compared[t], one, empty), field->path);
			fill_member(&arena, field, other, 2);
			if (field->kind != CONFIG_BOOL && field->kind != CONFIG_ZERO_IS_MEANT &&
			    field->kind != CONFIG_ENUM && field->kind != CONFIG_SIGNAL)
				assert_string_equal(config_difference(compared[t], one, other), field->path);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_difference),        cmocka_unit_test(test_full),
		cmocka_unit_test(test_each_member_alone), cmocka_unit_test(test_empty_is_not_absent),
		cmocka_unit_test(test_pid_modes),         cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_camel_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
