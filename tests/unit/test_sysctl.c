/* SPDX-License-Identifier: Apache-2.0 */
#include "network/sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *name, const char *path, enum sysctl_namespace which)
{
	char found[SYSCTL_PATH_MAX];
	enum sysctl_namespace found_namespace;

	assert_int_equal(sysctl_path(name, found, &found_namespace), 0);
	assert_string_equal(found, path);
	assert_int_equal(found_namespace, which);
}

static void test_names(void **state)
{
	(void)state;
	expect("net.ipv4.ip_forward", "net/ipv4/ip_forward", SYSCTL_NETWORK);
	expect("net/ipv4/ip_forward", "net/ipv4/ip_forward", SYSCTL_NETWORK);
	expect("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding", SYSCTL_NETWORK);
	expect("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding", SYSCTL_NETWORK);
	expect("kernel.shmmax", "kernel/shmmax", SYSCTL_IPC);
	expect("kernel.shm_rmid_forced", "kernel/shm_rmid_forced", SYSCTL_IPC);
	expect("kernel.msgmax", "kernel/msgmax", SYSCTL_IPC);
	expect("kernel.sem", "kernel/sem", SYSCTL_IPC);
	expect("fs.mqueue.msg_max", "fs/mqueue/msg_max", SYSCTL_IPC);
	expect("kernel.domainname", "kernel/domainname", SYSCTL_UTS);
}

static void test_refused(void **state)
{
	static const char *const no_names[] = { "",
						".",
						"net.",
						"net..ipv4",
						".net.ipv4",
						"net/../kernel/core_pattern",
						"net//ipv4",
						"net/./x",
						"/net/ipv4",
						"net.//.kernel.core_pattern",
						"../kernel/panic" };
	static const char *const others[] = { "kernel.core_pattern", "vm.swappiness", "kernel.semx", "network.x", "net",
					      "kernel.hostname",     "fs.mqueuex.y" };
	char path[SYSCTL_PATH_MAX], longer[SYSCTL_PATH_MAX + 1];
	enum sysctl_namespace which;

	(void)state;
	for (size_t i = 0; i < sizeof(no_names) / sizeof(no_names[0]); i++)
		assert_int_equal(sysctl_path(no_names[i], path, &which), -EINVAL);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(sysctl_path(others[i], path, &which), -ENOTSUP);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(sysctl_path(longer, path, &which), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
