/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of callers' structs: sizes of other versions, bad members, settled values, independence of the original. */
#include "config/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int copy(const struct config_table *table, const void *input, const void **out, struct arena *arena,
		cri_call *call)
{
	call_init(call);
	return config_copy(table, arena, input, out, call);
}

static void accept(const struct config_table *table, const void *input)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *out = NULL;
	cri_call call;

	assert_int_equal(copy(table, input, &out, &arena, &call), 0);
	assert_non_null(out);
}

static void refuse(const struct config_table *table, const void *input, const char *text)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *out = NULL;
	cri_call call;

	assert_int_equal(copy(table, input, &out, &arena, &call), CRI_EINVAL);
	assert_null(out);
	if (!strstr(call.message, text))
		fail_msg("\"%s\" does not say \"%s\"", call.message, text);
}

static void test_null_is_defaults(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *out;
	cri_call call;

	(void)state;
	assert_int_equal(copy(&config_container, NULL, &out, &arena, &call), 0);

	const cri_container_config *config = out;

	assert_int_equal(config->size, sizeof(*config));
	assert_int_equal(config->pid, CRI_NAMESPACE_CONTAINER);
	assert_string_equal(config->name, "");
	assert_string_equal(config->stop_signal, "");
	assert_null(config->mounts);
}

static void test_sizes(void **state)
{
	union {
		cri_sandbox_config config;
		unsigned char bytes[sizeof(cri_sandbox_config) + 64];
	} input;

	(void)state;
	memset(&input, 0, sizeof(input));
	refuse(&config_sandbox, &input.config, "size 0 is too small for a cri_sandbox_config");
	input.config.size = 8;
	refuse(&config_sandbox, &input.config, "too small");
	input.config.size = config_sandbox.minimum - 1;
	refuse(&config_sandbox, &input.config, "too small");
	input.config.size = config_sandbox.minimum;
	accept(&config_sandbox, &input.config);
	input.config.size = sizeof(cri_sandbox_config);
	accept(&config_sandbox, &input.config);
	input.config.size = sizeof(input);
	accept(&config_sandbox, &input.config);
	input.bytes[sizeof(input) - 1] = 1;
	refuse(&config_sandbox, &input.config, "this version of the library lacks");
	input.config.size = sizeof(input) - 1;
	accept(&config_sandbox, &input.config);
	input.config.size = SIZE_MAX;
	refuse(&config_sandbox, &input.config, "larger than 1 MiB");
}

/* A struct that has grown: `mode` and the texts came later. */
struct grown {
	size_t size;
	const char *first;
	uint32_t number;
	cri_namespace_mode mode;
	const char *const *texts;
	size_t n_texts;
};
static const struct config_name modes[] = { { "POD", 0 }, { "NODE", 2 }, { NULL, 0 } };
static const struct config_field grown_fields[] = {
	{ CONFIG_VALUE(struct grown, first, const char *, CONFIG_TEXT, "first") },
	{ CONFIG_VALUE(struct grown, number, uint32_t, CONFIG_UINT32, "number") },
	{ CONFIG_VALUE(struct grown, mode, cri_namespace_mode, CONFIG_ENUM, "mode"), .names = modes },
	{ CONFIG_VALUE(struct grown, texts, const char *const *, CONFIG_TEXTS, "texts"),
	  CONFIG_COUNT(struct grown, n_texts) },
};
static const struct grown grown_defaults = { .size = sizeof(struct grown), .mode = CRI_NAMESPACE_NODE };
static const struct config_table config_grown = CONFIG_TABLE(struct grown, number, &grown_defaults, grown_fields);

static void test_older_version(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *out;
	cri_call call;
	/* What lies behind the old struct must not be read. */
	struct grown old = { .size = offsetof(struct grown, mode),
			     .first = "x",
			     .number = 7,
			     .mode = CRI_NAMESPACE_POD,
			     .texts = (const char *const *)8,
			     .n_texts = 3 };

	(void)state;
	assert_int_equal(copy(&config_grown, &old, &out, &arena, &call), 0);

	const struct grown *config = out;

	assert_int_equal(config->size, sizeof(struct grown));
	assert_string_equal(config->first, "x");
	assert_int_equal(config->number, 7);
	assert_int_equal(config->mode, CRI_NAMESPACE_NODE);
	assert_int_equal(config->n_texts, 0);

	old.size = offsetof(struct grown, texts) + 4;
	refuse(&config_grown, &old, "ends within a member");
	old.size = offsetof(struct grown, n_texts) + 1;
	refuse(&config_grown, &old, "ends within a member");
	old.size = offsetof(struct grown, number);
	refuse(&config_grown, &old, "too small");
}

static void test_size_of_nested(void **state)
{
	const cri_mount good = { CRI_MOUNT_INIT, .container_path = "/a" }, bad = { .container_path = "/b" };
	const cri_mount *const mounts[] = { &good, &bad };
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .mounts = mounts, .n_mounts = 2 };

	(void)state;
	refuse(&config_container, &config, "mounts[1]: size 0 is too small for a cri_mount");
}

static void test_arrays(void **state)
{
	const char *const with_null[] = { "a", NULL };
	const char **many = calloc(4097, sizeof(*many));

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < 4097; i++)
		many[i] = "x";

	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .n_args = 2 };

	refuse(&config_container, &config, "args: the count is 2 but the array is NULL");
	config.args = with_null;
	refuse(&config_container, &config, "args[1]: it is NULL");
	config.args = many;
	config.n_args = 4097;
	refuse(&config_container, &config, "args: 4097 elements are more than 4096");
	config.n_args = SIZE_MAX / 4;
	refuse(&config_container, &config, "more than 4096");
	config.n_args = 4096;
	accept(&config_container, &config);
	config.n_args = 0;
	accept(&config_container, &config);
	free(many);
}

static void test_scalars(void **state)
{
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .network = (cri_namespace_mode)4 };
	const unsigned char two = 2;

	(void)state;
	refuse(&config_container, &config, "linux.security_context.namespace_options.network: 4 is out of range");
	config.network = CRI_NAMESPACE_POD;
	memcpy(&config.tty, &two, 1);
	refuse(&config_container, &config, "tty: a bool must be 0 or 1, not 2");
	config.tty = false;
	memcpy(&config.has_run_as_user, &two, 1);
	refuse(&config_container, &config, "linux.security_context.run_as_user: a bool");
	config.has_run_as_user = false;
	memcpy(&config.has_masked_paths, &two, 1);
	refuse(&config_container, &config, "linux.security_context.masked_paths: a bool");
	config.has_masked_paths = false;
	config.run_as_user = 1000;
	refuse(&config_container, &config, "run_as_user: a value is given but its has_ flag is not set");
	config.has_run_as_user = true;
	accept(&config_container, &config);

	const cri_sandbox_filter filter = { CRI_SANDBOX_FILTER_INIT, .state = CRI_SANDBOX_NOTREADY };

	refuse(&config_sandbox_filter, &filter, "state: a value is given");
}

static void test_texts(void **state)
{
	const size_t length = 1 << 20;
	char *large = malloc(length + 1);
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "caf\xe9" };

	(void)state;
	assert_non_null(large);
	memset(large, 'a', length);
	large[length] = '\0';
	refuse(&config_container, &config, "metadata.name: it is no UTF-8");
	config.name = "caf\xc3\xa9";
	accept(&config_container, &config);
	config.name = large;
	refuse(&config_container, &config, "metadata.name: all in all it is larger than 1 MiB");
	large[length / 2] = '\0';
	accept(&config_container, &config);
	config.image = large;
	refuse(&config_container, &config, "image.image: all in all");
	free(large);
}

static void test_is_deep_and_settled(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	char key[] = "b", value[] = "1", path[] = "/data";
	int64_t groups[] = { 5, 6 };
	cri_key_value second = { CRI_KEY_VALUE_INIT, .key = key, .value = value },
		      first = { CRI_KEY_VALUE_INIT, .key = "a" };
	const cri_key_value *labels[] = { &second, &first };
	cri_mount mount = { CRI_MOUNT_INIT, .container_path = path };
	const cri_mount *mounts[] = { &mount };
	const char *masked[] = { path };
	cri_resources resources = { CRI_RESOURCES_INIT, .oom_score_adj = 3 };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT,
					.labels = labels,
					.n_labels = 2,
					.envs = labels,
					.n_envs = 2,
					.mounts = mounts,
					.n_mounts = 1,
					.resources = &resources,
					.masked_paths = masked,
					.n_masked_paths = 1,
					.supplemental_groups = groups,
					.n_supplemental_groups = 2 };
	const void *out;
	cri_call call;

	(void)state;
	assert_int_equal(copy(&config_container, &config, &out, &arena, &call), 0);
	key[0] = value[0] = path[1] = '?';
	groups[0] = groups[1] = 0;
	memset(&mount, 0xff, sizeof(mount));
	memset(&resources, 0xff, sizeof(resources));
	memset(labels, 0xff, sizeof(labels));
	memset(mounts, 0xff, sizeof(mounts));
	memset(&config, 0xff, sizeof(config));

	const cri_container_config *own = out;

	assert_string_equal(own->labels[0]->key, "a");
	assert_string_equal(own->labels[0]->value, "");
	assert_string_equal(own->labels[1]->key, "b");
	assert_string_equal(own->labels[1]->value, "1");
	assert_string_equal(own->envs[0]->key, "b"); /* a list, not a map */
	assert_string_equal(own->mounts[0]->container_path, "/data");
	assert_string_equal(own->mounts[0]->host_path, "");
	assert_string_equal(own->masked_paths[0], "/data");
	assert_true(own->has_masked_paths);
	assert_false(own->has_readonly_paths);
	assert_true(own->resources->has_oom_score_adj);
	assert_false(own->resources->has_memory_swap_limit);
	assert_int_equal(own->supplemental_groups[1], 6);
}

static void test_map_keys_are_unique(void **state)
{
	const cri_key_value a = { CRI_KEY_VALUE_INIT, .key = "a", .value = "1" },
			    b = { CRI_KEY_VALUE_INIT, .key = "b", .value = "1" },
			    again = { CRI_KEY_VALUE_INIT, .key = "a", .value = "2" };
	const cri_key_value *const pairs[] = { &a, &b, &again };
	cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .sysctls = pairs, .n_sysctls = 3 };

	(void)state;
	refuse(&config_sandbox, &config, "linux.sysctls: \"a\" is given twice");
	config.n_sysctls = 2;
	accept(&config_sandbox, &config);

	const cri_exec_options options = { CRI_EXEC_OPTIONS_INIT, .envs = pairs, .n_envs = 3 };

	accept(&config_exec_options, &options);
}

static void log_line(cri_log_level level, const char *message, void *user_data)
{
	(void)level;
	(void)message;
	(void)user_data;
}

static void test_opaque_members(void **state)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	int data;
	const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .log = log_line, .log_data = &data };
	const void *out;
	cri_call call;

	(void)state;
	assert_int_equal(copy(&config_engine_options, &options, &out, &arena, &call), 0);
	assert_ptr_equal(((const cri_engine_options *)out)->log_data, &data);
	assert_true(((const cri_engine_options *)out)->log == log_line);
	assert_string_equal(((const cri_engine_options *)out)->root, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_is_defaults),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_older_version),
		cmocka_unit_test(test_size_of_nested),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_is_deep_and_settled),
		cmocka_unit_test(test_map_keys_are_unique),
		cmocka_unit_test(test_opaque_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
