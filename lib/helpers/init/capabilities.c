/* SPDX-License-Identifier: Apache-2.0 */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_CAPABILITIES 64

int capabilities_get(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	*inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

int capabilities_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_bound(uint64_t keep)
{
	for (unsigned long capability = 0; capability < MOST_CAPABILITIES; capability++) {
		int has = keep >> capability & 1 ? 0 : prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL);

		/* EINVAL: the kernel knows no more. */
		if (has < 0)
			return errno == EINVAL ? 0 : -errno;
		if (has && prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) < 0)
			return -errno;
	}
	return 0;
}

int capabilities_set_ambient(uint64_t ambient)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) < 0)
		return -errno;
	for (unsigned long capability = 0; capability < MOST_CAPABILITIES; capability++) {
		if (ambient >> capability & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0UL, 0UL) < 0)
			return -errno;
	}
	return 0;
}
