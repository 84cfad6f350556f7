/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "base/buffer.h"
#include "base/socket.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/* The file whose first byte is the monitor's lock; the second one is this lock. */
#define LOCK_FILE "monitor.lock"
#define LOCK_BYTE 1

enum store_kind {
	STORE_FDS = 1,
	STORE_SHIM,
	STORE_CREATED,
	STORE_STARTED,
	STORE_START_FAILED,
};

struct store_record {
	uint32_t kind;
	uint32_t given; /* which of the possible descriptors came, a bit for each in order */
	int64_t number; /* a pid or a time */
};

/* Beside the record: a user, or a struct failure. */
#define EXTRA_MAX 16384
#define FDS_MAX 5

static int put(int store, enum store_kind kind, int64_t number, const int *fds, size_t n_fds, const void *extra,
	       size_t size)
{
	CLEANUP_BUFFER struct buffer message = BUFFER_EMPTY;
	struct store_record record = { .kind = kind, .number = number };
	int given[FDS_MAX] = { -1 };
	size_t n_given = 0;

	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i] < 0)
			continue;
		record.given |= 1u << i;
		given[n_given++] = fds[i];
	}
	buffer_append(&message, &record, sizeof(record));
	buffer_append(&message, extra, size);
	return message.failed ? -ENOMEM : socket_send(store, message.data, message.length, given, n_given);
}

int store_put_fds(int store, const struct store_fds *fds)
{
	const int possible[] = { fds->init_socket, fds->link, fds->stdin_fd, fds->stdout_fd, fds->stderr_fd };

	return put(store, STORE_FDS, 0, possible, 5, NULL, 0);
}

int store_put_shim(int store, int pidfd)
{
	return put(store, STORE_SHIM, 0, &pidfd, 1, NULL, 0);
}

int store_put_created(int store, pid_t pid, int pidfd, int terminal, const char *user)
{
	const int fds[] = { pidfd, terminal };

	return put(store, STORE_CREATED, pid, fds, 2, user, strlen(user) + 1);
}

int store_put_started(int store, int64_t started_at)
{
	return put(store, STORE_STARTED, started_at, NULL, 0, NULL, 0);
}

int store_put_start_failed(int store, const struct failure *failure)
{
	return put(store, STORE_START_FAILED, 0, NULL, 0, failure, sizeof(*failure));
}

/* Puts the descriptors where they belong; a later record replaces an earlier one's. */
static int take_fds(const struct store_record *record, int *const *places, size_t n_places, int *fds, size_t n_fds)
{
	size_t taken = 0;

	for (size_t i = 0; i < n_places; i++) {
		if (!(record->given & (1u << i)))
			continue;
		if (taken == n_fds)
			return -EBADMSG;
		cleanup_close_fd(places[i]);
		*places[i] = fds[taken];
		fds[taken++] = -1;
	}
	return 0;
}

static int apply(struct store_content *content, const char *message, size_t length, int *fds, size_t n_fds)
{
	struct store_fds *known = &content->fds;
	int *const first[] = { &known->init_socket, &known->link, &known->stdin_fd, &known->stdout_fd,
			       &known->stderr_fd };
	int *const created[] = { &known->pidfd, &known->terminal };
	int *const shim[] = { &known->shim };
	const char *extra = message + sizeof(struct store_record);
	size_t size = length - sizeof(struct store_record);
	struct store_record record;

	memcpy(&record, message, sizeof(record));
	switch (record.kind) {
	case STORE_FDS:
		return take_fds(&record, first, 5, fds, n_fds);
	case STORE_SHIM:
		return take_fds(&record, shim, 1, fds, n_fds);
	case STORE_CREATED:
		content->created = true;
		content->pid = (pid_t)record.number;
		free(content->user);
		content->user = strndup(extra, size);
		return content->user ? take_fds(&record, created, 2, fds, n_fds) : -ENOMEM;
	case STORE_STARTED:
		content->started_at = record.number;
		return 0;
	case STORE_START_FAILED:
		if (size != sizeof(content->failure))
			return -EBADMSG;
		content->start_failed = true;
		memcpy(&content->failure, extra, size);
		return 0;
	default:
		return -EBADMSG;
	}
}

static int read_all(int receive_fd, struct store_content *content)
{
	CLEANUP_BUFFER struct buffer message = BUFFER_EMPTY;
	const int from_the_first = 0;

	if (buffer_reserve(&message, sizeof(struct store_record) + EXTRA_MAX) < 0)
		return -ENOMEM;
	if (setsockopt(receive_fd, SOL_SOCKET, SO_PEEK_OFF, &from_the_first, sizeof(from_the_first)) < 0)
		return -errno;
	for (;;) {
		int fds[SOCKET_MAX_FDS];
		size_t n_fds;
		ssize_t n = socket_receive(receive_fd, message.data, sizeof(struct store_record) + EXTRA_MAX, fds,
					   &n_fds, MSG_PEEK | MSG_DONTWAIT);
		int result;

		if (n == -EAGAIN || n == 0)
			return 0;
		if (n < 0)
			return (int)n;
		result = (size_t)n < sizeof(struct store_record) ? -EBADMSG
								 : apply(content, message.data, (size_t)n, fds, n_fds);
		for (size_t i = 0; i < n_fds; i++)
			cleanup_close_fd(&fds[i]);
		if (result < 0)
			return result;
	}
}

int store_read(int receive_fd, int directory_fd, struct store_content *content)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1 };
	CLEANUP_CLOSE int lock_fd = openat(directory_fd, LOCK_FILE, O_RDWR | O_CLOEXEC);
	int result;

	memset(content, 0, sizeof(*content));
	content->fds = (struct store_fds)STORE_FDS_NONE;
	if (lock_fd < 0)
		return -errno;
	/* The place of the next peek belongs to the socket, not to its reader. */
	do {
		result = fcntl(lock_fd, F_OFD_SETLKW, &lock);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : read_all(receive_fd, content);
}

void store_content_free(struct store_content *content)
{
	int *const fds[] = { &content->fds.init_socket, &content->fds.link,      &content->fds.stdin_fd,
			     &content->fds.stdout_fd,   &content->fds.stderr_fd, &content->fds.pidfd,
			     &content->fds.terminal,    &content->fds.shim };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		cleanup_close_fd(fds[i]);
		*fds[i] = -1;
	}
	free(content->user);
	content->user = NULL;
}
