/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/host_local.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/result.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define FILE_MAX 4096
#define YOUNG_SECONDS 60

/* The plugin's program takes the same lock. */
static int lock(const struct pod *pod, int directory, int *fd, struct failure *failure)
{
	const struct timespec pause = { .tv_nsec = 500000 };

	*fd = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0750);
	if (*fd < 0)
		return fail_errno(failure, errno, "host-local: open its lock");
	while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail_errno(failure, errno, "host-local: lock");
		if (clock_boot() > pod->deadline)
			return fail(failure, CRI_ETIMEDOUT, "host-local: somebody else holds its lock");
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int open_directory(const struct host_local *host_local)
{
	int fd = open(host_local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Appears with its content: who is killed here leaves no address that nobody owns. 0, -EEXIST, -errno. */
static int take(int directory, const char *name, const struct buffer *content)
{
	CLEANUP_CLOSE int fd = openat(directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	bool temporary = fd >= 0;
	char path[64];
	int result;

	if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	if (!temporary)
		fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	result = fs_write_full(fd, content->data, content->length);
	if (result < 0 && !temporary)
		unlinkat(directory, name, 0);
	if (result < 0 || !temporary)
		return result;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* It only decides where the next search begins. So it may be written over: emptying a file first makes ext4 write it to
 * the disk when it is closed. */
static void remember_last(int directory, size_t set, const char *address)
{
	const size_t length = strlen(address);
	char name[32];
	struct stat status;
	CLEANUP_CLOSE int fd = -1;

	snprintf(name, sizeof(name), "last_reserved_ip.%zu", set);
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || fs_write_full(fd, address, length) < 0)
		return;
	if (fstat(fd, &status) == 0 && status.st_size > (off_t)length)
		(void)!ftruncate(fd, (off_t)length);
}

/* The range that holds an address, or the set's size. */
static size_t range_of(const struct range_set *set, const struct address *address)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		if (prefix_contains(&set->ranges[i].subnet, address) &&
		    address_compare(address, &set->ranges[i].start) >= 0 &&
		    address_compare(address, &set->ranges[i].end) <= 0)
			break;
	}
	return i;
}

/* Where the search begins: behind the address that was given last. */
static void find_start(int directory, size_t index, const struct range_set *set, size_t *range, struct address *address)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	struct address last;
	char name[32];

	*range = 0;
	*address = set->ranges[0].start;
	snprintf(name, sizeof(name), "last_reserved_ip.%zu", index);
	if (fs_read(directory, name, FILE_MAX, &content) < 0 || !content.length ||
	    address_parse(content.data, &last) < 0)
		return;
	*range = range_of(set, &last);
	if (*range == set->n) {
		*range = 0;
		return;
	}
	if (address_compare(&last, &set->ranges[*range].end) < 0) {
		*address = address_next(last);
		return;
	}
	*range = (*range + 1) % set->n;
	*address = set->ranges[*range].start;
}

static int exhausted(const struct range_set *set, struct failure *failure)
{
	char start[ADDRESS_TEXT], end[ADDRESS_TEXT];

	return fail(failure, CRI_EEXHAUSTED, "host-local: no address is left in the range set that begins with %s-%s",
		    address_text(&set->ranges[0].start, start), address_text(&set->ranges[0].end, end));
}

static int give(const struct range *range, const struct address *address, struct allocation *allocation)
{
	allocation->prefix = (struct prefix){ *address, range->subnet.length };
	allocation->gateway = range->gateway;
	return 0;
}

static int allocate(int directory, size_t index, const struct range_set *set, const struct buffer *content,
		    struct allocation *allocation, struct failure *failure)
{
	struct address address, first;
	size_t range, first_range;

	find_start(directory, index, set, &range, &address);
	first = address;
	first_range = range;
	do {
		char name[ADDRESS_TEXT];
		int result = -EEXIST;

		if (address_compare(&address, &set->ranges[range].gateway))
			result = take(directory, address_text(&address, name), content);
		if (result == 0) {
			remember_last(directory, index, name);
			return give(&set->ranges[range], &address, allocation);
		}
		if (result != -EEXIST)
			return fail_errno(failure, result, "host-local: take %s", name);
		if (address_compare(&address, &set->ranges[range].end) < 0) {
			address = address_next(address);
		} else {
			range = (range + 1) % set->n;
			address = set->ranges[range].start;
		}
	} while (range != first_range || address_compare(&address, &first));
	return exhausted(set, failure);
}

static int allocate_requested(int directory, size_t index, const struct range_set *set, const struct address *address,
			      const struct buffer *content, struct allocation *allocation, struct failure *failure)
{
	const struct range *range = &set->ranges[range_of(set, address)];
	char name[ADDRESS_TEXT];
	int result;

	address_text(address, name);
	if (address_compare(address, &range->gateway) == 0)
		return fail(failure, CRI_EINVAL, "host-local: %s, which is asked for, is the gateway", name);
	result = take(directory, name, content);
	if (result == -EEXIST)
		return fail(failure, CRI_EEXIST, "host-local: %s, which is asked for, is taken", name);
	if (result < 0)
		return fail_errno(failure, result, "host-local: take %s", name);
	remember_last(directory, index, name);
	return give(range, address, allocation);
}

int host_local_allocate(const struct pod *pod, const char *interface, const struct host_local *host_local,
			struct allocation allocations[HOST_LOCAL_SETS], struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	CLEANUP_CLOSE int directory = -1;
	CLEANUP_CLOSE int locked = -1;
	size_t used = 0;
	int code = fs_make_directories(host_local->directory, 0755);

	if (code == 0)
		directory = code = open_directory(host_local);
	if (code < 0)
		return fail_errno(failure, code, "host-local: make %s", host_local->directory);
	buffer_printf(&content, "%s\r\n%s", pod->id, interface);
	if (content.failed)
		return fail_memory(failure);
	code = lock(pod, directory, &locked, failure);
	for (size_t i = 0; i < host_local->n_sets && code == 0; i++) {
		const struct range_set *set = &host_local->sets[i];
		const struct address *wanted = NULL;

		for (size_t r = 0; r < host_local->n_requested && !wanted; r++) {
			if (range_of(set, &host_local->requested[r]) < set->n)
				wanted = &host_local->requested[r];
		}
		used += wanted != NULL;
		code = wanted ? allocate_requested(directory, i, set, wanted, &content, &allocations[i], failure)
			      : allocate(directory, i, set, &content, &allocations[i], failure);
	}
	if (code == 0 && used < host_local->n_requested)
		code = fail(failure, CRI_EINVAL, "host-local: an address that is asked for is in none of the ranges");
	return code;
}

struct release {
	int directory;
	struct buffer owner;
	const char *id; /* what a file of the program's before 0.8.0 holds */
	size_t n;       /* how many were given back */
};

static bool is_owned(const struct release *release, const struct buffer *content)
{
	size_t length = content->length;

	while (length && isspace((unsigned char)content->data[length - 1]))
		length--;
	return length && ((length == release->owner.length && !memcmp(content->data, release->owner.data, length)) ||
			  (length == strlen(release->id) && !memcmp(content->data, release->id, length)));
}

static int release_if_owned(struct release *release, const char *name, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int result = fs_read(release->directory, name, FILE_MAX, &content);

	if (result == -ENOENT || result == -EFBIG || result == -EISDIR)
		return 0;
	if (result < 0)
		return fail_errno(failure, result, "host-local: read %s", name);
	if (!is_owned(release, &content))
		return 0;
	if (unlinkat(release->directory, name, 0) < 0 && errno != ENOENT)
		return fail_errno(failure, errno, "host-local: give back %s", name);
	release->n++;
	return 0;
}

/* All files, since who was killed during ADD has recorded no result. */
static int release_all(struct release *release, DIR *directory, struct failure *failure)
{
	const struct dirent *entry;
	int code = 0;

	while (code == 0 && (entry = readdir(directory))) {
		struct address address;

		if (address_parse(entry->d_name, &address) == 0)
			code = release_if_owned(release, entry->d_name, failure);
	}
	return code;
}

int host_local_release(const struct pod *pod, const char *interface, const struct host_local *host_local,
		       const cJSON *result, struct failure *failure)
{
	CLEANUP_CLOSE int locked = -1;
	CLEANUP_DIR DIR *directory = opendir(host_local->directory);
	struct release release = { .id = pod->id };
	struct prefix prefix;
	int code;

	if (!directory)
		return errno == ENOENT ? 0 : fail_errno(failure, errno, "host-local: open %s", host_local->directory);
	release.directory = dirfd(directory);
	buffer_printf(&release.owner, "%s\r\n%s", pod->id, interface);
	if (release.owner.failed)
		return fail_memory(failure);
	code = lock(pod, release.directory, &locked, failure);
	for (unsigned i = 0; code == 0 && result_pod_address(result, i, &prefix); i++) {
		char name[ADDRESS_TEXT];

		code = release_if_owned(&release, address_text(&prefix.address, name), failure);
	}
	/* Without a result, or one that a plugin behind has changed. */
	if (code == 0 && !release.n)
		code = release_all(&release, directory, failure);
	buffer_free(&release.owner);
	return code;
}

static bool is_valid(const cJSON *valid, const char *content)
{
	const cJSON *attachment;

	cJSON_ArrayForEach(attachment, valid)
	{
		const char *id = "", *interface = "";
		size_t length;

		(void)json_string(attachment, "containerID", &id);
		(void)json_string(attachment, "ifname", &interface);
		length = strlen(id);
		if (length && !strncmp(content, id, length) &&
		    (!content[length] ||
		     (text_starts(content + length, "\r\n") && !strcmp(content + length + 2, interface))))
			return true;
	}
	return false;
}

static int collect(int directory, const char *name, const cJSON *valid, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	struct stat status;
	int result = fs_read(directory, name, FILE_MAX, &content);

	if (result < 0 || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
		return 0;
	while (content.length && isspace((unsigned char)content.data[content.length - 1]))
		content.data[--content.length] = '\0';
	if (status.st_mtime > time(NULL) - YOUNG_SECONDS || (content.length && is_valid(valid, content.data)))
		return 0;
	return unlinkat(directory, name, 0) < 0 && errno != ENOENT
		       ? fail_errno(failure, errno, "host-local: give back %s", name)
		       : 0;
}

int host_local_collect(const struct pod *pod, const struct host_local *host_local, const cJSON *valid,
		       struct failure *failure)
{
	CLEANUP_CLOSE int locked = -1;
	CLEANUP_DIR DIR *directory = opendir(host_local->directory);
	const struct dirent *entry;
	int code;

	if (!directory)
		return errno == ENOENT ? 0 : fail_errno(failure, errno, "host-local: open %s", host_local->directory);
	code = lock(pod, dirfd(directory), &locked, failure);
	while (code == 0 && (entry = readdir(directory))) {
		struct address address;

		if (address_parse(entry->d_name, &address) == 0)
			code = collect(dirfd(directory), entry->d_name, valid, failure);
	}
	return code;
}
