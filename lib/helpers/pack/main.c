/* SPDX-License-Identifier: Apache-2.0 */
/* cri-pack: a layer's directory into a plain tar (image/pack_protocol.h). */
#include "pack.h"

#include "base/socket.h"
#include "helpers/confine.h"
#include "helpers/helper.h"

#include <errno.h>
#include <linux/capability.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_LIMIT (UINT64_C(512) << 20)
/* A directory that is open for each component of the longest path. */
#define FILES_MAX (PATH_MAX / 2 + 64)

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* CAP_SYS_ADMIN is for reading overlayfs's mark of opaque directories; none of these calls can do anything else with
 * it. */
static const int system_calls[] = {
	SYS_read,       SYS_pread64,      SYS_write,          SYS_lseek,        SYS_close,        SYS_fcntl,
	SYS_fstat,      SYS_newfstatat,   SYS_statx,          SYS_fstatfs,      SYS_getdents64,   SYS_readlinkat,
	SYS_flistxattr, SYS_fgetxattr,    SYS_openat,         SYS_sendmsg,      SYS_sendto,       SYS_brk,
	SYS_mmap,       SYS_munmap,       SYS_mremap,         SYS_mprotect,     SYS_madvise,      SYS_futex,
	SYS_getrandom,  SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,  SYS_getpid,
	SYS_gettid,     SYS_tgkill,       SYS_exit,           SYS_exit_group,   SYS_clock_gettime
};

static int confine(void)
{
	const uint64_t keep = CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_SYS_ADMIN);
	int error = confine_resources(MEMORY_LIMIT, FILES_MAX);

	if (error)
		return error;
	if (fchdir(LAYER_FD) || chroot("."))
		return -errno;
	error = confine_capabilities(keep);
	return error ? error : confine_system_calls(system_calls, sizeof(system_calls) / sizeof(system_calls[0]));
}

static int open_tar(struct pack *pack)
{
	pack->tar = archive_write_new();
	pack->entry = archive_entry_new();
	if (!pack->tar || !pack->entry)
		return -ENOMEM;
	/* The attributes once, in the way that all readers know; no padding beyond the two blocks of the end. */
	if (archive_write_set_format_pax(pack->tar) != ARCHIVE_OK ||
	    archive_write_set_format_option(pack->tar, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(pack->tar, 256 * 1024) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(pack->tar, 512) != ARCHIVE_OK ||
	    archive_write_open_fd(pack->tar, STDOUT_FILENO) != ARCHIVE_OK) {
		snprintf(pack->problem, sizeof(pack->problem), "%.300s", archive_error_string(pack->tar));
		return -EINVAL;
	}
	return 0;
}

static int run(struct pack *pack)
{
	int error = open_tar(pack);

	if (!error)
		error = pack_layer(pack, LAYER_FD);
	if (!error && archive_write_close(pack->tar) != ARCHIVE_OK)
		error = archive_errno(pack->tar) > 0 ? -archive_errno(pack->tar) : -EIO;
	if (error && !*pack->problem)
		snprintf(pack->problem, sizeof(pack->problem), "\"%.300s\"", pack->path);
	return error;
}

static int report(int error, const char *problem)
{
	struct unpack_message message = { .kind = error ? UNPACK_ERROR : UNPACK_DONE, .error = -error };
	const size_t size = strlen(problem) + 1;

	memcpy(message.text, problem, size);
	return socket_send(STATUS_FD, &message, UNPACK_MESSAGE_HEAD + size, NULL, 0);
}

int main(void)
{
	static struct pack pack;
	int error = helper_start();

	/* Names in pax headers are UTF-8; in the C locale libarchive could not tell. */
	if (!error && (!setlocale(LC_CTYPE, "C.UTF-8") || signal(SIGPIPE, SIG_IGN) == SIG_ERR))
		error = -ENOENT;
	if (!error)
		error = confine();
	if (error)
		snprintf(pack.problem, sizeof(pack.problem), "the helper cannot confine itself");
	else
		error = run(&pack);
	return report(error, error ? pack.problem : "") || error;
}
