/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles, seen from inside: of the first process, of execs, and of the pause process. */
#include "fixture.h"
#include "image_builder.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Address spaces that are not random are asked for with a personality that the built-in profile refuses. */
#define REFUSED_BY_DEFAULT "linux64 -R true 2>/dev/null && echo yes || echo no"

static const cri_security_profile by_default = { CRI_SECURITY_PROFILE_INIT,
						 .profile_type = CRI_PROFILE_RUNTIME_DEFAULT };
static const cri_security_profile unconfined = { CRI_SECURITY_PROFILE_INIT, .profile_type = CRI_PROFILE_UNCONFINED };

static char *start(struct fixture *fixture, const char *sandbox, const cri_container_config *given)
{
	static int number;
	cri_container_config config = *given;
	char name[32];

	snprintf(name, sizeof(name), "seccomp%d", number++);
	config.name = name;
	return fixture_start_with(fixture, sandbox, &config);
}

static char *run_pod(struct fixture *fixture, bool privileged)
{
	const cri_sandbox_config pod = { CRI_SANDBOX_CONFIG_INIT, .name = "seccomp", .privileged = privileged };
	char *id = NULL;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &id, fixture->call));
	return id;
}

/* Of a container that is made for this. */
static void assert_filter(struct fixture *fixture, const char *sandbox, const cri_container_config *config,
			  const char *mode, const char *refused)
{
	char *id = start(fixture, sandbox, config);

	fixture_assert_output(fixture, id, "grep Seccomp: /proc/1/status | cut -f 2", mode);
	fixture_assert_output(fixture, id, "grep Seccomp: /proc/self/status | cut -f 2", mode);
	fixture_assert_output(fixture, id, REFUSED_BY_DEFAULT, refused);
	expect_ok(fixture, cri_container_remove(fixture->engine, id, fixture->call));
	cri_free(id);
}

static void test_default(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = run_pod(fixture, true);
	const char *const admin[] = { "SYS_ADMIN" };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT };
	char *id;

	/* None unless it is asked for. */
	assert_filter(fixture, sandbox, &config, "0\n", "yes\n");
	config.seccomp = &unconfined;
	assert_filter(fixture, sandbox, &config, "0\n", "yes\n");
	config.seccomp = &by_default;
	assert_filter(fixture, sandbox, &config, "2\n", "no\n");
	config.has_run_as_user = true;
	config.run_as_user = 1000;
	assert_filter(fixture, sandbox, &config, "2\n", "no\n");
	config.no_new_privs = true;
	assert_filter(fixture, sandbox, &config, "2\n", "no\n");
	config = (cri_container_config){ CRI_CONTAINER_CONFIG_INIT, .privileged = true, .seccomp = &by_default };
	assert_filter(fixture, sandbox, &config, "0\n", "yes\n");
	config = (cri_container_config){ CRI_CONTAINER_CONFIG_INIT, .seccomp_profile_path = "runtime/default" };
	assert_filter(fixture, sandbox, &config, "2\n", "no\n");
	config.seccomp_profile_path = "unconfined";
	assert_filter(fixture, sandbox, &config, "0\n", "yes\n");
	/* What a capability is about is allowed with it. */
	config = (cri_container_config){
		CRI_CONTAINER_CONFIG_INIT,
		.seccomp = &by_default,
		.add_capabilities = admin,
		.n_add_capabilities = 1,
	};
	id = start(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, "unshare -m true && echo yes; " REFUSED_BY_DEFAULT, "yes\nno\n");
	cri_free(id);
	config.n_add_capabilities = 0;
	id = start(fixture, sandbox, &config);
	fixture_assert_output(
		fixture, id,
		"unshare -m true 2>/dev/null || echo no; (sleep 0.01 & wait) && ls / >/dev/null && echo works",
		"no\nworks\n");
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* New namespaces are refused, as other engines do. clone3, whose flags no filter sees, is unknown instead, so that the
 * C library makes its threads with clone. */
static void test_clone(void **state)
{
	static const char script[] = "import ctypes, os, threading\n"
				     "libc = ctypes.CDLL(None, use_errno=True)\n"
				     "def error(*arguments):\n"
				     "    pid = libc.syscall(*[ctypes.c_long(argument) for argument in arguments])\n"
				     "    if pid == 0:\n"
				     "        os._exit(0)\n"
				     "    return os.strerror(ctypes.get_errno()) if pid < 0 else 'a process'\n"
				     "clone = {'x86_64': 56, 'aarch64': 220}[os.uname().machine]\n"
				     "print(error(clone, 0x4000000 | 17, 0, 0, 0, 0))\n"
				     "print(error(clone, 17, 0, 0, 0, 0))\n"
				     "print(error(435, 0, 0))\n"
				     "thread = threading.Thread(target=lambda: print('a thread'))\n"
				     "thread.start()\n"
				     "thread.join()\n";
	struct fixture *fixture = *state;
	char *sandbox = run_pod(fixture, false);
	const cri_mount host = { CRI_MOUNT_INIT, .host_path = "/", .container_path = "/host", .readonly = true };
	const cri_mount *const mounts[] = { &host };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.seccomp = &by_default,
		.mounts = mounts,
		.n_mounts = 1,
	};
	char *id = start(fixture, sandbox, &config), command[1200];

	snprintf(command, sizeof(command), "chroot /host /usr/bin/python3 -c \"%s\"", script);
	fixture_assert_output(fixture, id, command,
			      "Operation not permitted\na process\nFunction not implemented\na thread\n");
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

/* A program that another version compiled is not taken: the name of the kept one tells the versions. */
static void test_kept_by_version(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = run_pod(fixture, false), *id;
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .seccomp = &by_default };
	const char *const all[] = { "ALL" };
	cri_container_config no_capabilities = config;
	char pattern[160];
	glob_t kept, found;

	id = start(fixture, sandbox, &config);
	cri_free(id);
	snprintf(pattern, sizeof(pattern), "%s/seccomp-" CRI_VERSION "-[0-9]*.[0-9]*.[0-9]*-*", fixture->state);
	assert_int_equal(glob(pattern, 0, NULL, &kept), 0);
	snprintf(pattern, sizeof(pattern), "%s/seccomp-*", fixture->state);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, kept.gl_pathc);
	globfree(&found);
	/* By the capabilities, too; and the same again makes none. */
	no_capabilities.drop_capabilities = all;
	no_capabilities.n_drop_capabilities = 1;
	for (int i = 0; i < 2; i++) {
		id = start(fixture, sandbox, &no_capabilities);
		fixture_assert_output(fixture, id, "grep Seccomp: /proc/1/status | cut -f 2", "2\n");
		cri_free(id);
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		assert_int_equal(found.gl_pathc, kept.gl_pathc + 1);
		globfree(&found);
	}
	globfree(&kept);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static const char profile[] =
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\","
	"\"SCMP_ARCH_AARCH64\"],\"syscalls\":["
	"{\"names\":[\"mkdir\",\"mkdirat\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":28},"
	"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ERRNO\","
	"\"args\":[{\"index\":0,\"value\":8,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"rmdir\",\"unlinkat\"],\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"caps\":[\"CAP_SYS_BOOT\"]}},"
	"{\"names\":[\"symlink\",\"symlinkat\"],\"action\":\"SCMP_ACT_ERRNO\",\"excludes\":{\"caps\":[\"CAP_SYS_BOOT\"]"
	"}}"
	"]}";

static void assert_profile(struct fixture *fixture, const char *id)
{
	fixture_assert_output(fixture, id, "grep Seccomp: /proc/1/status /proc/self/status | cut -f 2", "2\n2\n");
	fixture_assert_output(fixture, id, "mkdir /tmp/made 2>&1 | grep -c 'No space left'", "1\n");
	fixture_assert_output(fixture, id, "linux32 true 2>/dev/null || echo no; linux64 true && echo yes",
			      "no\nyes\n");
	fixture_assert_output(fixture, id,
			      "ln -s a /tmp/link 2>/dev/null || echo no; touch /tmp/a && rm /tmp/a && echo yes",
			      "no\nyes\n");
}

static void test_profile_of_the_host(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = run_pod(fixture, false);
	char path[128], old[160], *id;
	cri_security_profile localhost = {
		CRI_SECURITY_PROFILE_INIT,
		.profile_type = CRI_PROFILE_LOCALHOST,
		.localhost_ref = path,
	};
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .seccomp = &localhost };

	snprintf(path, sizeof(path), "%s/profile.json", fixture->directory);
	write_text(path, profile);
	id = start(fixture, sandbox, &config);
	/* It was read when the container was made. */
	assert_int_equal(unlink(path), 0);
	assert_profile(fixture, id);
	cri_free(id);
	write_text(path, profile);
	config.seccomp = NULL;
	config.seccomp_profile_path = path;
	id = start(fixture, sandbox, &config);
	assert_profile(fixture, id);
	cri_free(id);
	snprintf(old, sizeof(old), "localhost/%s", path);
	config.seccomp_profile_path = old;
	id = start(fixture, sandbox, &config);
	assert_profile(fixture, id);
	cri_free(id);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	cri_free(sandbox);
}

static void test_bad_profiles(void **state)
{
	static const struct {
		const char *text, *word;
		int code;
	} bad[] = {
		{ NULL, "No such file", CRI_EINVAL },
		{ "", "no JSON", CRI_EINVAL },
		{ "[]", "defaultAction", CRI_EINVAL },
		{ "{\"syscalls\":[]}", "defaultAction", CRI_EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_DANCE\"}", "SCMP_ACT_DANCE", CRI_EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_ERRNO\"}]}", "names",
		  CRI_EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_"
		  "ERRNO\","
		  "\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		  "index", CRI_EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_"
		  "ERRNO\","
		  "\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_NEAR\"}]}]}",
		  "SCMP_CMP_NEAR", CRI_EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_"
		  "NOTIFY\"}]}",
		  "SCMP_ACT_NOTIFY", CRI_ENOTSUP },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}",
		  "SECCOMP_FILTER_FLAG_LOG", CRI_ENOTSUP },
	};
	struct fixture *fixture = *state;
	char *sandbox = run_pod(fixture, false);
	char path[128], *id = NULL;
	const cri_security_profile localhost = {
		CRI_SECURITY_PROFILE_INIT,
		.profile_type = CRI_PROFILE_LOCALHOST,
		.localhost_ref = path,
	};
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.name = "bad",
		.image = IMAGE,
		.seccomp = &localhost,
	};
	cri_list *list;

	snprintf(path, sizeof(path), "%s/bad.json", fixture->directory);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (bad[i].text)
			write_text(path, bad[i].text);
		expect_code(fixture, bad[i].code,
			    cri_container_create(fixture->engine, sandbox, &config, &id, fixture->call));
		if (!strstr(cri_call_message(fixture->call), bad[i].word))
			fail_msg("\"%s\" lacks \"%s\"", cri_call_message(fixture->call), bad[i].word);
		assert_null(id);
	}
	expect_ok(fixture, cri_container_list(fixture->engine, NULL, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 0);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(sandbox);
}

/* What a kubelet sends with every pod is the pause process's, and no container's. */
static void test_pause(void **state)
{
	struct fixture *fixture = *state;
	const cri_sandbox_config pod = {
		.size = sizeof(pod),
		.name = "pause",
		.pid = CRI_NAMESPACE_POD,
		.seccomp = &by_default,
	};
	const cri_container_config config = { .size = sizeof(config), .pid = CRI_NAMESPACE_POD };
	char *sandbox = NULL, *id, *json = NULL;

	expect_ok(fixture, cri_sandbox_run(fixture->engine, &pod, NULL, &sandbox, fixture->call));
	expect_ok(fixture, cri_sandbox_info_json(fixture->engine, sandbox, &json, fixture->call));
	assert_non_null(strstr(json, "\"seccomp\""));
	cri_free(json);
	id = start(fixture, sandbox, &config);
	fixture_assert_output(fixture, id,
			      "cat /proc/1/comm; grep Seccomp: /proc/1/status /proc/self/status | cut -f 2",
			      "pause\n2\n0\n");
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, sandbox, fixture->call));
	fixture_assert_clean(fixture);
	cri_free(id);
	cri_free(sandbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_default),         fixture_test(test_clone),
		fixture_test(test_kept_by_version), fixture_test(test_profile_of_the_host),
		fixture_test(test_bad_profiles),    fixture_test(test_pause),
	};

	return cmocka_run_group_tests_name("seccomp", tests, fixture_set_up, fixture_tear_down);
}
