/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include "fetch.h"
#include "helpers/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not what the helper needs, which is little: sending a descriptor fails with ETOOMANYREFS, without capabilities, while
 * more of the user's are on their way, system-wide, than this (unix_attach_fds in the kernel). */
#define FILES_MAX 65536
#define NETWORK_FILES_MAX FILES_MAX

#define COMMON                                                                                                         \
	SYS_read, SYS_write, SYS_close, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_recvmsg, SYS_sendmsg,     \
		SYS_sendto, SYS_memfd_create, SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise,    \
		SYS_futex, SYS_clone, SYS_clone3, SYS_rseq, SYS_set_robust_list, SYS_sched_yield,                      \
		SYS_sched_getaffinity, SYS_getrandom, SYS_clock_gettime, SYS_rt_sigaction, SYS_rt_sigprocmask,         \
		SYS_rt_sigreturn, SYS_sigaltstack, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_shutdown, SYS_exit,         \
		SYS_exit_group

static const int of_files[] = { COMMON };

/* time(2) is asked where the kernel has no vDSO, and certificates are of no time without it. */
static const int of_network[] = {
	COMMON,           SYS_openat,
	SYS_pread64,      SYS_statx,
	SYS_faccessat,    SYS_readlinkat,
	SYS_getdents64,   SYS_ioctl,
	SYS_socket,       SYS_socketpair,
	SYS_connect,      SYS_bind,
	SYS_getsockname,  SYS_getpeername,
	SYS_getsockopt,   SYS_setsockopt,
	SYS_recvfrom,     SYS_sendmmsg,
	SYS_ppoll,        SYS_pipe2,
	SYS_eventfd2,     SYS_clock_nanosleep,
	SYS_gettimeofday, SYS_getuid,
	SYS_geteuid,      SYS_getgid,
	SYS_getegid,      SYS_uname,
	SYS_prlimit64,    SYS_sysinfo,
	SYS_prctl,
#ifdef SYS_open
	SYS_open,         SYS_stat,
	SYS_access,       SYS_poll,
	SYS_readlink,
#endif
#ifdef SYS_time
	SYS_time,
#endif
};

/* Beside the list: openat(2) for reading only. open(2), where there is one, is looked at in the same way. */
static int confine_opening(void)
{
	const unsigned writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 2, 0),
#ifdef SYS_open
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 3, 0),
#else
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, writing, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EROFS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}

int confine_files(void)
{
	int error = confine_resources(0, FILES_MAX);

	if (!error)
		error = confine_capabilities(0);
	return error ? error : confine_system_calls(of_files, sizeof(of_files) / sizeof(of_files[0]));
}

int confine_network(void)
{
	int error = confine_resources(0, NETWORK_FILES_MAX);

	if (!error)
		error = confine_capabilities(0);
	if (!error)
		error = confine_opening();
	return error ? error : confine_system_calls(of_network, sizeof(of_network) / sizeof(of_network[0]));
}
