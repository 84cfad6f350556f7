/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's tar, in cri-unpack's hands: whatever it holds, nothing outside of the directory changes, and what is
 * reported are paths. A thread with a root of its own stands for the helper; without the privilege for that there is
 * nothing to try.
 */
#include "helpers/unpack/unpack.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];

/* --- in place of report.c --- */

int unpack_refuse(struct unpack *unpack, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(unpack->problem, sizeof(unpack->problem), format, args);
	va_end(args);
	return -EBADMSG;
}

static void check_path(const char *path)
{
	char clean[PATH_MAX];

	if (strcmp(path, ".") != 0 && (path_clean(path, clean) || strcmp(path, clean) != 0 || !*path))
		abort();
}

int report(enum unpack_kind kind, int error, const char *first, const char *second)
{
	if (error || !first || (kind == UNPACK_LINK) != (second != NULL))
		abort();
	check_path(first);
	if (second)
		check_path(second);
	return 0;
}

int report_done(const struct unpack *unpack)
{
	(void)unpack;
	return 0;
}

/* --- one tar --- */

static void forget(struct unpack *unpack)
{
	for (size_t i = 0; i < unpack->missing.n_paths; i++)
		free(unpack->missing.paths[i]);
	free(unpack->missing.paths);
	free(unpack->missing.slots);
	for (size_t i = 0; i < unpack->n_links; i++) {
		free(unpack->links[i].name);
		free(unpack->links[i].target);
	}
	free(unpack->links);
	if (unpack->parent >= 0)
		close(unpack->parent);
}

static void *unpack_input(void *input)
{
	CLEANUP_CLOSE int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The helper is bounded by a limit of its own; a fuzzer's tar of holes should not fill the disk. */
	struct unpack unpack = { .parent = -1, .root = root, .max_entries = 1000, .max_bytes = 1 << 20 };
	int error;

	if (root < 0 || unshare(CLONE_FS) || fchdir(root) || chroot("."))
		return NULL;
	umask(0);
	error = tar_unpack(&unpack, *(const int *)input);
	if (error > 0 || (error == -EBADMSG && !*unpack.problem) || unpack.written > (2 << 20))
		abort();
	forget(&unpack);
	return NULL;
}

static void remove_directory(void)
{
	(void)fs_remove_tree(AT_FDCWD, directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_CLOSE int tar = memfd_create("tar", MFD_CLOEXEC);
	pthread_t thread;

	if (!*directory) {
		(void)setlocale(LC_CTYPE, "C.UTF-8");
		strcpy(directory, "/tmp/libcri-fuzz-XXXXXX");
		if (!mkdtemp(directory))
			abort();
		(void)atexit(remove_directory);
	}
	if (tar < 0 || fs_write_full(tar, data, size) || lseek(tar, 0, SEEK_SET))
		abort();
	if (pthread_create(&thread, NULL, unpack_input, &tar) || pthread_join(thread, NULL))
		abort();
	if (fs_remove_tree(AT_FDCWD, directory) || mkdir(directory, 0700))
		abort();
	return 0;
}
