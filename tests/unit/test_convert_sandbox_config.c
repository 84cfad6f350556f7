/* SPDX-License-Identifier: Apache-2.0 */
/* Configs of pods from the wire, held against libcri's own reading of the same config as JSON. */
#include "convert_config_fixture.h"

static void expect_sandbox(const cri_sandbox_config *config, const char *expected)
{
	char *json = NULL;
	cri_list *list = NULL;
	char *again = NULL;

	assert_non_null(config);
	assert_int_equal(cri_sandbox_config_to_json(config, &json, NULL), 0);
	assert_int_equal(cri_sandbox_config_from_json(expected, strlen(expected), &list, NULL), 0);
	assert_int_equal(cri_sandbox_config_to_json(cri_sandbox_config_at(list, 0), &again, NULL), 0);
	expect_same_json(json, again);
	cri_free(json);
	cri_free(again);
	cri_list_free(list);
}

/* Everything a pod can be asked to be; borrowed from static storage and from `fixture`. */
static Cri__PodSandboxConfig *full_sandbox(struct fixture *fixture)
{
	struct conversion *c = &fixture->conversion;
	Cri__PodSandboxConfig *config = message_new(c, &cri__pod_sandbox_config__descriptor);
	Cri__LinuxSandboxSecurityContext *security = message_new(c, &cri__linux_sandbox_security_context__descriptor);
	Cri__PortMapping *port = message_new(c, &cri__port_mapping__descriptor);

	config->metadata = message_new(c, &cri__pod_sandbox_metadata__descriptor);
	config->metadata->name = "web_1";
	config->metadata->uid = "u-1";
	config->metadata->namespace_ = "default";
	config->metadata->attempt = 3;
	config->hostname = "web";
	config->log_directory = "/var/log/pods/web";
	config->dns_config = message_new(c, &cri__dnsconfig__descriptor);
	config->dns_config->servers = texts;
	config->dns_config->n_servers = 2;
	config->dns_config->searches = texts + 1;
	config->dns_config->n_searches = 1;
	config->dns_config->options = texts;
	config->dns_config->n_options = 1;
	port->protocol = CRI__PROTOCOL__UDP;
	port->container_port = 53;
	port->host_port = 5353;
	port->host_ip = "127.0.0.1";
	config->port_mappings = memory_take(&c->memory, sizeof(*config->port_mappings));
	config->port_mappings[0] = port;
	config->n_port_mappings = 1;
	config->labels = two_pairs;
	config->n_labels = 2;
	config->annotations = one_pair;
	config->n_annotations = 1;
	config->linux = message_new(c, &cri__linux_pod_sandbox_config__descriptor);
	config->linux->cgroup_parent = "/kubepods/burstable/pod1";
	config->linux->sysctls = one_pair;
	config->linux->n_sysctls = 1;
	config->linux->overhead = message_new(c, &cri__linux_container_resources__descriptor);
	fill_resources(config->linux->overhead);
	config->linux->resources = message_new(c, &cri__linux_container_resources__descriptor);
	config->linux->resources->cpu_shares = 2;
	config->linux->security_context = security;
	security->namespace_options = message_new(c, &cri__namespace_option__descriptor);
	security->namespace_options->network = CRI__NAMESPACE_MODE__NODE;
	security->namespace_options->pid = CRI__NAMESPACE_MODE__CONTAINER;
	security->namespace_options->userns_options = message_new(c, &cri__user_namespace__descriptor);
	security->namespace_options->userns_options->mode = CRI__NAMESPACE_MODE__POD;
	security->namespace_options->userns_options->uids = mappings;
	security->namespace_options->userns_options->n_uids = 1;
	security->namespace_options->userns_options->gids = mappings;
	security->namespace_options->userns_options->n_gids = 1;
	security->selinux_options = message_new(c, &cri__selinux_option__descriptor);
	security->selinux_options->user = "u";
	security->selinux_options->role = "r";
	security->selinux_options->type = "t";
	security->selinux_options->level = "s0";
	security->run_as_user = message_new(c, &cri__int64_value__descriptor);
	security->run_as_group = message_new(c, &cri__int64_value__descriptor);
	security->run_as_group->value = 12;
	security->readonly_rootfs = 1;
	security->supplemental_groups = groups;
	security->n_supplemental_groups = 3;
	security->supplemental_groups_policy = CRI__SUPPLEMENTAL_GROUPS_POLICY__Strict;
	security->privileged = 1;
	security->seccomp = message_new(c, &cri__security_profile__descriptor);
	security->seccomp->profile_type = CRI__SECURITY_PROFILE__PROFILE_TYPE__Localhost;
	security->seccomp->localhost_ref = "/p.json";
	security->apparmor = message_new(c, &cri__security_profile__descriptor);
	security->apparmor->profile_type = CRI__SECURITY_PROFILE__PROFILE_TYPE__Unconfined;
	security->seccomp_profile_path = "localhost//old.json";
	return config;
}

static const cri_sandbox_config *convert_sandbox(struct fixture *fixture, const Cri__PodSandboxConfig *message)
{
	const Cri__PodSandboxConfig *received = receive(fixture, message);

	assert_non_null(received);
	return sandbox_config_from_wire(&fixture->conversion, received);
}

#define SANDBOX_OF_ALL                                                                                                 \
	"\"metadata\":{\"name\":\"web_1\",\"uid\":\"u-1\",\"namespace\":\"default\",\"attempt\":3},"                   \
	"\"hostname\":\"web\",\"log_directory\":\"/var/log/pods/web\","                                                \
	"\"dns_config\":{\"servers\":[\"first\",\"second\"],\"searches\":[\"second\"],\"options\":[\"first\"]},"       \
	"\"port_mappings\":[{\"protocol\":1,\"container_port\":53,\"host_port\":5353,\"host_ip\":\"127.0.0.1\"}],"     \
	"\"labels\":{\"one\":\"1\",\"two\":\"\"},\"annotations\":{\"one\":\"1\"},"

#define SECURITY_OF_ALL                                                                                                \
	"\"selinux_options\":{\"user\":\"u\",\"role\":\"r\",\"type\":\"t\",\"level\":\"s0\"},"                         \
	"\"run_as_user\":{\"value\":0},\"readonly_rootfs\":true,\"supplemental_groups\":[7,0,4294967294],"             \
	"\"privileged\":true,\"seccomp_profile_path\":\"localhost//old.json\""

static void every_field_of_a_pod(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect_sandbox(convert_sandbox(&fixture, full_sandbox(&fixture)),
		       "{" SANDBOX_OF_ALL "\"linux\":{\"cgroup_parent\":\"/kubepods/burstable/pod1\","
		       "\"sysctls\":{\"one\":\"1\"},\"overhead\":" RESOURCES ",\"resources\":{\"cpu_shares\":2},"
		       "\"security_context\":{" SECURITY_OF_ALL ",\"run_as_group\":{\"value\":12},"
		       "\"supplemental_groups_policy\":1,"
		       "\"namespace_options\":{\"network\":2,\"pid\":1,\"ipc\":0,\"userns_options\":{\"mode\":0,"
		       "\"uids\":[{\"host_id\":65536,\"container_id\":0,\"length\":4096}],"
		       "\"gids\":[{\"host_id\":65536,\"container_id\":0,\"length\":4096}]}},"
		       "\"seccomp\":{\"profile_type\":2,\"localhost_ref\":\"/p.json\"},"
		       "\"apparmor\":{\"profile_type\":1}}}}");
	assert_true(conversion_succeeded(&fixture.conversion));
	end(&fixture);
}

static void a_pod_of_2019(void **state)
{
	struct fixture fixture;
	Cri__PodSandboxConfig *config;

	(void)state;
	begin(&fixture, RPC_2019);
	config = full_sandbox(&fixture);
	/* booleans there: host_network and host_ipc */
	config->linux->security_context->namespace_options->network = 1;
	config->linux->security_context->namespace_options->pid = 0;
	config->linux->security_context->namespace_options->ipc = 1;
	expect_sandbox(convert_sandbox(&fixture, config),
		       "{" SANDBOX_OF_ALL "\"linux\":{\"cgroup_parent\":\"/kubepods/burstable/pod1\","
		       "\"sysctls\":{\"one\":\"1\"},\"security_context\":{" SECURITY_OF_ALL
		       ",\"namespace_options\":{\"network\":2,\"pid\":0,\"ipc\":2}}}}");
	end(&fixture);
}

static void a_pod_of_nothing_but_a_name(void **state)
{
	struct fixture fixture;
	Cri__PodSandboxConfig *config;
	const cri_sandbox_config *converted;

	(void)state;
	begin(&fixture, RPC_V1);
	config = message_new(&fixture.conversion, &cri__pod_sandbox_config__descriptor);
	config->metadata = message_new(&fixture.conversion, &cri__pod_sandbox_metadata__descriptor);
	config->metadata->name = "n";
	config->windows = message_new(&fixture.conversion, &cri__windows_pod_sandbox_config__descriptor);
	converted = convert_sandbox(&fixture, config);
	assert_non_null(converted);
	assert_true(conversion_succeeded(&fixture.conversion));
	assert_int_equal(converted->pid, CRI_NAMESPACE_POD);
	assert_null(converted->dns_config);
	assert_null(converted->overhead);
	assert_null(converted->user_namespace);
	assert_false(converted->has_run_as_user);
	end(&fixture);
}

static void pods_that_are_refused(void **state)
{
	struct fixture fixture;
	Cri__PodSandboxConfig *config;

	(void)state;
	begin(&fixture, RPC_V1);
	assert_null(sandbox_config_from_wire(&fixture.conversion, NULL));
	expect_refusal(&fixture, "config: ");
	begin(&fixture, RPC_V1);
	config = full_sandbox(&fixture);
	config->metadata = NULL;
	assert_null(convert_sandbox(&fixture, config));
	expect_refusal(&fixture, "config.metadata: ");
	begin(&fixture, RPC_V1);
	config = full_sandbox(&fixture);
	config->windows = message_new(&fixture.conversion, &cri__windows_pod_sandbox_config__descriptor);
	config->windows->security_context =
		message_new(&fixture.conversion, &cri__windows_sandbox_security_context__descriptor);
	config->windows->security_context->host_process = 1;
	convert_sandbox(&fixture, config);
	expect_refusal(&fixture, "config.windows");
	begin(&fixture, RPC_V1);
	config = full_sandbox(&fixture);
	config->linux->security_context->namespace_options->target_id = "abcd";
	convert_sandbox(&fixture, config);
	expect_refusal(&fixture, "namespace_options.target_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_pod),
		cmocka_unit_test(a_pod_of_2019),
		cmocka_unit_test(a_pod_of_nothing_but_a_name),
		cmocka_unit_test(pods_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
