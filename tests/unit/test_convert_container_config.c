/* SPDX-License-Identifier: Apache-2.0 */
/* Configs of containers from the wire, held against libcri's own reading of the same config as JSON. */
#include "convert_config_fixture.h"

static void expect_container(const cri_container_config *config, const char *expected)
{
	char *json = NULL;
	cri_list *list = NULL;
	char *again = NULL;

	assert_non_null(config);
	assert_int_equal(cri_container_config_to_json(config, &json, NULL), 0);
	assert_int_equal(cri_container_config_from_json(expected, strlen(expected), &list, NULL), 0);
	assert_int_equal(cri_container_config_to_json(cri_container_config_at(list, 0), &again, NULL), 0);
	expect_same_json(json, again);
	cri_free(json);
	cri_free(again);
	cri_list_free(list);
}

static void fill_lists(struct fixture *fixture, Cri__ContainerConfig *config)
{
	static Cri__KeyValue env = { PROTOBUF_C_MESSAGE_INIT(&cri__key_value__descriptor),
				     "A",
				     { 3, (uint8_t *)"b=c" } };
	static Cri__KeyValue *envs[] = { &env };
	static Cri__Device device = { PROTOBUF_C_MESSAGE_INIT(&cri__device__descriptor), "/dev/a", "/dev/b", "rw" };
	static Cri__Device *devices[] = { &device };
	static Cri__CDIDevice cdi = { PROTOBUF_C_MESSAGE_INIT(&cri__cdidevice__descriptor), "vendor.com/gpu=0" };
	static Cri__CDIDevice *cdis[] = { &cdi };
	struct conversion *c = &fixture->conversion;
	Cri__Mount *mount = message_new(c, &cri__mount__descriptor);

	mount->container_path = "/c";
	mount->host_path = "/h";
	mount->readonly = 1;
	mount->selinux_relabel = 1;
	mount->propagation = CRI__MOUNT_PROPAGATION__PROPAGATION_BIDIRECTIONAL;
	mount->uidmappings = mappings;
	mount->n_uidmappings = 1;
	mount->gidmappings = mappings;
	mount->n_gidmappings = 1;
	mount->recursive_read_only = 1;
	mount->image = message_new(c, &cri__image_spec__descriptor);
	mount->image->image = "data:1";
	mount->image_sub_path = "sub";
	mount->mount_options = texts;
	mount->n_mount_options = 2;
	config->mounts = memory_take(&c->memory, sizeof(*config->mounts));
	config->mounts[0] = mount;
	config->n_mounts = 1;
	config->envs = envs;
	config->n_envs = 1;
	config->devices = devices;
	config->n_devices = 1;
	config->cdi_devices = cdis;
	config->n_cdi_devices = 1;
}

static void fill_security(struct fixture *fixture, Cri__LinuxContainerSecurityContext *security)
{
	struct conversion *c = &fixture->conversion;

	security->capabilities = message_new(c, &cri__capability__descriptor);
	security->capabilities->add_capabilities = texts;
	security->capabilities->n_add_capabilities = 1;
	security->capabilities->drop_capabilities = texts + 1;
	security->capabilities->n_drop_capabilities = 1;
	security->capabilities->add_ambient_capabilities = texts;
	security->capabilities->n_add_ambient_capabilities = 2;
	security->privileged = 1;
	security->namespace_options = message_new(c, &cri__namespace_option__descriptor);
	security->namespace_options->pid = CRI__NAMESPACE_MODE__TARGET;
	security->namespace_options->ipc = CRI__NAMESPACE_MODE__NODE;
	security->namespace_options->target_id = "abcd";
	security->selinux_options = message_new(c, &cri__selinux_option__descriptor);
	security->selinux_options->user = "u";
	security->selinux_options->role = "r";
	security->selinux_options->type = "t";
	security->selinux_options->level = "s0";
	security->run_as_user = message_new(c, &cri__int64_value__descriptor);
	security->run_as_username = "bob";
	security->run_as_group = message_new(c, &cri__int64_value__descriptor);
	security->run_as_group->value = 12;
	security->readonly_rootfs = 1;
	security->supplemental_groups = groups;
	security->n_supplemental_groups = 3;
	security->apparmor_profile = "old";
	security->seccomp_profile_path = "localhost//old.json";
	security->no_new_privs = 1;
	security->masked_paths = texts;
	security->n_masked_paths = 1;
	security->readonly_paths = texts;
	security->n_readonly_paths = 2;
	security->seccomp = message_new(c, &cri__security_profile__descriptor);
	security->apparmor = message_new(c, &cri__security_profile__descriptor);
	security->apparmor->profile_type = CRI__SECURITY_PROFILE__PROFILE_TYPE__Localhost;
	security->apparmor->localhost_ref = "p";
	security->supplemental_groups_policy = CRI__SUPPLEMENTAL_GROUPS_POLICY__Strict;
}

static Cri__ContainerConfig *full_container(struct fixture *fixture)
{
	struct conversion *c = &fixture->conversion;
	Cri__ContainerConfig *config = message_new(c, &cri__container_config__descriptor);

	config->metadata = message_new(c, &cri__container_metadata__descriptor);
	config->metadata->name = "main";
	config->metadata->attempt = 2;
	config->image = message_new(c, &cri__image_spec__descriptor);
	config->image->image = "sha256:1234";
	config->image->user_specified_image = "busybox";
	config->image->annotations = one_pair;
	config->image->n_annotations = 1;
	config->command = texts;
	config->n_command = 2;
	config->args = texts + 1;
	config->n_args = 1;
	config->working_dir = "/w";
	fill_lists(fixture, config);
	config->labels = two_pairs;
	config->n_labels = 2;
	config->annotations = one_pair;
	config->n_annotations = 1;
	config->log_path = "main/0.log";
	config->stdin = 1;
	config->stdin_once = 1;
	config->tty = 1;
	config->stop_signal = CRI__SIGNAL__SIGNAL_SIGRTMINPLUS3;
	config->linux = message_new(c, &cri__linux_container_config__descriptor);
	config->linux->resources = message_new(c, &cri__linux_container_resources__descriptor);
	fill_resources(config->linux->resources);
	config->linux->security_context = message_new(c, &cri__linux_container_security_context__descriptor);
	fill_security(fixture, config->linux->security_context);
	return config;
}

static const cri_container_config *convert_container(struct fixture *fixture, const Cri__ContainerConfig *message)
{
	const Cri__ContainerConfig *received = receive(fixture, message);

	assert_non_null(received);
	return container_config_from_wire(&fixture->conversion, received);
}

#define CONTAINER_OF_ALL                                                                                               \
	"\"metadata\":{\"name\":\"main\",\"attempt\":2},\"command\":[\"first\",\"second\"],\"args\":[\"second\"],"     \
	"\"working_dir\":\"/w\",\"envs\":[{\"key\":\"A\",\"value\":\"b=c\"}],"                                         \
	"\"devices\":[{\"container_path\":\"/dev/a\",\"host_path\":\"/dev/b\",\"permissions\":\"rw\"}],"               \
	"\"labels\":{\"one\":\"1\",\"two\":\"\"},\"annotations\":{\"one\":\"1\"},\"log_path\":\"main/0.log\","         \
	"\"stdin\":true,\"stdin_once\":true,\"tty\":true,"

#define MOUNT_OF_ALL                                                                                                   \
	"\"container_path\":\"/c\",\"host_path\":\"/h\",\"readonly\":true,\"selinux_relabel\":true,\"propagation\":2"

#define CONTAINER_SECURITY_OF_ALL                                                                                      \
	"\"privileged\":true,\"selinux_options\":{\"user\":\"u\",\"role\":\"r\",\"type\":\"t\",\"level\":\"s0\"},"     \
	"\"run_as_user\":{\"value\":0},\"run_as_username\":\"bob\",\"readonly_rootfs\":true,"                          \
	"\"supplemental_groups\":[7,0,4294967294],\"apparmor_profile\":\"old\","                                       \
	"\"seccomp_profile_path\":\"localhost//old.json\",\"no_new_privs\":true"

static void every_field_of_a_container(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect_container(
		convert_container(&fixture, full_container(&fixture)),
		"{" CONTAINER_OF_ALL "\"image\":{\"image\":\"sha256:1234\",\"user_specified_image\":\"busybox\","
		"\"annotations\":{\"one\":\"1\"}},\"CDI_devices\":[{\"name\":\"vendor.com/gpu=0\"}],"
		"\"stop_signal\":\"SIGRTMIN+3\",\"mounts\":[{" MOUNT_OF_ALL ",\"recursive_read_only\":true,"
		"\"uidMappings\":[{\"host_id\":65536,\"container_id\":0,\"length\":4096}],"
		"\"gidMappings\":[{\"host_id\":65536,\"container_id\":0,\"length\":4096}],"
		"\"image\":{\"image\":\"data:1\"},\"image_sub_path\":\"sub\","
		"\"mount_options\":[\"first\",\"second\"]}],\"linux\":{\"resources\":" RESOURCES
		",\"security_context\":{" CONTAINER_SECURITY_OF_ALL
		",\"capabilities\":{\"add_capabilities\":[\"first\"],\"drop_capabilities\":[\"second\"],"
		"\"add_ambient_capabilities\":[\"first\",\"second\"]},\"namespace_options\":{\"pid\":3,\"ipc\":2,"
		"\"target_id\":\"abcd\"},\"run_as_group\":{\"value\":12},\"masked_paths\":[\"first\"],"
		"\"readonly_paths\":[\"first\",\"second\"],\"seccomp\":{\"profile_type\":0},"
		"\"apparmor\":{\"profile_type\":2,\"localhost_ref\":\"p\"},\"supplemental_groups_policy\":1}}}");
	assert_true(conversion_succeeded(&fixture.conversion));
	end(&fixture);
}

static void a_container_of_2019(void **state)
{
	struct fixture fixture;
	Cri__ContainerConfig *config;

	(void)state;
	begin(&fixture, RPC_2019);
	config = full_container(&fixture);
	config->linux->security_context->namespace_options->pid = 1;
	config->linux->security_context->namespace_options->ipc = 0;
	expect_container(convert_container(&fixture, config),
			 "{" CONTAINER_OF_ALL "\"image\":{\"image\":\"sha256:1234\"},\"mounts\":[{" MOUNT_OF_ALL "}],"
			 "\"linux\":{\"resources\":{\"cpu_period\":100000,\"cpu_quota\":50000,\"cpu_shares\":512,"
			 "\"memory_limit_in_bytes\":67108864,\"oom_score_adj\":-998,\"cpuset_cpus\":\"0-1\","
			 "\"cpuset_mems\":\"0\"},\"security_context\":{" CONTAINER_SECURITY_OF_ALL
			 ",\"capabilities\":{\"add_capabilities\":[\"first\"],\"drop_capabilities\":[\"second\"]},"
			 "\"namespace_options\":{\"pid\":2}}}}");
	end(&fixture);
}

static void empty_paths_are_meant_by_those_who_can_give_them(void **state)
{
	struct fixture fixture;
	Cri__ContainerConfig *config;
	const cri_container_config *converted;

	(void)state;
	for (enum rpc_dialect dialect = RPC_V1; dialect <= RPC_2019; dialect++) {
		begin(&fixture, dialect);
		config = full_container(&fixture);
		config->linux->security_context->n_masked_paths = 0;
		config->linux->security_context->n_readonly_paths = 0;
		converted = convert_container(&fixture, config);
		assert_int_equal(converted->has_masked_paths, dialect != RPC_2019);
		assert_int_equal(converted->has_readonly_paths, dialect != RPC_2019);
		assert_int_equal(converted->n_masked_paths, 0);
		config->linux->security_context = NULL;
		converted = convert_container(&fixture, config);
		assert_false(converted->has_masked_paths);
		assert_false(converted->has_readonly_paths);
		end(&fixture);
	}
}

static void containers_that_are_refused(void **state)
{
	static Cri__KeyValue env = { PROTOBUF_C_MESSAGE_INIT(&cri__key_value__descriptor),
				     "A",
				     { 3, (uint8_t *)"b\0c" } };
	struct fixture fixture;
	Cri__ContainerConfig *config;

	(void)state;
	begin(&fixture, RPC_V1);
	config = full_container(&fixture);
	config->metadata = NULL;
	assert_null(convert_container(&fixture, config));
	expect_refusal(&fixture, "config.metadata");
	begin(&fixture, RPC_V1);
	config = full_container(&fixture);
	config->envs = memory_take(&fixture.conversion.memory, sizeof(*config->envs));
	config->envs[0] = &env;
	convert_container(&fixture, config);
	expect_refusal(&fixture, "config.envs[0].value");
	begin(&fixture, RPC_V1);
	config = full_container(&fixture);
	config->stop_signal = (Cri__Signal)66;
	convert_container(&fixture, config);
	expect_refusal(&fixture, "config.stop_signal: 66");
	begin(&fixture, RPC_V1ALPHA2);
	config = full_container(&fixture);
	config->windows = message_new(&fixture.conversion, &cri__windows_container_config__descriptor);
	config->windows->resources = message_new(&fixture.conversion, &cri__windows_container_resources__descriptor);
	config->windows->resources->cpu_count = 1;
	convert_container(&fixture, config);
	expect_refusal(&fixture, "config.windows");
}

static const cri_resources *convert_update(struct fixture *fixture, const char *pids)
{
	Cri__StringPair pair = CRI__STRING_PAIR__INIT, *pairs[] = { &pair };
	Cri__LinuxContainerResources resources = CRI__LINUX_CONTAINER_RESOURCES__INIT;
	Cri__UpdateContainerResourcesRequest request = CRI__UPDATE_CONTAINER_RESOURCES_REQUEST__INIT;

	begin(fixture, RPC_V1);
	pair.key = "cgroup.pids.max";
	pair.value = (char *)pids;
	resources.cpu_shares = 99;
	request.linux = &resources;
	request.annotations = pairs;
	request.n_annotations = 1;
	return update_from_wire(&fixture->conversion, receive(fixture, &request));
}

static void an_update_takes_its_annotation(void **state)
{
	static const char *const bad[] = { "", "0", "-2", "1x", " 1", "+1", "99999999999999999999" };
	struct fixture fixture;
	const cri_resources *resources;

	(void)state;
	resources = convert_update(&fixture, "40");
	assert_int_equal(resources->pids_limit, 40);
	assert_int_equal(resources->cpu_shares, 99);
	assert_true(conversion_succeeded(&fixture.conversion));
	end(&fixture);
	assert_int_equal(convert_update(&fixture, "-1")->pids_limit, -1);
	end(&fixture);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		convert_update(&fixture, bad[i]);
		expect_refusal(&fixture, "cgroup.pids.max");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_container),
		cmocka_unit_test(a_container_of_2019),
		cmocka_unit_test(empty_paths_are_meant_by_those_who_can_give_them),
		cmocka_unit_test(containers_that_are_refused),
		cmocka_unit_test(an_update_takes_its_annotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
