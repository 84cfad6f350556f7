/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in profile. In effect that of the other engines: system calls that reach beyond a container, or that few
 * programs need and many exploits used, are refused with EPERM unless a capability that the container has is about
 * them; those that are too new to be judged here are unknown (ENOSYS), so that programs fall back; all others are
 * allowed. Told by what is refused: the list is shorter, and each line has its reason.
 */
#include "filter_library.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NEVER (-1)
#define BIT(capability) (UINT64_C(1) << (capability))

/* Beyond the last that any architecture has. */
#define NUMBERS_MAX 1024

#define NEW_NAMESPACES                                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const struct refused {
	const char *name;
	int capability, other; /* with one of them it is allowed */
} refused[] = {
	/* mounts and namespaces */
	{ "fsconfig", CAP_SYS_ADMIN, NEVER },
	{ "fsmount", CAP_SYS_ADMIN, NEVER },
	{ "fsopen", CAP_SYS_ADMIN, NEVER },
	{ "fspick", CAP_SYS_ADMIN, NEVER },
	{ "mount", CAP_SYS_ADMIN, NEVER },
	{ "mount_setattr", CAP_SYS_ADMIN, NEVER },
	{ "move_mount", CAP_SYS_ADMIN, NEVER },
	{ "open_tree", CAP_SYS_ADMIN, NEVER },
	{ "pivot_root", NEVER, NEVER },
	{ "setns", CAP_SYS_ADMIN, NEVER },
	{ "umount", CAP_SYS_ADMIN, NEVER },
	{ "umount2", CAP_SYS_ADMIN, NEVER },
	{ "unshare", CAP_SYS_ADMIN, NEVER },
	{ "chroot", CAP_SYS_CHROOT, NEVER },
	/* the machine: its names, clock, modules, devices, quotas, swap, kernel */
	{ "setdomainname", CAP_SYS_ADMIN, NEVER },
	{ "sethostname", CAP_SYS_ADMIN, NEVER },
	{ "clock_settime", CAP_SYS_TIME, NEVER },
	{ "clock_settime64", CAP_SYS_TIME, NEVER },
	{ "settimeofday", CAP_SYS_TIME, NEVER },
	{ "stime", CAP_SYS_TIME, NEVER },
	{ "create_module", NEVER, NEVER },
	{ "delete_module", CAP_SYS_MODULE, NEVER },
	{ "finit_module", CAP_SYS_MODULE, NEVER },
	{ "get_kernel_syms", NEVER, NEVER },
	{ "init_module", CAP_SYS_MODULE, NEVER },
	{ "query_module", NEVER, NEVER },
	{ "ioperm", CAP_SYS_RAWIO, NEVER },
	{ "iopl", CAP_SYS_RAWIO, NEVER },
	{ "acct", CAP_SYS_PACCT, NEVER },
	{ "quotactl", CAP_SYS_ADMIN, NEVER },
	{ "quotactl_fd", CAP_SYS_ADMIN, NEVER },
	{ "swapoff", NEVER, NEVER },
	{ "swapon", NEVER, NEVER },
	{ "kexec_file_load", NEVER, NEVER },
	{ "kexec_load", NEVER, NEVER },
	{ "reboot", CAP_SYS_BOOT, NEVER },
	{ "syslog", CAP_SYS_ADMIN, CAP_SYSLOG },
	{ "vhangup", CAP_SYS_TTY_CONFIG, NEVER },
	/* keys, which belong to no namespace */
	{ "add_key", NEVER, NEVER },
	{ "keyctl", NEVER, NEVER },
	{ "request_key", NEVER, NEVER },
	/* programs in the kernel, and looks into it */
	{ "bpf", CAP_SYS_ADMIN, CAP_BPF },
	{ "fanotify_init", CAP_SYS_ADMIN, NEVER },
	{ "lookup_dcookie", CAP_SYS_ADMIN, NEVER },
	{ "perf_event_open", CAP_SYS_ADMIN, CAP_PERFMON },
	{ "io_uring_enter", NEVER, NEVER },
	{ "io_uring_register", NEVER, NEVER },
	{ "io_uring_setup", NEVER, NEVER },
	{ "userfaultfd", NEVER, NEVER },
	/* other processes, and memory that is the machine's to place */
	{ "kcmp", CAP_SYS_PTRACE, NEVER },
	{ "pidfd_getfd", CAP_SYS_PTRACE, NEVER },
	{ "process_madvise", CAP_SYS_PTRACE, NEVER },
	{ "get_mempolicy", CAP_SYS_NICE, NEVER },
	{ "mbind", CAP_SYS_NICE, NEVER },
	{ "set_mempolicy", CAP_SYS_NICE, NEVER },
	{ "set_mempolicy_home_node", CAP_SYS_NICE, NEVER },
	{ "migrate_pages", NEVER, NEVER },
	{ "move_pages", NEVER, NEVER },
	/* files by handles, which leave any root */
	{ "open_by_handle_at", CAP_DAC_READ_SEARCH, NEVER },
	/* of the past; a socket's family, when it is in memory, is seen by no filter */
	{ "_sysctl", NEVER, NEVER },
	{ "nfsservctl", NEVER, NEVER },
	{ "socketcall", NEVER, NEVER },
	{ "sysfs", NEVER, NEVER },
	{ "uselib", NEVER, NEVER },
	{ "ustat", NEVER, NEVER },
	{ "vm86", NEVER, NEVER },
	{ "vm86old", NEVER, NEVER },
};

static const struct refused *find_refused(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (strcmp(refused[i].name, name) == 0)
			return &refused[i];
	return NULL;
}

static bool has(const struct filter *filter, int capability)
{
	return capability != NEVER && filter->capabilities & BIT(capability);
}

/* One more rule of a system call that is told by its first argument, unless one before it failed. */
static void add_case(const struct filter *filter, uint32_t action, int number, struct scmp_arg_cmp first, int *result)
{
	if (*result == 0)
		*result = filter_add_rule(filter, action, number, &first, 1);
}

#define refuse_case(filter, number, first, result)                                                                     \
	add_case((filter), SCMP_ACT_ERRNO(EPERM), (number), (first), (result))
#define allow_case(filter, number, first, result) add_case((filter), SCMP_ACT_ALLOW, (number), (first), (result))

/*
 * Where an argument decides, the rules of what is refused are the exact complement of those of what is allowed: no two
 * may be true of one argument, as libseccomp does not say which would win, and where none is, the call would be unknown
 * instead of refused.
 */

/* All but AF_VSOCK, which leads to the hypervisor, past every namespace. Told by what is allowed: a filter compares 64
 * bits, the kernel takes the lower 32, so that "not AF_VSOCK" would let it through with any bit above them. */
static int add_socket(const struct filter *filter, int number)
{
	int result = 0;

	allow_case(filter, number, SCMP_A0(SCMP_CMP_LT, AF_VSOCK), &result);
	refuse_case(filter, number, SCMP_A0(SCMP_CMP_EQ, AF_VSOCK), &result);
	for (unsigned int family = AF_VSOCK + 1; family < AF_MAX; family++)
		allow_case(filter, number, SCMP_A0(SCMP_CMP_EQ, family), &result);
	refuse_case(filter, number, SCMP_A0(SCMP_CMP_GE, AF_MAX), &result);
	return result;
}

/* All but new namespaces. */
static int add_clone(const struct filter *filter, int number)
{
	int result = 0;

	allow_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, NEW_NAMESPACES, 0), &result);
	for (uint64_t flag = 1; flag <= NEW_NAMESPACES; flag <<= 1) {
		if (flag & NEW_NAMESPACES)
			refuse_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag), &result);
	}
	return result;
}

/* Linux with its 32-bit and its old-BSD-like behaviour, and the question which it is. */
static int add_personality(const struct filter *filter, int number)
{
	const uint64_t question = UINT32_MAX, behaviours = 0x20008, others = question & ~behaviours;
	int result = 0;

	allow_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, others, 0), &result);
	allow_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, question, question), &result);
	/* Of the others some, but not all: somewhere, going round, one that is set precedes one that is not. */
	for (uint64_t flag = 1; flag <= others; flag <<= 1) {
		uint64_t next = flag;

		if (!(flag & others))
			continue;
		do
			next = next == BIT(31) ? 1 : next << 1;
		while (!(next & others));
		refuse_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, flag | next, flag), &result);
	}
	/* All of them, but it is not the question. */
	for (uint64_t flag = 1; flag <= behaviours; flag <<= 1) {
		if (flag & behaviours)
			refuse_case(filter, number, SCMP_A0(SCMP_CMP_MASKED_EQ, others | flag, others), &result);
	}
	return result;
}

/* Not its numbers decide, but its arguments. 1: it is none of these. */
static int add_by_arguments(const struct filter *filter, const char *name, int number)
{
	if (strcmp(name, "clone") == 0 && !has(filter, CAP_SYS_ADMIN))
		return add_clone(filter, number);
	/* Its flags are in memory, where no filter sees them; unknown, the C library uses clone. */
	if (strcmp(name, "clone3") == 0 && !has(filter, CAP_SYS_ADMIN))
		return 0;
	if (strcmp(name, "socket") == 0)
		return add_socket(filter, number);
	return strcmp(name, "personality") == 0 ? add_personality(filter, number) : 1;
}

static int add_by_name(struct filter *filter, const char *name)
{
	const struct refused *line = find_refused(name);
	int number = filter->library->resolve_name(name);
	int result;

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (line && !has(filter, line->capability) && !has(filter, line->other))
		return filter_add_rule(filter, SCMP_ACT_ERRNO(EPERM), number, NULL, 0);
	result = add_by_arguments(filter, name, number);
	return result == 1 ? filter_add_rule(filter, SCMP_ACT_ALLOW, number, NULL, 0) : result;
}

/* All system calls of an architecture that libseccomp knows. */
static int add_all(struct filter *filter, uint32_t architecture)
{
	int result = 0;

	for (int number = 0; number < NUMBERS_MAX && result == 0; number++) {
		char *name = filter->library->resolve_number(architecture, number);

		if (name)
			result = add_by_name(filter, name);
		free(name);
	}
	return result;
}

/* Whose numbers are far beyond the others'. */
static int add_private_of_arm(struct filter *filter)
{
	static const char *const names[] = { "breakpoint", "cacheflush", "set_tls" };
	int result = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && result == 0; i++)
		result = add_by_name(filter, names[i]);
	return result;
}

/* What programs of this machine may be compiled for: the first is the machine's own. */
static size_t architectures(uint32_t native, uint32_t list[3])
{
	list[0] = native;
	switch (native) {
	case SCMP_ARCH_X86_64:
		list[1] = SCMP_ARCH_X86;
		list[2] = SCMP_ARCH_X32;
		return 3;
	case SCMP_ARCH_AARCH64:
		list[1] = SCMP_ARCH_ARM;
		return 2;
	default:
		return 1;
	}
}

int filter_fill_default(struct filter *filter)
{
	uint32_t list[3];
	size_t n = architectures(filter->library->arch_native(), list);
	int result = 0;

	filter->context = filter->library->init(SCMP_ACT_ERRNO(ENOSYS));
	if (!filter->context)
		return fail(filter->failure, CRI_ENOMEM, ENOMEM, filter_step, "begin");
	for (size_t i = 0; i < n && result == 0; i++)
		result = filter_add_architecture(filter, list[i]);
	/* First: libseccomp makes of each rule for socket() one for its way through socketcall(), without its
	 * arguments. */
	if (result == 0)
		result = add_by_name(filter, "socketcall");
	/* x32's are x86_64's, by other numbers. */
	for (size_t i = 0; i < n && result == 0; i++) {
		if (list[i] != SCMP_ARCH_X32)
			result = add_all(filter, list[i]);
		if (result == 0 && list[i] == SCMP_ARCH_ARM)
			result = add_private_of_arm(filter);
	}
	return result;
}
