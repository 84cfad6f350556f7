/* SPDX-License-Identifier: Apache-2.0 */
/* The tables against the public headers: no input struct and no member is forgotten; the _init functions. */
#include "config/table.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif
#if __has_builtin(__builtin_clear_padding)
#define CLEAR_PADDING(pointer) (__builtin_clear_padding(pointer), true)
#else
#define CLEAR_PADDING(pointer) ((void)(pointer), false)
#endif

struct input {
	const struct config_table *table;
	const char *name;
	size_t minimum;    /* of the first version, where pointers and longs have 64 bits */
	const void *macro; /* an object made by the INIT macro */
	void (*init)(void *object, size_t size);
	bool (*members)(void *bytes); /* sets the bytes of members to 0xff, those of padding to 0; false: unknown */
};

#define INPUT(type, macro, table_, minimum_)                                                                           \
	static void init_##type(void *object, size_t size)                                                             \
	{                                                                                                              \
		type##_init(object, size);                                                                             \
	}                                                                                                              \
	static bool members_##type(void *bytes)                                                                        \
	{                                                                                                              \
		memset(bytes, 0xff, sizeof(type));                                                                     \
		return CLEAR_PADDING((type *)bytes);                                                                   \
	}                                                                                                              \
	static const type object_##type = { macro };                                                                   \
	static const struct input input_##type = { &(table_),      #type,       minimum_,                              \
						   &object_##type, init_##type, members_##type };

INPUT(cri_key_value, CRI_KEY_VALUE_INIT, config_key_value, 24)
INPUT(cri_id_mapping, CRI_ID_MAPPING_INIT, config_id_mapping, 20)
INPUT(cri_user_namespace, CRI_USER_NAMESPACE_INIT, config_user_namespace, 48)
INPUT(cri_port_mapping, CRI_PORT_MAPPING_INIT, config_port_mapping, 32)
INPUT(cri_dns_config, CRI_DNS_CONFIG_INIT, config_dns_config, 56)
INPUT(cri_selinux_option, CRI_SELINUX_OPTION_INIT, config_selinux_option, 40)
INPUT(cri_security_profile, CRI_SECURITY_PROFILE_INIT, config_security_profile, 24)
INPUT(cri_hugepage_limit, CRI_HUGEPAGE_LIMIT_INIT, config_hugepage_limit, 24)
INPUT(cri_resources, CRI_RESOURCES_INIT, config_resources, 120)
INPUT(cri_sandbox_config, CRI_SANDBOX_CONFIG_INIT, config_sandbox, 272)
INPUT(cri_mount, CRI_MOUNT_INIT, config_mount, 104)
INPUT(cri_device, CRI_DEVICE_INIT, config_device, 32)
INPUT(cri_container_config, CRI_CONTAINER_CONFIG_INIT, config_container, 456)
INPUT(cri_registry_options, CRI_REGISTRY_OPTIONS_INIT, config_registry_options, 64)
INPUT(cri_handler_options, CRI_HANDLER_OPTIONS_INIT, config_handler_options, 48)
INPUT(cri_engine_options, CRI_ENGINE_OPTIONS_INIT, config_engine_options, 224)
INPUT(cri_sandbox_filter, CRI_SANDBOX_FILTER_INIT, config_sandbox_filter, 40)
INPUT(cri_container_filter, CRI_CONTAINER_FILTER_INIT, config_container_filter, 48)
INPUT(cri_exec_options, CRI_EXEC_OPTIONS_INIT, config_exec_options, 56)
INPUT(cri_auth, CRI_AUTH_INIT, config_auth, 56)
INPUT(cri_pull_options, CRI_PULL_OPTIONS_INIT, config_pull_options, 49)
INPUT(cri_import_options, CRI_IMPORT_OPTIONS_INIT, config_import_options, 41)
INPUT(cri_save_options, CRI_SAVE_OPTIONS_INIT, config_save_options, 12)
INPUT(cri_stream_options, CRI_STREAM_OPTIONS_INIT, config_stream_options, 32)
INPUT(cri_stream_server_options, CRI_STREAM_SERVER_OPTIONS_INIT, config_stream_server_options, 64)

static const struct input *const inputs[] = {
	&input_cri_key_value,
	&input_cri_id_mapping,
	&input_cri_user_namespace,
	&input_cri_port_mapping,
	&input_cri_dns_config,
	&input_cri_selinux_option,
	&input_cri_security_profile,
	&input_cri_hugepage_limit,
	&input_cri_resources,
	&input_cri_sandbox_config,
	&input_cri_mount,
	&input_cri_device,
	&input_cri_container_config,
	&input_cri_registry_options,
	&input_cri_handler_options,
	&input_cri_engine_options,
	&input_cri_sandbox_filter,
	&input_cri_container_filter,
	&input_cri_exec_options,
	&input_cri_auth,
	&input_cri_pull_options,
	&input_cri_import_options,
	&input_cri_save_options,
	&input_cri_stream_options,
	&input_cri_stream_server_options,
};
#define N_INPUTS (sizeof(inputs) / sizeof(inputs[0]))

static void cover(unsigned char *covered, size_t offset, size_t length)
{
	memset(covered + offset, 0xff, length);
}

/* Every byte that is no padding belongs to an entry, and no entry lies in padding. */
static void test_every_member_has_an_entry(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		const struct config_table *table = inputs[i]->table;
		unsigned char *covered = calloc(1, table->size);
		unsigned char *members = malloc(table->size);

		assert_non_null(covered);
		assert_non_null(members);
		if (!inputs[i]->members(members)) {
			free(covered);
			free(members);
			print_message("the compiler cannot tell padding from members\n");
			skip();
			return;
		}
		cover(covered, 0, sizeof(size_t));
		for (size_t f = 0; f < table->n_fields; f++) {
			const struct config_field *field = &table->fields[f];

			cover(covered, field->offset, config_member_size(field));
			if (field->count)
				cover(covered, field->count, sizeof(size_t));
			if (field->presence != CONFIG_PLAIN)
				cover(covered, field->has, sizeof(bool));
		}
		for (size_t byte = 0; byte < table->size; byte++)
			if (covered[byte] != members[byte])
				fail_msg("%s: byte %zu is %s", table->name, byte,
					 members[byte] ? "of a member without an entry" : "padding");
		free(covered);
		free(members);
	}
}

/* No byte twice (has_ members that are entries of their own excepted), no path twice, none too long to be written. */
static void test_entries_are_distinct(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		const struct config_table *table = inputs[i]->table;

		assert_true(table->n_fields <= CONFIG_MAX_FIELDS);
		assert_string_equal(table->name, inputs[i]->name);
		for (size_t f = 0; f < table->n_fields; f++) {
			assert_true(strlen(table->fields[f].path) < 64);
			for (size_t g = 0; g < f; g++) {
				assert_string_not_equal(table->fields[f].path, table->fields[g].path);
				if (table->fields[f].kind != CONFIG_UNSUPPORTED)
					assert_int_not_equal(table->fields[f].offset, table->fields[g].offset);
			}
		}
	}
}

/* The first versions: a program compiled against them must be accepted for ever. */
static void test_minimum_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		const struct config_table *table = inputs[i]->table;

		assert_true(table->minimum > sizeof(size_t));
		assert_true(table->minimum <= table->size);
#ifdef __LP64__
		if (table->minimum != inputs[i]->minimum)
			fail_msg("%s: a first version of %zu bytes became %zu", table->name, inputs[i]->minimum,
				 table->minimum);
#endif
	}
}

static const struct input *find_input(const char *name, size_t length)
{
	for (size_t i = 0; i < N_INPUTS; i++)
		if (strlen(inputs[i]->name) == length && strncmp(inputs[i]->name, name, length) == 0)
			return inputs[i];
	return NULL;
}

/* Counts the structs in a header that begin with a size; each must be known above. */
static size_t inspect_header(const char *path)
{
	static const char begin[] = "typedef struct ", member[] = "size_t size;";
	static char text[1 << 18];
	FILE *file = fopen(path, "re");
	size_t length, found = 0;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	assert_true(length < sizeof(text) - 1);
	text[length] = '\0';
	fclose(file);
	for (const char *at = text; (at = strstr(at, begin)) != NULL;) {
		size_t name;

		at += strlen(begin);
		name = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");

		const char *rest = at + name;

		if (strncmp(rest, " {", 2) != 0)
			continue;
		rest += 2;
		rest += strspn(rest, " \t\n");
		if (strncmp(rest, member, strlen(member)) != 0)
			continue;
		if (!find_input(at, name))
			fail_msg("%s: %.*s has no table", path, (int)name, at);
		found++;
	}
	return found;
}

static void test_every_struct_has_a_table(void **state)
{
	/* Relative to the directory in which the tests are built and run. */
	static const char below[] = "tests/unit/";
	const char *end = strstr(__FILE__, below);
	char pattern[4096];
	glob_t headers;
	size_t found = 0;

	(void)state;
	assert_non_null(end);
	snprintf(pattern, sizeof(pattern), "%.*sinclude/libcri/*.h", (int)(end - __FILE__), __FILE__);
	if (glob(pattern, 0, NULL, &headers) != 0) {
		print_message("the headers are not at %s\n", pattern);
		skip();
	}
	for (size_t i = 0; i < headers.gl_pathc; i++)
		found += inspect_header(headers.gl_pathv[i]);
	globfree(&headers);
	assert_int_equal(found, N_INPUTS);
}

static void test_init_equals_macro(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_INPUTS; i++) {
		size_t size = inputs[i]->table->size;
		unsigned char *object = malloc(size + 16);
		size_t larger = size + 8, read;

		assert_non_null(object);
		memset(object, 0xaa, size + 16);
		inputs[i]->init(object, size);
		assert_memory_equal(object, inputs[i]->macro, size);
		assert_int_equal(object[size], 0xaa);

		/* A header newer than the library. */
		memset(object, 0xaa, size + 16);
		inputs[i]->init(object, larger);
		memcpy(&read, object, sizeof(read));
		assert_int_equal(read, larger);
		assert_memory_equal(object + sizeof(size_t), (const char *)inputs[i]->macro + sizeof(size_t),
				    size - sizeof(size_t));
		for (size_t byte = size; byte < larger; byte++)
			assert_int_equal(object[byte], 0);
		assert_int_equal(object[larger], 0xaa);

		/* A header older than the library, and a size that cannot be: nothing is written beyond them. */
		memset(object, 0xaa, size + 16);
		inputs[i]->init(object, sizeof(size_t) + 1);
		memcpy(&read, object, sizeof(read));
		assert_int_equal(read, sizeof(size_t) + 1);
		assert_int_equal(object[sizeof(size_t) + 1], 0xaa);
		memset(object, 0xaa, size + 16);
		inputs[i]->init(object, sizeof(size_t) - 1);
		assert_int_equal(object[0], 0xaa);
		inputs[i]->init(NULL, size);
		free(object);
	}
}

static void test_defaults(void **state)
{
	cri_sandbox_config sandbox;
	cri_container_config container;
	cri_engine_options options;

	(void)state;
	cri_sandbox_config_init(&sandbox, sizeof(sandbox));
	assert_int_equal(sandbox.pid, CRI_NAMESPACE_CONTAINER);
	cri_container_config_init(&container, sizeof(container));
	assert_int_equal(container.pid, CRI_NAMESPACE_CONTAINER);
	cri_engine_options_init(&options, sizeof(options));
	assert_int_equal(options.cgroup_driver, CRI_CGROUP_CGROUPFS);
	assert_int_equal(options.log_level, CRI_LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member_has_an_entry),
		cmocka_unit_test(test_entries_are_distinct),
		cmocka_unit_test(test_minimum_sizes),
		cmocka_unit_test(test_every_struct_has_a_table),
		cmocka_unit_test(test_init_equals_macro),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
