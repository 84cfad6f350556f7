/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/capability.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

static const char step[] = "settle the capabilities";

/* By number: linux/capability.h. */
static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};
#define N_NAMES ((int)(sizeof(names) / sizeof(*names)))

/* Docker's, containerd's and CRI-O's. */
static const char *const defaults[] = {
	"CHOWN",  "DAC_OVERRIDE", "FSETID",  "FOWNER",           "MKNOD",      "NET_RAW", "SETGID",
	"SETUID", "SETFCAP",      "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",    "AUDIT_WRITE",
};

static const char prefix[] = "CAP_";

int capability_from_name(const char *name)
{
	if (strncasecmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	for (int i = 0; i < N_NAMES; i++) {
		if (strcasecmp(names[i] + strlen(prefix), name) == 0)
			return i;
	}
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && number < N_NAMES ? names[number] : NULL;
}

int capability_last(void)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	int64_t last;

	if (fs_read(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 32, &text) < 0)
		return N_NAMES - 1;
	text.data[strcspn(text.data, "\n")] = '\0';
	return text_to_int64(text.data, &last) == 0 && last >= 0 && last < 64 ? (int)last : N_NAMES - 1;
}

static uint64_t bit(int number)
{
	return UINT64_C(1) << number;
}

/* What this process and all that it starts can have. */
static uint64_t available(void)
{
	uint64_t set = 0;

	for (int i = 0, last = capability_last(); i <= last; i++) {
		if (prctl(PR_CAPBSET_READ, (unsigned long)i) == 1)
			set |= bit(i);
	}
	return set;
}

/* The single ones of a list, and whether "ALL" is in it. */
static int parse(const char *const *list, size_t n, const char *field, uint64_t *set, bool *all, cri_call *call)
{
	for (size_t i = 0; i < n; i++) {
		int number = capability_from_name(list[i]);

		if (strcasecmp(list[i], "ALL") == 0)
			*all = true;
		else if (number < 0)
			return call_fail(call, CRI_EINVAL, step,
					 "linux.security_context.capabilities.%s: \"%s\" is no "
					 "capability",
					 field, list[i]);
		else
			*set |= bit(number);
	}
	return 0;
}

static uint64_t default_set(void)
{
	uint64_t set = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		set |= bit(capability_from_name(defaults[i]));
	return set;
}

int capability_sets(const cri_container_config *config, uint64_t sets[RUNTIME_CAPABILITY_SETS], cri_call *call)
{
	uint64_t add = 0, drop = 0, ambient = 0, base, possible = available();
	bool add_all = false, drop_all = false, ambient_all = false;
	int result =
		parse(config->add_capabilities, config->n_add_capabilities, "add_capabilities", &add, &add_all, call);

	if (result == 0)
		result = parse(config->drop_capabilities, config->n_drop_capabilities, "drop_capabilities", &drop,
			       &drop_all, call);
	if (result == 0)
		result = parse(config->add_ambient_capabilities, config->n_add_ambient_capabilities,
			       "add_ambient_capabilities", &ambient, &ambient_all, call);
	if (result < 0)
		return result;
	for (int i = 0; i < 64; i++) {
		if ((add | ambient) & ~drop & ~possible & bit(i))
			return call_fail(call, CRI_EPERM, step,
					 "linux.security_context.capabilities: this machine cannot give %s",
					 capability_name(i));
	}
	base = config->privileged || add_all ? possible : default_set() & possible;
	if (drop_all)
		base = 0;
	if (ambient_all)
		ambient |= possible;
	ambient &= ~drop;
	base = ((base | add) & ~drop) | ambient;
	sets[0] = base;
	sets[1] = base;
	/* Capabilities that are only inheritable make files with inheritable ones give them to anybody
	 * (CVE-2022-24769). */
	sets[2] = ambient;
	sets[3] = base;
	sets[4] = ambient;
	return 0;
}
