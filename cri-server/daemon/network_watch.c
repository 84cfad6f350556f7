/* SPDX-License-Identifier: Apache-2.0 */
#include "network_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files are often written in several steps. */
#define PAUSE_MILLISECONDS 100

#define IN_DIRECTORY                                                                                                   \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |           \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define IN_PARENT (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct network_watch {
	struct loop_source source;
	struct loop *loop;
	void (*changed)(void);
	char directory[PATH_MAX];
	int watch;      /* inotify's; -1: none */
	bool on_parent; /* the directory is not there */
	bool is_due;
	int64_t due_at;
};

/* A change that comes meanwhile puts nothing off, however many do. */
static void become_due(struct network_watch *watch)
{
	if (!watch->is_due)
		watch->due_at = loop_now() + PAUSE_MILLISECONDS;
	watch->is_due = true;
}

/* The directory itself, or the nearest above it that is there. A second look, since one may be made meanwhile. */
static void settle(struct network_watch *watch)
{
	const int old = watch->watch;
	struct stat status;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", watch->directory);
	watch->on_parent = false;
	watch->watch = inotify_add_watch(watch->source.fd, path, IN_DIRECTORY);
	while (watch->watch < 0 && (errno == ENOENT || errno == ENOTDIR) && strcmp(path, "/") != 0) {
		char *slash = strrchr(path, '/');

		slash[slash == path] = '\0';
		watch->on_parent = true;
		watch->watch = inotify_add_watch(watch->source.fd, path, IN_PARENT);
	}
	/* The same number: it is the same directory, now watched for other things. */
	if (old >= 0 && old != watch->watch)
		(void)inotify_rm_watch(watch->source.fd, old);
	/* Not for a file in its place, which cannot be watched as a directory however often one looks. */
	if (watch->on_parent && stat(watch->directory, &status) == 0 && S_ISDIR(status.st_mode))
		become_due(watch);
}

static void on_events(struct loop_source *source, uint32_t events)
{
	struct network_watch *watch = (struct network_watch *)source;
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t length;

	(void)events;
	while ((length = read(source->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			/* What happened does not matter, as the engine looks itself; but the end of a watch is our own
			 * doing, or comes with the news of why. */
			if (!(event->mask & IN_IGNORED))
				become_due(watch);
			at += sizeof(*event) + event->len;
		}
	}
}

int network_watch_tick(struct network_watch *watch)
{
	int64_t left;

	if (!watch || !watch->is_due)
		return -1;
	left = watch->due_at - loop_now();
	if (left > 0)
		return (int)left;
	watch->is_due = false;
	/* The directory may be another by now, or gone, or there at last. */
	settle(watch);
	watch->changed();
	return watch->is_due ? PAUSE_MILLISECONDS : -1;
}

void network_watch_move(struct network_watch *watch, const char *directory)
{
	if (!watch || !strcmp(watch->directory, directory))
		return;
	snprintf(watch->directory, sizeof(watch->directory), "%s", directory);
	settle(watch);
}

int network_watch_open(struct loop *loop, const char *directory, void (*changed)(void), struct network_watch **watch)
{
	struct network_watch *made = calloc(1, sizeof(*made));
	int error;

	if (!made)
		return -ENOMEM;
	*made = (struct network_watch){ .source = { inotify_init1(IN_CLOEXEC | IN_NONBLOCK), on_events },
					.loop = loop,
					.changed = changed,
					.watch = -1 };
	error = made->source.fd < 0 ? -errno : loop_add(loop, &made->source, EPOLLIN);
	if (error) {
		if (made->source.fd >= 0)
			close(made->source.fd);
		free(made);
		return error;
	}
	network_watch_move(made, directory);
	*watch = made;
	return 0;
}

void network_watch_close(struct network_watch *watch)
{
	if (!watch)
		return;
	loop_remove(watch->loop, &watch->source);
	close(watch->source.fd);
	free(watch);
}
