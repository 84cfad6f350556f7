/* SPDX-License-Identifier: Apache-2.0 */
/* cri-unpack: a plain tar into a directory (image/unpack_protocol.h). */
#include "unpack.h"

#include "base/fs.h"
#include "base/text.h"
#include "helpers/confine.h"
#include "helpers/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_LIMIT (UINT64_C(256) << 20)

/* A layer of so many bytes is written out while others are still unpacked, rather than with them at the end, when all
 * wait for it. Failing is for the one who commits to find. */
#define SYNC_FROM (UINT64_C(16) << 20)

#define CAPABILITY(number) (UINT64_C(1) << (number))

static const int system_calls[] = {
	SYS_read,         SYS_write,          SYS_pwrite64,     SYS_lseek,       SYS_close,     SYS_openat,
	SYS_openat2,      SYS_fcntl,          SYS_fstat,        SYS_newfstatat,  SYS_statx,     SYS_fstatfs,
	SYS_getdents64,   SYS_mkdirat,        SYS_mknodat,      SYS_unlinkat,    SYS_linkat,    SYS_symlinkat,
	SYS_fchown,       SYS_fchownat,       SYS_fchmod,       SYS_fchmodat,    SYS_fsetxattr, SYS_utimensat,
	SYS_ftruncate,    SYS_sendmsg,        SYS_sendto,       SYS_brk,         SYS_mmap,      SYS_munmap,
	SYS_mremap,       SYS_mprotect,       SYS_madvise,      SYS_futex,       SYS_getrandom, SYS_clock_gettime,
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_getpid,    SYS_gettid,
	SYS_tgkill,       SYS_exit,           SYS_exit_group,   SYS_syncfs
};

/* The directory becomes the root, and the process a clerk that can write files in it. */
static int confine(bool archive)
{
	/* What owners, modes, devices and file capabilities of a layer take, and no more. */
	const uint64_t keep = archive ? 0
				      : CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |
						CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_MKNOD) |
						CAPABILITY(CAP_SETFCAP);
	int error = confine_resources(MEMORY_LIMIT, 64);

	if (error)
		return error;
	if (fchdir(TARGET_FD) || chroot("."))
		return -errno;
	error = confine_capabilities(keep);
	if (!error)
		error = confine_system_calls(system_calls, sizeof(system_calls) / sizeof(system_calls[0]));
	return error;
}

int main(int argc, char **argv)
{
	static struct unpack unpack = { .root = TARGET_FD, .parent = -1 };
	int error;

	if (argc != 4 || text_to_uint64(argv[2], &unpack.max_entries) || text_to_uint64(argv[3], &unpack.max_bytes))
		return 2;
	unpack.archive = strcmp(argv[1], "archive") == 0;
	error = helper_start();
	/* Names in pax headers are UTF-8; in the C locale libarchive refuses those beyond ASCII. */
	if (!error && !setlocale(LC_CTYPE, "C.UTF-8"))
		error = -ENOENT;
	umask(0);
	if (!error)
		error = confine(unpack.archive);
	if (error)
		snprintf(unpack.problem, sizeof(unpack.problem), "the helper cannot confine itself");
	else
		error = tar_unpack(&unpack, STDIN_FILENO);
	if (!error)
		error = report_done(&unpack);
	if (error)
		(void)report(UNPACK_ERROR, -error, unpack.problem, NULL);
	else if (!unpack.archive && unpack.written >= SYNC_FROM)
		(void)syncfs(TARGET_FD);
	return error ? 1 : 0;
}
