/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init: capabilities, no_new_privs, seccomp. Needs root. */
#include "init_player.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

#define STATUS "grep -E '^Cap|^NoNew|^Seccomp:' /proc/self/status"

/* sets: effective, permitted, inheritable, bounding, ambient. */
static void begin(const char *user, const uint64_t sets[5], const char *script)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };

	player_start(&the_player);
	player_record(&the_player, 0, arguments);
	/* The last one counts. */
	player_add(&the_player, PROCESS_CAPABILITIES, sets, 5 * sizeof(*sets));
	player_add_text(&the_player, PROCESS_USER, user);
}

static const char *finish(void)
{
	const char *output;

	player_prepare(&the_player);
	player_go(&the_player);
	output = player_output(&the_player);
	assert_int_equal(player_end(&the_player), 0);
	return output;
}

static const char *expected(const uint64_t inheritable, uint64_t permitted, uint64_t bounding, uint64_t ambient,
			    int no_new_privs, int seccomp)
{
	static char text[512];

	snprintf(text, sizeof(text),
		 "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n"
		 "NoNewPrivs:\t%d\nSeccomp:\t%d\n",
		 (unsigned long long)inheritable, (unsigned long long)permitted, (unsigned long long)permitted,
		 (unsigned long long)bounding, (unsigned long long)ambient, no_new_privs, seccomp);
	return text;
}

static void test_capabilities(void **state)
{
	const uint64_t set = DEFAULT_CAPABILITIES, bind = BIT(CAP_NET_BIND_SERVICE);
	const uint64_t usual[] = { set, set, 0, set, 0 }, none[5] = { 0 }, ambient[] = { set, set, bind, set, bind };
	const uint64_t impossible[] = { 0, 0, 0, 0, bind };

	NEEDS_ROOT();
	begin("", usual, STATUS);
	assert_string_equal(finish(), expected(0, set, set, 0, 0, 0));
	begin("app", usual, STATUS);
	assert_string_equal(finish(), expected(0, 0, set, 0, 0, 0));
	begin("", none, STATUS);
	assert_string_equal(finish(), expected(0, 0, 0, 0, 0, 0));
	begin("app", none, STATUS);
	assert_string_equal(finish(), expected(0, 0, 0, 0, 0, 0));
	begin("app", ambient, STATUS);
	assert_string_equal(finish(), expected(bind, bind, set, bind, 0, 0));
	begin("app", ambient, STATUS);
	player_add(&the_player, PROCESS_NO_NEW_PRIVS, NULL, 0);
	assert_string_equal(finish(), expected(bind, bind, set, bind, 1, 0));
	begin("app", impossible, STATUS);
	player_prepare(&the_player);
	player_go_fails(&the_player, EPERM);
	assert_string_equal(the_player.step, "set the capabilities");
}

static void test_all_capabilities(void **state)
{
	const uint64_t all[] = { UINT64_MAX, UINT64_MAX, 0, UINT64_MAX, 0 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t own;

	NEEDS_ROOT();
	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	own = data[0].permitted | (uint64_t)data[1].permitted << 32;
	begin("", all, STATUS);
	assert_string_equal(finish(), expected(0, own, own, 0, 0, 0));
	/* 64 are more than there are. */
	assert_non_null(strstr(the_player.notes, "are not there to be given"));
}

#if defined(__x86_64__)
#define AUDIT_MACHINE AUDIT_ARCH_X86_64
#else
#define AUDIT_MACHINE AUDIT_ARCH_AARCH64
#endif

/* One system call fails with an errno, everything else is allowed. */
static void add_filter(uint32_t number, uint32_t action)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_MACHINE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	player_add(&the_player, PROCESS_SECCOMP, filter, sizeof(filter));
}

static void test_seccomp(void **state)
{
	const uint64_t set = DEFAULT_CAPABILITIES, with_admin = set | BIT(CAP_SYS_ADMIN);
	const uint64_t usual[] = { set, set, 0, set, 0 }, admin[] = { with_admin, with_admin, 0, with_admin, 0 };
	static const uint32_t not_needed[] = {
		/* What is called before the filter is there may be forbidden by it. */
		SYS_openat2, SYS_setresuid,  SYS_setgroups, SYS_fchdir, SYS_prlimit64,
		SYS_prctl,   SYS_faccessat2, SYS_dup3,      SYS_umask,  SYS_seccomp,
	};

	NEEDS_ROOT();
	begin("app", usual, STATUS "; mkdir /tmp/x 2>/dev/null || echo refused");
	add_filter(SYS_mkdirat, SECCOMP_RET_ERRNO | EPERM);
#ifdef SYS_mkdir
	add_filter(SYS_mkdir, SECCOMP_RET_ERRNO | EPERM);
#endif
	char text[600];
	snprintf(text, sizeof(text), "%srefused\n", expected(0, 0, set, 0, 0, 2));
	assert_string_equal(finish(), text);
	begin("", usual, STATUS);
	add_filter(SYS_swapoff, SECCOMP_RET_ERRNO | EPERM);
	assert_string_equal(finish(), expected(0, set, set, 0, 0, 2));
	begin("", admin, STATUS);
	/* No second capset is needed where CAP_SYS_ADMIN stays. */
	add_filter(SYS_capset, SECCOMP_RET_KILL_PROCESS);
	assert_string_equal(finish(), expected(0, with_admin, with_admin, 0, 0, 2));
	begin("", usual, STATUS);
	add_filter(SYS_capset, SECCOMP_RET_KILL_PROCESS);
	player_add(&the_player, PROCESS_NO_NEW_PRIVS, NULL, 0);
	assert_string_equal(finish(), expected(0, set, set, 0, 1, 2));
	for (size_t i = 0; i < sizeof(not_needed) / sizeof(not_needed[0]); i++) {
		static const char *const arguments[] = { "busybox", "true", NULL };

		player_start(&the_player);
		player_record(&the_player, set, arguments);
		player_add_text(&the_player, PROCESS_USER, "app");
		add_filter(not_needed[i], SECCOMP_RET_ERRNO | ENOSYS);
		player_prepare(&the_player);
		player_go(&the_player);
		assert_string_equal(player_output(&the_player), "");
		player_end(&the_player);
	}
}

static void test_seccomp_refused(void **state)
{
	const uint64_t set = DEFAULT_CAPABILITIES;
	const uint64_t usual[] = { set, set, 0, set, 0 };
	const struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0) };

	NEEDS_ROOT();
	begin("", usual, "true");
	player_add(&the_player, PROCESS_SECCOMP, endless, sizeof(endless));
	player_prepare(&the_player);
	player_go_fails(&the_player, EINVAL);
	assert_string_equal(the_player.step, "install the seccomp filter");
	begin("", usual, "true");
	add_filter(SYS_execve, SECCOMP_RET_ERRNO | EPERM);
	player_prepare(&the_player);
	player_go_fails(&the_player, EPERM);
	assert_string_equal(the_player.step, "execute");
}

static void test_label(void **state)
{
	const uint64_t none[5] = { 0 };

	NEEDS_ROOT();
	/* Without a security module that knows it, a label is refused and not forgotten. */
	begin("", none, "true");
	player_add_text(&the_player, PROCESS_LSM_LABEL, "exec no-such-profile");
	player_prepare(&the_player);
	int fd = the_player.output;
	assert_int_equal(fd, -1);
	player_go_fails(&the_player, access("/sys/kernel/security/apparmor", F_OK) == 0 ? ENOENT : EINVAL);
	assert_string_equal(the_player.step, "set the security label");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_all_capabilities),
		cmocka_unit_test(test_seccomp),      cmocka_unit_test(test_seccomp_refused),
		cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, player_set_up, player_tear_down);
}
