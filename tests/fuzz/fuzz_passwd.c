/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init's reader of a container's passwd and group files. The input: a user, a NUL, passwd, a NUL, group. */
#include "helpers/init/passwd.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, bytes, length) != (ssize_t)length) {
		close(fd);
		return -1;
	}
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct identity identity;
	static struct failure failure;
	struct process process = { 0 };
	const uint8_t *passwd = size ? memchr(data, '\0', size) : NULL;
	const uint8_t *group;

	if (!passwd)
		return 0;
	passwd++;
	process.user = (const char *)data;
	group = memchr(passwd, '\0', size - (size_t)(passwd - data));
	if (!group)
		return 0;
	group++;
	CLEANUP_CLOSE int passwd_fd = file_of(passwd, (size_t)(group - 1 - passwd));
	CLEANUP_CLOSE int group_fd = file_of(group, size - (size_t)(group - data));

	if (identity_resolve(passwd_fd, group_fd, &process, &identity, &failure) < 0)
		return 0;
	if (identity.home[0] != '/' || identity.n_groups < 1 || identity.n_groups > PROCESS_GROUPS_MAX)
		abort();
	return 0;
}
