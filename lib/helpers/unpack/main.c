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
#define READ_SIZE ((size_t)256 * 1024)

#define CAPABILITY(number) (UINT64_C(1) << (number))

static const int system_calls[] = {
	SYS_read,         SYS_write,          SYS_pwrite64,     SYS_lseek,       SYS_close,     SYS_openat,
	SYS_openat2,      SYS_fcntl,          SYS_fstat,        SYS_newfstatat,  SYS_statx,     SYS_fstatfs,
	SYS_getdents64,   SYS_mkdirat,        SYS_mknodat,      SYS_unlinkat,    SYS_linkat,    SYS_symlinkat,
	SYS_fchown,       SYS_fchownat,       SYS_fchmod,       SYS_fchmodat,    SYS_fsetxattr, SYS_utimensat,
	SYS_ftruncate,    SYS_sendmsg,        SYS_sendto,       SYS_brk,         SYS_mmap,      SYS_munmap,
	SYS_mremap,       SYS_mprotect,       SYS_madvise,      SYS_futex,       SYS_getrandom, SYS_clock_gettime,
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_getpid,    SYS_gettid,
	SYS_tgkill,       SYS_exit,           SYS_exit_group
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

static int unpack_all(struct unpack *unpack, struct archive *tar)
{
	struct archive_entry *entry;
	int result, error;

	while ((result = archive_read_next_header(tar, &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN) {
		if (++unpack->entries > unpack->max_entries)
			return unpack_refuse(unpack, "it has more than %llu members",
					     (unsigned long long)unpack->max_entries);
		error = entry_unpack(unpack, tar, entry);
		if (error) {
			/* What else fails is the system's doing; name the member. */
			if (!*unpack->problem && archive_entry_pathname(entry))
				snprintf(unpack->problem, sizeof(unpack->problem), "\"%.300s\"",
					 archive_entry_pathname(entry));
			return error;
		}
	}
	if (result != ARCHIVE_EOF)
		return unpack_refuse(unpack, "%.200s", archive_error_string(tar));
	return tree_leave(unpack);
}

/* The sender hashes everything, also what follows the end of the archive. */
static int drain(void)
{
	char rest[4096];
	ssize_t length;

	do
		length = read(STDIN_FILENO, rest, sizeof(rest));
	while (length > 0 || (length < 0 && errno == EINTR));
	return length < 0 ? -errno : 0;
}

/* In the order of the tar: one may lead to another. */
static int report_links(struct unpack *unpack)
{
	for (size_t i = 0; i < unpack->n_links; i++) {
		const struct link *link = &unpack->links[i];
		int error = report(UNPACK_LINK, 0, link->name, link->target);

		if (error)
			return error;
	}
	return 0;
}

static int report_missing(const struct path_set *missing)
{
	for (size_t i = 0; i < missing->n_paths; i++) {
		int error = missing->paths[i] ? report(UNPACK_MISSING, 0, missing->paths[i], NULL) : 0;

		if (error)
			return error;
	}
	return 0;
}

static int run(struct unpack *unpack)
{
	struct archive *tar = archive_read_new();
	int error;

	if (!tar)
		return -ENOMEM;
	if (archive_read_support_format_tar(tar) != ARCHIVE_OK ||
	    archive_read_open_fd(tar, STDIN_FILENO, READ_SIZE) != ARCHIVE_OK)
		error = unpack_refuse(unpack, "%.200s", archive_error_string(tar));
	else
		error = unpack_all(unpack, tar);
	archive_read_free(tar);
	if (!error)
		error = drain();
	if (!error)
		error = report_missing(&unpack->missing);
	if (!error)
		error = report_links(unpack);
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
		error = run(&unpack);
	if (!error)
		error = report_done(&unpack);
	if (error)
		(void)report(UNPACK_ERROR, -error, unpack.problem, NULL);
	return error ? 1 : 0;
}
