/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices a cgroup may use: the devices controller of v1, a program of type CGROUP_DEVICE on v2. */
#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static const char step[] = "limit the devices";

/* A rule becomes at most six instructions; the frame around all is eight. A program has at most 4096. */
#define RULE_INSTRUCTIONS 6
#define FRAME_INSTRUCTIONS 8
#define RULES_MAX 512

static bool allows_all(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 && strchr(rule->access, 'r') &&
	       strchr(rule->access, 'w') && strchr(rule->access, 'm');
}

static void format_number(int64_t number, char text[24])
{
	snprintf(text, 24, "%lld", (long long)number);
	if (number < 0)
		memcpy(text, "*", sizeof("*"));
}

/* One write(2) a rule: that is how the kernel reads them. */
static int write_rule(int fd, char type, const struct cgroup_device_rule *rule)
{
	char text[80], major[24], minor[24];
	int length;

	format_number(rule->major, major);
	format_number(rule->minor, minor);
	length = snprintf(text, sizeof(text), "%c %s:%s %.3s", type, major, minor, rule->access);
	return write(fd, text, (size_t)length) < 0 ? -errno : 0;
}

static int allow_v1(const struct cgroup_hierarchy *hierarchy, const char *cgroup,
		    const struct cgroup_device_rule *rules, size_t n_rules)
{
	CLEANUP_CLOSE int fd = -1;
	char path[PATH_MAX];
	int result = cgroup_path(path, hierarchy, cgroup, "devices.deny");

	if (result == 0)
		result = fs_write_text(AT_FDCWD, path, "a");
	if (result == 0)
		result = cgroup_path(path, hierarchy, cgroup, "devices.allow");
	if (result < 0)
		return result;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; result == 0 && i < n_rules; i++) {
		/* The kernel reads "a" as all there is, whatever stands behind it. */
		result = write_rule(fd, rules[i].type == 'a' ? 'b' : rules[i].type, &rules[i]);
		if (result == 0 && rules[i].type == 'a')
			result = write_rule(fd, 'c', &rules[i]);
	}
	return result;
}

static struct bpf_insn instruction(int code, int to, int from, int offset, int32_t value)
{
	return (struct bpf_insn){ .code = (__u8)code,
				  .dst_reg = (__u8)to & 0xf,
				  .src_reg = (__u8)from & 0xf,
				  .off = (__s16)offset,
				  .imm = value };
}

static int32_t access_bits(const char *access)
{
	return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) | (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0) |
	       (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* r2: type, r3: access, r4: major, r5: minor. Each test that fails jumps over what is left of the rule. */
static size_t compile_rule(const struct cgroup_device_rule *rule, struct bpf_insn *to)
{
	const int32_t denied = access_bits("rwm") & ~access_bits(rule->access);
	size_t n = 0;

	if (rule->type != 'a')
		to[n++] = instruction(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0,
				      rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (denied)
		to[n++] = instruction(BPF_JMP | BPF_JSET | BPF_K, 3, 0, 0, denied);
	if (rule->major >= 0)
		to[n++] = instruction(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 0, (int32_t)rule->major);
	if (rule->minor >= 0)
		to[n++] = instruction(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, (int32_t)rule->minor);
	for (size_t i = 0; i < n; i++)
		to[i].off = (__s16)(n - i + 1);
	to[n++] = instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	to[n++] = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return n;
}

/* What linux/bpf.h describes at struct bpf_cgroup_dev_ctx: the device's type in the lower half of access_type, the
 * access in the upper. */
static size_t compile(const struct cgroup_device_rule *rules, size_t n_rules, struct bpf_insn *to)
{
	size_t n = 0;

	to[n++] = instruction(BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	to[n++] = instruction(BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0);
	to[n++] = instruction(BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	to[n++] = instruction(BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 16);
	to[n++] = instruction(BPF_LDX | BPF_W | BPF_MEM, 4, 1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	to[n++] = instruction(BPF_LDX | BPF_W | BPF_MEM, 5, 1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	for (size_t i = 0; i < n_rules; i++)
		n += compile_rule(&rules[i], &to[n]);
	to[n++] = instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	to[n++] = instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return n;
}

static long bpf(int command, union bpf_attr *attribute)
{
	return syscall(SYS_bpf, command, attribute, sizeof(*attribute));
}

/* The program lives as long as the cgroup. */
static int attach(const char *directory, const struct bpf_insn *program, size_t length)
{
	CLEANUP_CLOSE int cgroup_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int program_fd = -1;
	union bpf_attr attribute;

	if (cgroup_fd < 0)
		return -errno;
	memset(&attribute, 0, sizeof(attribute));
	attribute.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attribute.insn_cnt = (__u32)length;
	attribute.insns = (__u64)(uintptr_t)program;
	attribute.license = (__u64)(uintptr_t) "Apache-2.0";
	program_fd = (int)bpf(BPF_PROG_LOAD, &attribute);
	if (program_fd < 0)
		return -errno;
	memset(&attribute, 0, sizeof(attribute));
	attribute.target_fd = (__u32)cgroup_fd;
	attribute.attach_bpf_fd = (__u32)program_fd;
	attribute.attach_type = BPF_CGROUP_DEVICE;
	attribute.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attribute) < 0 ? -errno : 0;
}

static int allow_v2(const struct cgroup_hierarchy *hierarchy, const char *cgroup,
		    const struct cgroup_device_rule *rules, size_t n_rules)
{
	struct bpf_insn *program;
	char directory[PATH_MAX];
	int result;

	if (n_rules > RULES_MAX)
		return -E2BIG;
	program = calloc(FRAME_INSTRUCTIONS + RULE_INSTRUCTIONS * n_rules, sizeof(*program));
	if (!program)
		return -ENOMEM;
	result = cgroup_path(directory, hierarchy, cgroup, NULL);
	if (result == 0)
		result = attach(directory, program, compile(rules, n_rules, program));
	free(program);
	return result;
}

int cgroup_allow_devices(const struct cgroup_system *system, const char *path, const struct cgroup_device_rule *rules,
			 size_t n_rules, cri_call *call)
{
	const struct cgroup_hierarchy *v1 = cgroup_hierarchy_of(system, "devices");
	int result = -ENOSYS;

	for (size_t i = 0; i < n_rules; i++) {
		if (allows_all(&rules[i]))
			return 0;
	}
	if (v1)
		result = allow_v1(v1, path, rules, n_rules);
	else if (system->unified)
		result = allow_v2(cgroup_hierarchy_v2(system), path, rules, n_rules);
	/* EINVAL and ENOSYS are what kernels without CONFIG_CGROUP_BPF answer. */
	if (result == -ENOSYS || (!v1 && result == -EINVAL))
		return call_fail(call, CRI_ENOTSUP, step,
				 "this kernel cannot limit devices: it needs CONFIG_CGROUP_BPF, or the v1 controller "
				 "\"devices\"; only privileged containers can run");
	return result < 0 ? call_fail_errno(call, result, step, "%s", path) : 0;
}
