/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event subscriptions: a place in the store's sequence, and a descriptor that tells when to look.
 *
 * The descriptor is an epoll set of an inotify watch on the directory of exit records, where every process also leaves
 * a mark when it committed events (engine_wake), and of an eventfd that is raised while more is known to be there.
 */
#include "libcri/event.h"

#include "container/exits.h"
#include "core/api.h"
#include "core/list.h"
#include "core/paths.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#define BATCH 1000

#define ONLY_NEW (-1)

struct cri_events {
	cri_engine *engine;
	int64_t after; /* the last event that was delivered */
	int epoll_fd, inotify_fd, more_fd;
};

struct open_args {
	int64_t after;
};

static int add_to_set(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void raise_more(const cri_events *events)
{
	/* A counter that is full is raised. */
	(void)eventfd_write(events->more_fd, 1);
}

static int watch_exits(cri_events *events, cri_call *call)
{
	const char *step = "watch the exit records";
	char path[PATH_MAX];
	int result;

	events->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (events->inotify_fd < 0)
		return call_fail_errno(call, errno, step, "inotify_init; fs.inotify.max_user_instances may be too low");
	if (!path_exits(events->engine, path))
		return call_fail_errno(call, ENAMETOOLONG, step, "%s", events->engine->state);
	if (inotify_add_watch(events->inotify_fd, path, IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return call_fail_errno(call, errno, step, "%s; fs.inotify.max_user_watches may be too low", path);
	events->more_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (events->more_fd < 0 || events->epoll_fd < 0)
		return call_fail_errno(call, errno, step, "open descriptors");
	result = add_to_set(events->epoll_fd, events->inotify_fd);
	if (result == 0)
		result = add_to_set(events->epoll_fd, events->more_fd);
	return result < 0 ? call_fail_errno(call, result, step, "epoll") : 0;
}

/* The place before the oldest event that is kept. */
static int find_oldest(cri_events *events, int64_t last, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct event_row *rows;
	size_t n_rows = 0;
	bool lost;
	int result = store_event_list(events->engine->store, &arena, 0, 1, &rows, &n_rows, &lost, call);

	if (result == 0)
		events->after = n_rows > 0 ? rows[0].sequence - 1 : last;
	return result;
}

/* The watch exists: what is committed from now on is seen as new. */
static int find_place(cri_events *events, int64_t after, cri_call *call)
{
	const char *step = "check arguments";
	int64_t last = 0;
	int result;

	if (after < ONLY_NEW)
		return call_fail(call, CRI_EINVAL, step, "after: %lld is neither -1, 0 nor a sequence",
				 (long long)after);
	/* What ended before is not new, though nobody may have committed it. */
	result = after == ONLY_NEW ? container_fold_exits(events->engine, call) : 0;
	if (result == 0)
		result = store_event_last(events->engine->store, &last, call);
	if (result < 0)
		return result;
	if (after > last)
		return call_fail(call, CRI_EINVAL, step,
				 "after: no event %lld has happened yet in this root, the last is %lld",
				 (long long)after, (long long)last);
	if (after == 0)
		return find_oldest(events, last, call);
	events->after = after == ONLY_NEW ? last : after;
	return 0;
}

static int open_events(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct open_args *args = pointer;
	cri_events *events = calloc(1, sizeof(*events));
	int result;

	if (!events)
		return call_no_memory(call, "subscribe to events");
	events->engine = engine;
	events->epoll_fd = events->inotify_fd = events->more_fd = -1;
	result = watch_exits(events, call);
	if (result == 0)
		result = find_place(events, args->after, call);
	if (result < 0) {
		cri_events_free(events);
		return result;
	}
	/* There may be events, and exits that nobody has committed. */
	if (args->after != ONLY_NEW)
		raise_more(events);
	*(cri_events **)output = events;
	return 0;
}

int cri_events_open(cri_engine *engine, int64_t after, cri_events **events, cri_call *call)
{
	const struct open_args args = { after };

	return api_call_output(engine, open_events, &args, events, call);
}

int cri_events_fd(const cri_events *events)
{
	return events ? events->epoll_fd : -1;
}

/* Before the store is looked at: what comes after that look makes the descriptor readable again. */
static void quiet(const cri_events *events)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	eventfd_t count;

	(void)eventfd_read(events->more_fd, &count);
	while (read(events->inotify_fd, buffer, sizeof(buffer)) > 0)
		;
}

static int fill(cri_list *list, const struct event_row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		cri_event *event = list_add(list);

		if (!event)
			return -ENOMEM;
		event->sequence = rows[i].sequence;
		event->type = rows[i].type;
		event->container_id = rows[i].container_id;
		event->sandbox_id = rows[i].sandbox_id;
		event->created_at = rows[i].created_at;
		event->exit_code = rows[i].exit_code;
	}
	return 0;
}

/* Goes on behind the gap. `last` is older than the look that found it. */
static int overflow(cri_events *events, const struct event_row *rows, size_t n_rows, int64_t last, cri_call *call)
{
	const int64_t missed = events->after;

	events->after = n_rows > 0 ? rows[0].sequence - 1 : last;
	return call_fail(call, CRI_EOVERFLOW, "read events",
			 "those from %lld to %lld were dropped before they were read; list the containers, then go on",
			 (long long)missed + 1, (long long)events->after);
}

static int read_events(cri_events *events, cri_list **output, cri_call *call)
{
	const char *step = "read events";
	struct store *store = events->engine->store;
	CLEANUP_LIST cri_list *list = list_new(LIST_EVENT, sizeof(cri_event));
	struct event_row *rows = NULL;
	size_t n_rows = 0;
	int64_t last = 0;
	bool lost = false;
	int result;

	if (!list)
		return call_no_memory(call, step);
	result = container_fold_exits(events->engine, call);
	if (result == 0)
		result = store_event_last(store, &last, call);
	if (result == 0)
		result = store_event_list(store, &list->arena, events->after, BATCH, &rows, &n_rows, &lost, call);
	if (result == 0 && lost)
		result = overflow(events, rows, n_rows, last, call);
	if (result < 0)
		return result;
	if (fill(list, rows, n_rows) < 0)
		return call_no_memory(call, step);
	if (n_rows > 0)
		events->after = rows[n_rows - 1].sequence;
	if (n_rows == BATCH)
		raise_more(events);
	*output = TAKE_POINTER(list);
	return 0;
}

struct next_args {
	cri_events *events;
};

static int next(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const struct next_args *args = pointer;
	int result;

	(void)engine;
	quiet(args->events);
	result = read_events(args->events, output, call);
	/* What was made quiet is still to be read. */
	if (result < 0)
		raise_more(args->events);
	return result;
}

int cri_events_next(cri_events *events, cri_list **list, cri_call *call)
{
	const struct next_args args = { events };
	cri_call spare;

	if (events)
		return api_call_output(events->engine, next, &args, list, call);
	call = api_enter(call, &spare);
	return call_fail(call, CRI_EINVAL, "check arguments", "events: it is NULL");
}

const cri_event *cri_event_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_EVENT, index);
}

void cri_events_free(cri_events *events)
{
	if (!events)
		return;
	cleanup_close_fd(&events->epoll_fd);
	cleanup_close_fd(&events->inotify_fd);
	cleanup_close_fd(&events->more_fd);
	free(events);
}
