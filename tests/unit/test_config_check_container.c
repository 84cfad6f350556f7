/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's config must fulfil in its pod: a good and a bad value of everything, and how the bad one is named.
 */
#include "config/config.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct check {
	const char *pod;  /* members of its "linux.security_context" */
	const char *json; /* members beside "metadata" and "image" */
	int code;
	const char *text; /* how the message, less its step, begins */
};

#define A255                                                                                                           \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                        \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                        \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECURITY(members) "\"linux\":{\"security_context\":{" members "}}"
#define NAMESPACES(members) SECURITY("\"namespace_options\":{" members "}")
#define POD_NAMESPACES(members) "\"namespace_options\":{" members "}"
#define MOUNT(members) "\"mounts\":[{\"container_path\":\"/m\",\"host_path\":\"/h\"," members "}]"
#define DEVICE(members) "\"devices\":[{\"container_path\":\"/dev/a\",\"host_path\":\"/dev/b\"," members "}]"
#define PIDS(value) "\"annotations\":{\"cgroup.pids.max\":\"" value "\"}"
#define FIELD "linux.security_context."
#define NAMESPACE_FIELD FIELD "namespace_options."

static const struct check checks[] = {
	{ "", "\"command\":[\"/bin/sh\"]", 0, "" },
	{ "", "\"working_dir\":\"/a/../b\"", 0, "" },
	{ "", "\"working_dir\":\"a\"", CRI_EINVAL, "working_dir: \"a\" is no absolute path" },
	{ "", "\"working_dir\":\"/a\\nb\"", CRI_EINVAL, "working_dir: the path holds" },
	{ "", "\"envs\":[{\"key\":\"A b\",\"value\":\"x=y\"},{\"key\":\"A b\"}]", 0, "" },
	{ "", "\"envs\":[{\"key\":\"A\"},{\"value\":\"x\"}]", CRI_EINVAL, "envs[1].key: " },
	{ "", "\"envs\":[{\"key\":\"A=B\"}]", CRI_EINVAL, "envs[0].key: " },
	{ "", "\"stop_signal\":\"SIGTERM\"", 0, "" },
	{ "", "\"stop_signal\":\"RTMIN+3\"", 0, "" },
	{ "", "\"stop_signal\":65", 0, "" },
	{ "", "\"stop_signal\":\"SIGNOTHING\"", CRI_EINVAL, "stop_signal: \"SIGNOTHING\" is no signal" },
	{ "", "\"stop_signal\":\"0\"", CRI_EINVAL, "stop_signal: \"0\" is no signal" },
	{ "", "\"stop_signal\":\"SIGNAL_SIGRTMINPLUS16\"", CRI_EINVAL, "stop_signal: " },

	{ "", MOUNT("\"readonly\":true"), 0, "" },
	{ "", "\"mounts\":[{\"container_path\":\"m\",\"host_path\":\"/h\"}]", CRI_EINVAL,
	  "mounts[0].container_path: \"m\" is no absolute path" },
	{ "", "\"mounts\":[{\"host_path\":\"/h\"}]", CRI_EINVAL, "mounts[0].container_path: " },
	{ "", "\"mounts\":[{\"container_path\":\"/a/../b\",\"host_path\":\"/h\"}]", CRI_EINVAL,
	  "mounts[0].container_path: \"/a/../b\" holds" },
	{ "", "\"mounts\":[{\"container_path\":\"//./\",\"host_path\":\"/h\"}]", CRI_EINVAL,
	  "mounts[0].container_path: nothing can be mounted on the root" },
	{ "", "\"mounts\":[{\"container_path\":\"/...\",\"host_path\":\"/h\"}]", 0, "" },
	{ "", "\"mounts\":[{\"container_path\":\"/a\\nb\",\"host_path\":\"/h\"}]", CRI_EINVAL,
	  "mounts[0].container_path: the path holds" },
	{ "", "\"mounts\":[{\"container_path\":\"/m\",\"host_path\":\"h\"}]", CRI_EINVAL,
	  "mounts[0].host_path: \"h\" is no absolute path" },
	{ "", "\"mounts\":[{\"container_path\":\"/m\"}]", CRI_EINVAL, "mounts[0].host_path: " },
	{ "", "\"mounts\":[{\"container_path\":\"/m\",\"host_path\":\"/a/../b\"}]", 0, "" },
	{ "", MOUNT("\"image\":{\"image\":\"i\"}"), CRI_EINVAL, "mounts[0].image: a mount has either" },
	{ "", "\"mounts\":[{\"container_path\":\"/m\",\"image\":{\"image\":\"i\"}}]", CRI_ENOTSUP,
	  "mounts[0].image: mounting images" },
	{ "", MOUNT("\"image_sub_path\":\"a\""), CRI_EINVAL, "mounts[0].image_sub_path: it needs an image" },
	{ "", MOUNT("\"propagation\":2,\"selinux_relabel\":true"), 0, "" },
	{ "", MOUNT("\"recursive_read_only\":true,\"readonly\":true"), 0, "" },
	{ "", MOUNT("\"recursive_read_only\":true"), CRI_EINVAL, "mounts[0].recursive_read_only: " },
	{ "", MOUNT("\"recursive_read_only\":true,\"readonly\":true,\"propagation\":1"), CRI_EINVAL,
	  "mounts[0].recursive_read_only: " },
	{ "", MOUNT("\"uidMappings\":[{\"length\":1}]"), CRI_ENOTSUP, "mounts[0].uidMappings: idmapped" },
	{ "", MOUNT("\"gidMappings\":[{\"length\":1}]"), CRI_ENOTSUP, "mounts[0].gidMappings: idmapped" },
	{ "", MOUNT("\"mount_options\":[\"noexec\",\"nosuid\",\"nodev\"]"), 0, "" },
	{ "", MOUNT("\"mount_options\":[\"noexec\",\"suid\"]"), CRI_EINVAL, "mounts[0].mount_options[1]: \"suid\"" },

	{ "", DEVICE("\"permissions\":\"rwm\""), 0, "" },
	{ "", DEVICE("\"permissions\":\"\""), 0, "" },
	{ "", DEVICE("\"permissions\":\"rx\""), CRI_EINVAL, "devices[0].permissions: \"rx\"" },
	{ "", "\"devices\":[{\"container_path\":\"dev\",\"host_path\":\"/dev/b\"}]", CRI_EINVAL,
	  "devices[0].container_path: " },
	{ "", "\"devices\":[{\"container_path\":\"/dev/../b\",\"host_path\":\"/dev/b\"}]", CRI_EINVAL,
	  "devices[0].container_path: " },
	{ "", "\"devices\":[{\"container_path\":\"/dev/a\"}]", CRI_EINVAL, "devices[0].host_path: " },
	{ "", "\"CDI_devices\":[{\"name\":\"v/c=d\"}]", CRI_ENOTSUP, "CDI_devices: " },

	{ "", "\"log_path\":\"a/./b..log\"", 0, "" },
	{ "", "\"log_path\":\"/a\"", CRI_EINVAL, "log_path: \"/a\" is no relative path" },
	{ "", "\"log_path\":\"../a\"", CRI_EINVAL, "log_path: \"../a\" holds \"..\"" },
	{ "", "\"log_path\":\"a/../b\"", CRI_EINVAL, "log_path: \"a/../b\" holds" },
	{ "", "\"log_path\":\"a/..\"", CRI_EINVAL, "log_path: " },
	{ "", "\"log_path\":\"a/\"", CRI_EINVAL, "log_path: \"a/\" is a directory" },
	{ "", "\"log_path\":\".\"", CRI_EINVAL, "log_path: \".\" is a directory" },
	{ "", "\"log_path\":\"a/.\"", CRI_EINVAL, "log_path: \"a/.\" is a directory" },
	{ "", "\"log_path\":\"" A255 "\"", 0, "" },
	{ "", "\"log_path\":\"" A255 "a\"", CRI_EINVAL, "log_path: a component" },

	{ "", "\"linux\":{\"resources\":{\"cpu_shares\":1}}", CRI_EINVAL, "linux.resources.cpu_shares: " },
	{ "", PIDS("-1"), 0, "" },
	{ "", PIDS("1"), 0, "" },
	{ "", PIDS("9223372036854775807"), 0, "" },
	{ "", PIDS("0"), CRI_EINVAL, "annotations: cgroup.pids.max: \"0\"" },
	{ "", PIDS("-2"), CRI_EINVAL, "annotations: cgroup.pids.max: \"-2\"" },
	{ "", PIDS(""), CRI_EINVAL, "annotations: cgroup.pids.max: \"\"" },
	{ "", PIDS("1k"), CRI_EINVAL, "annotations: cgroup.pids.max: \"1k\"" },
	{ "", PIDS("9223372036854775808"), CRI_EINVAL, "annotations: cgroup.pids.max: " },
	{ "", PIDS("5") ",\"linux\":{\"resources\":{\"pids_limit\":5}}", 0, "" },
	{ "", PIDS("5") ",\"linux\":{\"resources\":{\"pids_limit\":6}}", CRI_EINVAL,
	  "annotations: cgroup.pids.max: \"5\" is not what linux.resources.pids_limit says" },

	{ "", NAMESPACES("\"network\":0,\"pid\":0,\"ipc\":0"), 0, "" },
	{ POD_NAMESPACES("\"pid\":1"), NAMESPACES("\"pid\":0"), 0, "" },
	{ POD_NAMESPACES("\"network\":2,\"ipc\":2"), NAMESPACES("\"network\":2,\"ipc\":2"), 0, "" },
	{ POD_NAMESPACES("\"network\":2,\"ipc\":2"), NAMESPACES("\"network\":0,\"ipc\":0"), 0, "" },
	{ POD_NAMESPACES("\"ipc\":2"), NAMESPACES("\"network\":2"), CRI_EINVAL,
	  NAMESPACE_FIELD "network: NODE needs a pod that has NODE" },
	{ POD_NAMESPACES("\"network\":2"), NAMESPACES("\"ipc\":2"), CRI_EINVAL,
	  NAMESPACE_FIELD "ipc: NODE needs a pod that has NODE" },
	{ "", NAMESPACES("\"network\":1"), CRI_EINVAL, NAMESPACE_FIELD "network: a container has the pod's" },
	{ "", NAMESPACES("\"network\":3"), CRI_EINVAL, NAMESPACE_FIELD "network: a container has the pod's" },
	{ "", NAMESPACES("\"ipc\":1"), 0, "" },
	{ POD_NAMESPACES("\"ipc\":2"), NAMESPACES("\"ipc\":1"), 0, "" },
	{ "", NAMESPACES("\"ipc\":3"), CRI_EINVAL, NAMESPACE_FIELD "ipc: a container has the pod's" },
	{ "", NAMESPACES("\"pid\":1"), 0, "" },
	{ "", NAMESPACES("\"pid\":2"), 0, "" },
	{ "", NAMESPACES("\"pid\":3,\"target_id\":\"abcd\""), 0, "" },
	{ "", NAMESPACES("\"pid\":3"), CRI_EINVAL, NAMESPACE_FIELD "target_id: pid TARGET needs it" },
	{ "", NAMESPACES("\"target_id\":\"abcd\""), CRI_EINVAL, NAMESPACE_FIELD "target_id: only pid TARGET" },
	{ "", NAMESPACES("\"userns_options\":{\"mode\":\"POD\"}"), CRI_ENOTSUP,
	  NAMESPACE_FIELD "userns_options.mode: " },
	{ "", NAMESPACES("\"userns_options\":{\"mode\":\"NODE\"}"), 0, "" },

	{ "\"privileged\":true", SECURITY("\"privileged\":true"), 0, "" },
	{ "", SECURITY("\"privileged\":true"), CRI_EINVAL, FIELD "privileged: " },
	{ "", SECURITY("\"run_as_user\":1,\"run_as_group\":2"), 0, "" },
	{ "", SECURITY("\"run_as_username\":\"nobody\",\"run_as_group\":2"), 0, "" },
	{ "", SECURITY("\"run_as_username\":\"a:b\""), CRI_EINVAL, FIELD "run_as_username: " },
	{ "", SECURITY("\"run_as_username\":\"a\\nb\""), CRI_EINVAL, FIELD "run_as_username: " },
	{ "", SECURITY("\"run_as_group\":2"), CRI_EINVAL, FIELD "run_as_group: it needs" },
	{ "", SECURITY("\"run_as_user\":-5"), CRI_EINVAL, FIELD "run_as_user: -5" },
	{ "", SECURITY("\"supplemental_groups\":[4294967295]"), CRI_EINVAL, FIELD "supplemental_groups[0]: " },
	{ "", SECURITY("\"masked_paths\":[\"/proc/kcore\"],\"readonly_paths\":[\"/proc/sys\"]"), 0, "" },
	{ "", SECURITY("\"masked_paths\":[\"/a\",\"proc\"]"), CRI_EINVAL, FIELD "masked_paths[1]: \"proc\"" },
	{ "", SECURITY("\"readonly_paths\":[\"/a/..\"]"), CRI_EINVAL, FIELD "readonly_paths[0]: \"/a/..\"" },
	{ "", SECURITY("\"selinux_options\":{\"type\":\"t\"}"), CRI_ENOTSUP, FIELD "selinux_options: " },
	{ "", SECURITY("\"seccomp\":{\"profile_type\":1},\"seccomp_profile_path\":\"runtime/default\""), 0, "" },
	{ "", SECURITY("\"seccomp_profile_path\":\"unconfined\""), 0, "" },
	{ "", SECURITY("\"seccomp\":{}"), 0, "" },
	{ "", SECURITY("\"seccomp\":{\"profile_type\":2,\"localhost_ref\":\"/p\"}"), 0, "" },
	{ "", SECURITY("\"seccomp\":{\"profile_type\":2,\"localhost_ref\":\"p\"}"), CRI_EINVAL,
	  FIELD "seccomp.localhost_ref: \"p\"" },
	{ "", SECURITY("\"seccomp\":{\"profile_type\":2}"), CRI_EINVAL, FIELD "seccomp.localhost_ref: " },
	{ "", SECURITY("\"seccomp_profile_path\":\"runtime/default\""), 0, "" },
	{ "", SECURITY("\"seccomp_profile_path\":\"localhost//p\""), 0, "" },
	{ "", SECURITY("\"seccomp_profile_path\":\"/p\""), 0, "" },
	{ "", SECURITY("\"seccomp_profile_path\":\"localhost/p\""), CRI_EINVAL, FIELD "seccomp_profile_path: \"p\"" },
	{ "", SECURITY("\"seccomp_profile_path\":\"p\""), CRI_EINVAL, FIELD "seccomp_profile_path: \"p\"" },
	/* Privileged is unconfined. */
	{ "\"privileged\":true", SECURITY("\"privileged\":true,\"seccomp\":{},\"apparmor\":{}"), 0, "" },
	{ "", SECURITY("\"apparmor\":{\"profile_type\":1},\"apparmor_profile\":\"runtime/default\""), 0, "" },
	{ "", SECURITY("\"apparmor_profile\":\"unconfined\""), 0, "" },
	{ "", SECURITY("\"apparmor\":{}"), CRI_ENOTSUP, FIELD "apparmor: " },
	{ "", SECURITY("\"apparmor_profile\":\"runtime/default\""), CRI_ENOTSUP, FIELD "apparmor_profile: " },
	{ "", SECURITY("\"apparmor\":{\"profile_type\":2,\"localhost_ref\":\"p\"}"), CRI_ENOTSUP, FIELD "apparmor: " },
	{ "", SECURITY("\"apparmor_profile\":\"localhost/p\""), CRI_ENOTSUP, FIELD "apparmor_profile: " },
	{ "", SECURITY("\"apparmor_profile\":\"p\""), CRI_EINVAL, FIELD "apparmor_profile: \"p\"" },
};

static int check_json(const char *pod_json, const char *json, cri_call *call)
{
	struct arena arena CLEANUP_ARENA = ARENA_EMPTY;
	const void *pod = NULL, *config = NULL;

	call_init(call);
	if (config_from_json(&config_sandbox, &arena, pod_json, strlen(pod_json), &pod, call) ||
	    config_from_json(&config_container, &arena, json, strlen(json), &config, call))
		fail_msg("%s, %s: %s", pod_json, json, call->message);
	return config_check_container(config, pod, call);
}

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char pod[256], json[2048], expected[256];
		cri_call call;
		int result;

		snprintf(pod, sizeof(pod), "{\"metadata\":{\"name\":\"p\"},\"linux\":{\"security_context\":{%s}}}",
			 checks[i].pod);
		snprintf(json, sizeof(json), "{\"metadata\":{\"name\":\"n\"},\"image\":{\"image\":\"i\"},%s}",
			 checks[i].json);
		snprintf(expected, sizeof(expected), "check config: %s", checks[i].text);
		result = check_json(pod, json, &call);
		if (result != checks[i].code)
			fail_msg("%s: %d, not %d: %s", json, result, checks[i].code, call.message);
		if (result && !strstr(call.message, expected))
			fail_msg("%s: \"%s\" does not say \"%s\"", json, call.message, expected);
	}
}

static void test_required(void **state)
{
	cri_call call;

	(void)state;
	assert_int_equal(check_json("{}", "{\"image\":{\"image\":\"i\"}}", &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "metadata.name: it is required"));
	assert_int_equal(check_json("{}", "{\"metadata\":{\"name\":\"n\"}}", &call), CRI_EINVAL);
	assert_non_null(strstr(call.message, "image.image: it is required"));
}

/* Each is short enough, both together are not. */
static void test_log_path_with_directory(void **state)
{
	char directory[PATH_MAX - 8], pod[PATH_MAX + 64];
	cri_call call;

	(void)state;
	for (size_t i = 0; i < sizeof(directory) - 1; i++)
		directory[i] = i % 2 ? 'a' : '/';
	directory[sizeof(directory) - 1] = '\0';
	snprintf(pod, sizeof(pod), "{\"log_directory\":\"%s\"}", directory);
	assert_int_equal(check_json(pod,
				    "{\"metadata\":{\"name\":\"n\"},\"image\":{\"image\":\"i\"},"
				    "\"log_path\":\"1234567\"}",
				    &call),
			 0);
	assert_int_equal(check_json(pod,
				    "{\"metadata\":{\"name\":\"n\"},\"image\":{\"image\":\"i\"},"
				    "\"log_path\":\"12345678\"}",
				    &call),
			 CRI_EINVAL);
	assert_non_null(strstr(call.message, "log_path: with log_directory it is longer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_log_path_with_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
