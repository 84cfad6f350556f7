/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/capability.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#define BIT(number) (UINT64_C(1) << (number))
#define LIST(...)                                                                                                      \
	(const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

enum { EFFECTIVE, PERMITTED, INHERITABLE, BOUNDING, AMBIENT };

static cri_call call;
static uint64_t sets[RUNTIME_CAPABILITY_SETS];

/* What the machine that runs the test can give: containers and sandboxes withhold some. */
static uint64_t possible(void)
{
	uint64_t set = 0;

	for (int i = 0; i <= capability_last(); i++)
		set |= prctl(PR_CAPBSET_READ, (unsigned long)i) == 1 ? BIT(i) : 0;
	return set;
}

static uint64_t defaults(void)
{
	return (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) | BIT(CAP_MKNOD) |
		BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) |
		BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE)) &
	       possible();
}

struct lists {
	const char *const *add;
	size_t n_add;
	const char *const *drop;
	size_t n_drop;
	const char *const *ambient;
	size_t n_ambient;
};

static int settle(struct lists lists, bool privileged)
{
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT,
		.privileged = privileged,
		.add_capabilities = lists.add,
		.n_add_capabilities = lists.n_add,
		.drop_capabilities = lists.drop,
		.n_drop_capabilities = lists.n_drop,
		.add_ambient_capabilities = lists.ambient,
		.n_add_ambient_capabilities = lists.n_ambient,
	};

	call_init(&call);
	return capability_sets(&config, sets, &call);
}

static void expect(uint64_t set, uint64_t ambient)
{
	assert_int_equal(sets[EFFECTIVE], set);
	assert_int_equal(sets[PERMITTED], set);
	assert_int_equal(sets[BOUNDING], set);
	assert_int_equal(sets[INHERITABLE], ambient);
	assert_int_equal(sets[AMBIENT], ambient);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(capability_from_name("NET_ADMIN"), CAP_NET_ADMIN);
	assert_int_equal(capability_from_name("CAP_NET_ADMIN"), CAP_NET_ADMIN);
	assert_int_equal(capability_from_name("cap_net_admin"), CAP_NET_ADMIN);
	assert_int_equal(capability_from_name("Chown"), CAP_CHOWN);
	assert_int_equal(capability_from_name("NET"), -1);
	assert_int_equal(capability_from_name(""), -1);
	assert_int_equal(capability_from_name("CAP_"), -1);
	assert_int_equal(capability_from_name("CAP_CAP_CHOWN"), -1);
	assert_int_equal(capability_from_name("ALL"), -1);
	assert_string_equal(capability_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
	assert_null(capability_name(CAP_LAST_CAP + 1));
	assert_null(capability_name(-1));
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		assert_int_equal(capability_from_name(capability_name(i)), i);
	assert_in_range(capability_last(), CAP_AUDIT_READ, 63);
}

static void test_sets(void **state)
{
	const uint64_t all = possible();

	(void)state;
	assert_int_equal(settle((struct lists){ 0 }, false), 0);
	expect(defaults(), 0);
	assert_int_equal(settle((struct lists){ 0 }, true), 0);
	expect(all, 0);
	assert_int_equal(settle((struct lists){ .add = LIST("all"), .drop = LIST("MKNOD") }, false), 0);
	expect(all & ~BIT(CAP_MKNOD), 0);
	assert_int_equal(settle((struct lists){ .add = LIST("KILL", "cap_chown"), .drop = LIST("ALL") }, false), 0);
	expect((BIT(CAP_KILL) | BIT(CAP_CHOWN)), 0);
	assert_int_equal(settle((struct lists){ .add = LIST("ALL"), .drop = LIST("ALL") }, false), 0);
	expect(0, 0);
	/* In both: dropped. */
	assert_int_equal(settle((struct lists){ .add = LIST("KILL"), .drop = LIST("CAP_KILL") }, false), 0);
	expect(defaults() & ~BIT(CAP_KILL), 0);
	assert_int_equal(settle((struct lists){ .drop = LIST("SYS_ADMIN") }, true), 0);
	expect(all & ~BIT(CAP_SYS_ADMIN), 0);
}

static void test_ambient(void **state)
{
	const uint64_t bind = BIT(CAP_NET_BIND_SERVICE);

	(void)state;
	assert_int_equal(settle((struct lists){ .ambient = LIST("NET_BIND_SERVICE") }, false), 0);
	expect(defaults(), bind);
	assert_int_equal(settle((struct lists){ .drop = LIST("ALL"), .ambient = LIST("NET_BIND_SERVICE") }, false), 0);
	expect(bind, bind);
	assert_int_equal(
		settle((struct lists){ .drop = LIST("NET_BIND_SERVICE"), .ambient = LIST("NET_BIND_SERVICE") }, false),
		0);
	expect(defaults() & ~bind, 0);
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(settle((struct lists){ .add = LIST("NET_ADMIN", "FLY") }, false), CRI_EINVAL);
	assert_non_null(strstr(call.message, "add_capabilities"));
	assert_non_null(strstr(call.message, "FLY"));
	assert_int_equal(settle((struct lists){ .drop = LIST("") }, false), CRI_EINVAL);
	assert_non_null(strstr(call.message, "drop_capabilities"));
	assert_int_equal(settle((struct lists){ .ambient = LIST("X") }, true), CRI_EINVAL);
	assert_non_null(strstr(call.message, "add_ambient_capabilities"));
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		if (possible() & BIT(i))
			continue;
		assert_int_equal(settle((struct lists){ .add = LIST(capability_name(i)) }, false), CRI_EPERM);
		assert_non_null(strstr(call.message, capability_name(i)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_ambient),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
