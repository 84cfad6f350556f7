/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod's config must fulfil: a good and a bad value of everything, and how the bad one is named. */
#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct check {
	const char *json; /* members beside "metadata" */
	int code;
	const char *text; /* how the message, less its step, begins */
};

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A255 A63 A63 A63 A63 "aaa"
#define SECURITY(members) "\"linux\":{\"security_context\":{" members "}}"
#define NAMESPACES(members) SECURITY("\"namespace_options\":{" members "}")
#define SYSCTL(name) "\"linux\":{\"sysctls\":{\"" name "\":\"1\"}}"
#define SYSCTL_IN(mode, name)                                                                                          \
	"\"linux\":{\"sysctls\":{\"" name "\":\"1\"},\"security_context\":{\"namespace_options\":{" mode "}}}"
#define RESOURCES(members) "\"linux\":{\"resources\":{" members "}}"

static const struct check checks[] = {
	{ "\"hostname\":\"web-1.example_a\"", 0, "" },
	{ "\"hostname\":\"" A63 "\"", 0, "" },
	{ "\"hostname\":\"" A63 "a\"", CRI_EINVAL, "hostname: the parts of" },
	{ "\"hostname\":\"" A63 ".a\"", CRI_EINVAL, "hostname: it is longer than 64" },
	{ "\"hostname\":\"a..b\"", CRI_EINVAL, "hostname: the parts of" },
	{ "\"hostname\":\"a.\"", CRI_EINVAL, "hostname: the parts of" },
	{ "\"hostname\":\"-a\"", CRI_EINVAL, "hostname: no part" },
	{ "\"hostname\":\"a-.b\"", CRI_EINVAL, "hostname: no part" },
	{ "\"hostname\":\"a b\"", CRI_EINVAL, "hostname: \"a b\" may hold" },
	{ "\"hostname\":\"a/b\"", CRI_EINVAL, "hostname: \"a/b\" may hold" },
	{ "\"hostname\":\"\u00e4\"", CRI_EINVAL, "hostname: " },

	{ "\"log_directory\":\"/var/log/pods/a..b\"", 0, "" },
	{ "\"log_directory\":\"logs\"", CRI_EINVAL, "log_directory: \"logs\" is no absolute path" },
	{ "\"log_directory\":\"/var/../etc\"", CRI_EINVAL, "log_directory: \"/var/../etc\" holds \"..\"" },
	{ "\"log_directory\":\"/var/..\"", CRI_EINVAL, "log_directory: " },
	{ "\"log_directory\":\"/" A255 "\"", 0, "" },
	{ "\"log_directory\":\"/" A255 "a\"", CRI_EINVAL, "log_directory: a component" },
	{ "\"log_directory\":\"/a\\nb\"", CRI_EINVAL, "log_directory: the path holds a control" },

	{ "\"dns_config\":{}", 0, "" },
	{ "\"dns_config\":{\"servers\":[\"10.0.0.1\",\"fd00::1\",\"fe80::1%eth0\"]}", 0, "" },
	{ "\"dns_config\":{\"servers\":[\"10.0.0.1\",\"dns.example\"]}", CRI_EINVAL, "dns_config.servers[1]: \"dns" },
	{ "\"dns_config\":{\"servers\":[\"\"]}", CRI_EINVAL, "dns_config.servers[0]: " },
	{ "\"dns_config\":{\"servers\":[\"10.0.0.1%eth0\"]}", CRI_EINVAL, "dns_config.servers[0]: " },
	{ "\"dns_config\":{\"servers\":[\"fe80::1%\"]}", CRI_EINVAL, "dns_config.servers[0]: " },
	{ "\"dns_config\":{\"servers\":[\"fe80::1%a\\nb\"]}", CRI_EINVAL, "dns_config.servers[0]: " },
	{ "\"dns_config\":{\"searches\":[\"a.b\",\".\"],\"options\":[\"ndots:5\"]}", 0, "" },
	{ "\"dns_config\":{\"searches\":[\"a b\"]}", CRI_EINVAL, "dns_config.searches[0]: " },
	{ "\"dns_config\":{\"searches\":[\"a\\nnameserver\"]}", CRI_EINVAL, "dns_config.searches[0]: " },
	{ "\"dns_config\":{\"searches\":[\"" A255 "a\"]}", CRI_EINVAL, "dns_config.searches[0]: " },
	{ "\"dns_config\":{\"options\":[\"rotate\",\"\"]}", CRI_EINVAL, "dns_config.options[1]: " },

	{ "\"port_mappings\":[{\"container_port\":1},{\"container_port\":65535,\"host_port\":65535}]", 0, "" },
	{ "\"port_mappings\":[{\"container_port\":80,\"host_ip\":\"::1\"}]", 0, "" },
	{ "\"port_mappings\":[{}]", CRI_EINVAL, "port_mappings[0].container_port: 0 is not" },
	{ "\"port_mappings\":[{\"container_port\":65536}]", CRI_EINVAL, "port_mappings[0].container_port: 65536" },
	{ "\"port_mappings\":[{\"container_port\":1,\"host_port\":-1}]", CRI_EINVAL, "port_mappings[0].host_port: -1" },
	{ "\"port_mappings\":[{\"container_port\":1,\"host_port\":65536}]", CRI_EINVAL,
	  "port_mappings[0].host_port: " },
	{ "\"port_mappings\":[{\"container_port\":1,\"host_ip\":\"x\"}]", CRI_EINVAL,
	  "port_mappings[0].host_ip: \"x\"" },

	{ "\"linux\":{\"cgroup_parent\":\"/pods/a\"}", 0, "" },
	{ "\"linux\":{\"cgroup_parent\":\"/pods/../a\"}", CRI_EINVAL, "linux.cgroup_parent" },

	{ SYSCTL("kernel.shm_rmid_forced"), 0, "" },
	{ SYSCTL("kernel.shmmax"), 0, "" },
	{ SYSCTL("kernel.msgmax"), 0, "" },
	{ SYSCTL("kernel.sem"), 0, "" },
	{ SYSCTL("fs.mqueue.queues_max"), 0, "" },
	{ SYSCTL("net.ipv4.conf.eth0/1.forwarding"), 0, "" },
	{ SYSCTL("net/ipv4/conf/eth0.1/forwarding"), 0, "" },
	{ SYSCTL("kernel.semx"), CRI_EINVAL, "linux.sysctls: \"kernel.semx\" belongs to no namespace" },
	{ SYSCTL("kernel.hostname"), CRI_EINVAL, "linux.sysctls: \"kernel.hostname\" belongs to no namespace" },
	{ SYSCTL("vm.swappiness"), CRI_EINVAL, "linux.sysctls: \"vm.swappiness\" belongs to no namespace" },
	{ SYSCTL("fs.mqueue"), CRI_EINVAL, "linux.sysctls: " },
	{ SYSCTL("net"), CRI_EINVAL, "linux.sysctls: " },
	{ SYSCTL(""), CRI_EINVAL, "linux.sysctls: \"\" is no name" },
	{ SYSCTL("net..x"), CRI_EINVAL, "linux.sysctls: \"net..x\" is no name" },
	{ SYSCTL("net.x."), CRI_EINVAL, "linux.sysctls: \"net.x.\" is no name" },
	{ SYSCTL("net/../kernel/hostname"), CRI_EINVAL, "linux.sysctls: \"net/../kernel/hostname\" is no name" },
	{ SYSCTL("net.//.kernel"), CRI_EINVAL, "linux.sysctls: \"net.//.kernel\" is no name" },
	{ SYSCTL("/net/x"), CRI_EINVAL, "linux.sysctls: \"/net/x\" is no name" },
	{ SYSCTL("net.a b"), CRI_EINVAL, "linux.sysctls: \"net.a b\" is no name" },
	{ "\"linux\":{\"sysctls\":{\"net.x\":\"1\\t2\"}}", 0, "" },
	{ "\"linux\":{\"sysctls\":{\"net.x\":\"1\\n2\"}}", CRI_EINVAL, "linux.sysctls: the value of \"net.x\"" },
	{ "\"linux\":{\"sysctls\":{\"net.x\":\"1\\t2\\n3\"}}", CRI_EINVAL, "linux.sysctls: the value of \"net.x\"" },
	{ SYSCTL_IN("\"network\":2", "net.x"), CRI_EINVAL, "linux.sysctls: \"net.x\" would change the host's" },
	{ SYSCTL_IN("\"network\":2", "kernel.sem"), 0, "" },
	{ SYSCTL_IN("\"ipc\":2", "fs.mqueue.msg_max"), CRI_EINVAL,
	  "linux.sysctls: \"fs.mqueue.msg_max\" would change" },
	{ SYSCTL_IN("\"ipc\":2", "net.x"), 0, "" },

	{ "\"linux\":{\"overhead\":{\"cpu_shares\":1}}", CRI_EINVAL, "linux.overhead.cpu_shares: 1 is not" },
	{ RESOURCES("\"cpu_period\":1000,\"cpu_quota\":1000,\"cpu_shares\":2"), 0, "" },
	{ RESOURCES("\"cpu_period\":1000000,\"cpu_quota\":-1,\"cpu_shares\":262144"), 0, "" },
	{ RESOURCES("\"cpu_period\":999"), CRI_EINVAL, "linux.resources.cpu_period: 999" },
	{ RESOURCES("\"cpu_period\":1000001"), CRI_EINVAL, "linux.resources.cpu_period: 1000001" },
	{ RESOURCES("\"cpu_quota\":999"), CRI_EINVAL, "linux.resources.cpu_quota: 999" },
	{ RESOURCES("\"cpu_quota\":-2"), CRI_EINVAL, "linux.resources.cpu_quota: -2" },
	{ RESOURCES("\"cpu_shares\":262145"), CRI_EINVAL, "linux.resources.cpu_shares: 262145" },
	{ RESOURCES("\"cpu_shares\":-1"), CRI_EINVAL, "linux.resources.cpu_shares: -1" },
	{ RESOURCES("\"memory_limit_in_bytes\":-1,\"memory_swap_limit_in_bytes\":-1"), 0, "" },
	{ RESOURCES("\"memory_limit_in_bytes\":8,\"memory_swap_limit_in_bytes\":8"), 0, "" },
	{ RESOURCES("\"memory_limit_in_bytes\":8,\"memory_swap_limit_in_bytes\":-1"), 0, "" },
	{ RESOURCES("\"memory_limit_in_bytes\":8"), 0, "" },
	{ RESOURCES("\"memory_limit_in_bytes\":-2"), CRI_EINVAL, "linux.resources.memory_limit_in_bytes: -2" },
	{ RESOURCES("\"memory_swap_limit_in_bytes\":-2"), CRI_EINVAL,
	  "linux.resources.memory_swap_limit_in_bytes: -2" },
	{ RESOURCES("\"memory_limit_in_bytes\":8,\"memory_swap_limit_in_bytes\":7"), CRI_EINVAL,
	  "linux.resources.memory_swap_limit_in_bytes: 7 is less" },
	{ RESOURCES("\"memory_limit_in_bytes\":8,\"has_memory_swap_limit\":true"), CRI_EINVAL,
	  "linux.resources.memory_swap_limit_in_bytes: 0 is less" },
	{ RESOURCES("\"memory_limit_in_bytes\":-1,\"memory_swap_limit_in_bytes\":7"), CRI_EINVAL,
	  "linux.resources.memory_swap_limit_in_bytes: 7 is less" },
	{ RESOURCES("\"oom_score_adj\":1000"), 0, "" },
	{ RESOURCES("\"oom_score_adj\":1001"), CRI_EINVAL, "linux.resources.oom_score_adj: 1001" },
	{ RESOURCES("\"oom_score_adj\":-1001"), CRI_EINVAL, "linux.resources.oom_score_adj: -1001" },
	{ RESOURCES("\"pids_limit\":-1"), 0, "" },
	{ RESOURCES("\"pids_limit\":-2"), CRI_EINVAL, "linux.resources.pids_limit: -2" },
	{ RESOURCES("\"cpuset_cpus\":\"0-2,7\",\"cpuset_mems\":\"0\""), 0, "" },
	{ RESOURCES("\"cpuset_cpus\":\"2-0\""), CRI_EINVAL, "linux.resources.cpuset_cpus: \"2-0\"" },
	{ RESOURCES("\"cpuset_cpus\":\"0-\""), CRI_EINVAL, "linux.resources.cpuset_cpus: " },
	{ RESOURCES("\"cpuset_cpus\":\"0,\""), CRI_EINVAL, "linux.resources.cpuset_cpus: " },
	{ RESOURCES("\"cpuset_cpus\":\"0-1-2\""), CRI_EINVAL, "linux.resources.cpuset_cpus: " },
	{ RESOURCES("\"cpuset_mems\":\"all\""), CRI_EINVAL, "linux.resources.cpuset_mems: \"all\"" },
	{ RESOURCES("\"cpuset_mems\":\"123456\""), CRI_EINVAL, "linux.resources.cpuset_mems: " },
	{ RESOURCES("\"hugepage_limits\":[{\"page_size\":\"64KB\"},{\"page_size\":\"2MB\"},{\"page_size\":\"1GB\"}]"),
	  0, "" },
	{ RESOURCES("\"hugepage_limits\":[{\"page_size\":\"3MB\"}]"), CRI_EINVAL,
	  "linux.resources.hugepage_limits[0].page_size: \"3MB\"" },
	{ RESOURCES("\"hugepage_limits\":[{\"page_size\":\"2M\"}]"), CRI_EINVAL,
	  "linux.resources.hugepage_limits[0].page_size: " },
	{ RESOURCES("\"hugepage_limits\":[{}]"), CRI_EINVAL, "linux.resources.hugepage_limits[0].page_size: " },
	{ RESOURCES("\"hugepage_limits\":[{\"page_size\":\"0MB\"}]"), CRI_EINVAL,
	  "linux.resources.hugepage_limits[0].page_size: " },
	{ RESOURCES("\"unified\":{\"memory.high\":\"1\",\"hugetlb.2MB.max\":\"1\",\"cgroup.max.depth\":\"3\"}"), 0,
	  "" },
	{ RESOURCES("\"unified\":{\"../x/memory.high\":\"1\"}"), CRI_EINVAL, "linux.resources.unified: \"../x/mem" },
	{ RESOURCES("\"unified\":{\"memory\":\"1\"}"), CRI_EINVAL, "linux.resources.unified: \"memory\"" },
	{ RESOURCES("\"unified\":{\"memory.\":\"1\"}"), CRI_EINVAL, "linux.resources.unified: " },
	{ RESOURCES("\"unified\":{\".memory\":\"1\"}"), CRI_EINVAL, "linux.resources.unified: " },
	{ RESOURCES("\"unified\":{\"cgroup.procs\":\"1\"}"), CRI_EINVAL, "linux.resources.unified: \"cgroup.procs\"" },

	{ NAMESPACES("\"network\":0,\"pid\":0,\"ipc\":0"), 0, "" },
	{ NAMESPACES("\"network\":2,\"pid\":2,\"ipc\":2"), 0, "" },
	{ NAMESPACES("\"pid\":1"), 0, "" },
	{ NAMESPACES("\"network\":1"), CRI_EINVAL, "linux.security_context.namespace_options.network: a pod's" },
	{ NAMESPACES("\"network\":3"), CRI_EINVAL, "linux.security_context.namespace_options.network: a pod's" },
	{ NAMESPACES("\"pid\":3"), CRI_EINVAL, "linux.security_context.namespace_options.pid: a pod's" },
	{ NAMESPACES("\"ipc\":1"), CRI_EINVAL, "linux.security_context.namespace_options.ipc: a pod's" },
	{ NAMESPACES("\"userns_options\":{\"mode\":2}"), 0, "" },
	{ NAMESPACES("\"userns_options\":{}"), CRI_ENOTSUP,
	  "linux.security_context.namespace_options.userns_options.mode: user namespaces are not built" },
	{ NAMESPACES("\"userns_options\":{\"mode\":1}"), CRI_EINVAL,
	  "linux.security_context.namespace_options.userns_options.mode: only POD" },
	{ NAMESPACES("\"userns_options\":{\"mode\":2,\"uids\":[{\"length\":1}]}"), CRI_EINVAL,
	  "linux.security_context.namespace_options.userns_options: mode NODE takes no" },

	{ SECURITY("\"run_as_user\":0,\"run_as_group\":4294967294,\"supplemental_groups\":[0]"), 0, "" },
	{ SECURITY("\"run_as_user\":-1"), CRI_EINVAL, "linux.security_context.run_as_user: -1" },
	{ SECURITY("\"run_as_user\":4294967295"), CRI_EINVAL, "linux.security_context.run_as_user: 4294967295" },
	{ SECURITY("\"run_as_group\":1"), CRI_EINVAL, "linux.security_context.run_as_group: it needs" },
	{ SECURITY("\"run_as_user\":1,\"run_as_group\":-1"), CRI_EINVAL, "linux.security_context.run_as_group: -1" },
	{ SECURITY("\"supplemental_groups\":[1,-1]"), CRI_EINVAL, "linux.security_context.supplemental_groups[1]: -1" },
	{ SECURITY("\"selinux_options\":{\"user\":\"\"}"), 0, "" },
	{ SECURITY("\"selinux_options\":{\"level\":\"s0\"}"), CRI_ENOTSUP, "linux.security_context.selinux_options: " },
	{ SECURITY("\"seccomp\":{}"), 0, "" },
	{ SECURITY("\"apparmor\":{}"), CRI_ENOTSUP, "linux.security_context.apparmor: " },
	{ SECURITY("\"seccomp\":{\"profile_type\":2,\"localhost_ref\":\"/p.json\"}"), 0, "" },
	{ SECURITY("\"seccomp\":{\"profile_type\":2}"), CRI_EINVAL, "linux.security_context.seccomp.localhost_ref: " },
	{ SECURITY("\"seccomp\":{\"localhost_ref\":\"a\"}"), CRI_EINVAL,
	  "linux.security_context.seccomp.localhost_ref: " },
	{ SECURITY("\"apparmor\":{\"profile_type\":1}"), 0, "" },
	{ SECURITY("\"apparmor\":{\"profile_type\":2,\"localhost_ref\":\"p\"}"), CRI_ENOTSUP,
	  "linux.security_context.apparmor: " },
	{ SECURITY("\"apparmor\":{\"profile_type\":2}"), CRI_EINVAL,
	  "linux.security_context.apparmor.localhost_ref: " },
};

static int check_json(const char *json, cri_call *call)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *config = NULL;

	call_init(call);
	if (config_from_json(&config_sandbox, &arena, json, strlen(json), &config, call))
		fail_msg("%s: %s", json, call->message);
	return config_check_sandbox(config, call);
}

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char json[2048], expected[256];
		cri_call call;
		int result;

		snprintf(json, sizeof(json), "{\"metadata\":{\"name\":\"n\"},%s}", checks[i].json);
		snprintf(expected, sizeof(expected), "check config: %s", checks[i].text);
		result = check_json(json, &call);
		if (result != checks[i].code)
			fail_msg("%s: %d, not %d: %s", json, result, checks[i].code, call.message);
		/* The cgroup check has a step of its own. */
		if (result && !strstr(call.message, expected) && !strstr(call.message, "linux.cgroup_parent"))
			fail_msg("%s: \"%s\" does not say \"%s\"", json, call.message, expected);
	}
}

static void test_required(void **state)
{
	cri_call call;

	(void)state;
	assert_int_equal(check_json("{}", &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "metadata.name: it is required"));
	assert_int_equal(check_json("{\"metadata\":{\"name\":\"_ \\u00e4\"}}", &call), 0);
}

static void test_dns_server_limit(void **state)
{
	const char *servers[33];
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	cri_dns_config dns = { CRI_DNS_CONFIG_INIT, .servers = servers, .n_servers = 32 };
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "n", .dns_config = &dns };
	const void *copy;
	cri_call call;

	(void)state;
	for (size_t i = 0; i < 33; i++)
		servers[i] = "10.0.0.1";
	call_init(&call);
	assert_int_equal(config_copy(&config_sandbox, &arena, &config, &copy, &call), 0);
	assert_int_equal(config_check_sandbox(copy, &call), 0);
	dns.n_servers = 33;
	assert_int_equal(config_copy(&config_sandbox, &arena, &config, &copy, &call), 0);
	assert_int_equal(config_check_sandbox(copy, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "dns_config.servers: 33 are more than 32"));
}

static void test_long_path(void **state)
{
	char path[PATH_MAX + 2];
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "n", .log_directory = path };
	const void *copy;
	cri_call call;

	(void)state;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 2 ? 'a' : '/';
	path[PATH_MAX - 1] = '\0';
	call_init(&call);
	assert_int_equal(config_copy(&config_sandbox, &arena, &config, &copy, &call), 0);
	assert_int_equal(config_check_sandbox(copy, &call), 0);
	path[PATH_MAX - 1] = 'a';
	path[PATH_MAX] = '\0';
	assert_int_equal(config_copy(&config_sandbox, &arena, &config, &copy, &call), 0);
	assert_int_equal(config_check_sandbox(copy, &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "log_directory: the path is longer"));
}

static void test_sysctl_path(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(config_sysctl_path("net.ipv4.conf.eth0/1.forwarding", path, sizeof(path)), 0);
	assert_string_equal(path, "net/ipv4/conf/eth0.1/forwarding");
	assert_int_equal(config_sysctl_path("net/ipv4/conf/eth0.1/forwarding", path, sizeof(path)), 0);
	assert_string_equal(path, "net/ipv4/conf/eth0.1/forwarding");
	assert_int_equal(config_sysctl_path("a.b", path, 4), 0);
	assert_int_equal(config_sysctl_path("a.b", path, 3), -ENAMETOOLONG);
	assert_int_equal(config_sysctl_path("", path, sizeof(path)), -EINVAL);
}

static void test_field_of_resources(void **state)
{
	const cri_resources resources = { CRI_RESOURCES_INIT, .cpu_shares = 1 };
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *copy;
	cri_call call;

	(void)state;
	call_init(&call);
	assert_int_equal(config_copy(&config_resources, &arena, &resources, &copy, &call), 0);
	assert_int_equal(config_check_resources(copy, "linux", &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "linux.cpu_shares: 1 is not"));
	assert_int_equal(config_check_resources(NULL, "linux", &call), 0);

	const cri_resources empty = { CRI_RESOURCES_INIT };

	assert_int_equal(config_check_resources(&empty, "linux", &call), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),           cmocka_unit_test(test_required),
		cmocka_unit_test(test_dns_server_limit), cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_sysctl_path),      cmocka_unit_test(test_field_of_resources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
