/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetContainerEvents: one subscription of libcri for all clients.
 *
 * What was delivered last is remembered in a file beside the engine's state, so that a client that comes back after a
 * restart finds what happened meanwhile. What is older than a kubelet's interval of listing everything is not told any
 * more.
 */
#include "service/events.h"
#include "service/methods.h"
#include "service/pods.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kubelet that follows events lists everything each 300 seconds nevertheless. */
#define OLDEST (INT64_C(300) * 1000000000)

#define CURSOR_FILE "cri-server.events"

struct event_source {
	cri_call *call;
	cri_events *subscription; /* NULL until somebody asks, unless there is something to resume */
	cri_list *batch;
	size_t next; /* in the batch */
	int64_t delivered;
	int64_t remembered; /* what the file says */
	struct pod_names *pods;
	char cursor[PATH_MAX];
};

static void log_failure(const struct rpc_service *service, const char *what, const cri_call *call)
{
	char line[1024];

	if (!service->settings.log)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", what, cri_call_message(call));
	service->settings.log(CRI_LOG_WARNING, line);
}

static int64_t read_cursor(const char *path)
{
	char text[32] = "", *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t length;
	long long value;

	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	/* 0 would be all that are kept. */
	return errno || end == text || value <= 0 ? -1 : value;
}

/* Losing it only means that events may be told again, or not after the next restart. */
static void write_cursor(struct event_source *source)
{
	char text[32], temporary[PATH_MAX + 4];
	int length, fd;
	bool written;

	if (!*source->cursor || source->delivered == source->remembered)
		return;
	length = snprintf(text, sizeof(text), "%" PRId64 "\n", source->delivered);
	(void)snprintf(temporary, sizeof(temporary), "%s.new", source->cursor);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	written = length > 0 && write(fd, text, (size_t)length) == length;
	if (close(fd) == 0 && written && rename(temporary, source->cursor) == 0)
		source->remembered = source->delivered;
	else
		(void)unlink(temporary);
}

static void find_cursor(struct event_source *source, cri_engine *engine)
{
	OWN_LIST cri_list *status = NULL;
	int length;

	if (cri_engine_status_get(engine, &status, source->call))
		return;
	length = snprintf(source->cursor, sizeof(source->cursor), "%s/" CURSOR_FILE,
			  cri_engine_status_at(status, 0)->state);
	if (length < 0 || (size_t)length >= sizeof(source->cursor))
		*source->cursor = '\0';
}

/* A root that was made anew has not come as far as the file says: then only new ones. */
static int subscribe(struct rpc_service *service, int64_t after)
{
	struct event_source *source = service->events;
	int result = cri_events_open(service->engine, after, &source->subscription, source->call);

	if (result == CRI_EINVAL && after > 0)
		result = cri_events_open(service->engine, -1, &source->subscription, source->call);
	if (result)
		log_failure(service, "events", source->call);
	return result;
}

int events_open(struct rpc_service *service)
{
	struct event_source *source = calloc(1, sizeof(*source));
	int result;

	if (!source)
		return CRI_ENOMEM;
	service->events = source;
	result = cri_call_new(&source->call);
	if (result)
		return result;
	source->pods = pod_names_new();
	if (!source->pods)
		return CRI_ENOMEM;
	find_cursor(source, service->engine);
	source->delivered = source->remembered = read_cursor(source->cursor);
	/* Without a cursor nobody has followed events yet: nobody has missed any. */
	if (source->delivered > 0)
		(void)subscribe(service, source->delivered);
	return 0;
}

void events_close(struct rpc_service *service)
{
	struct event_source *source = service->events;

	if (!source)
		return;
	write_cursor(source);
	cri_list_free(source->batch);
	cri_events_free(source->subscription);
	cri_call_free(source->call);
	pod_names_free(source->pods);
	free(source);
	service->events = NULL;
}

int service_events_fd(struct rpc_service *service)
{
	return service->events->subscription ? cri_events_fd(service->events->subscription) : -1;
}

/* The next event, or NULL when there is none now. */
static const cri_event *next_event(struct rpc_service *service)
{
	struct event_source *source = service->events;
	int result;

	if (source->batch && source->next < cri_list_count(source->batch))
		return cri_event_at(source->batch, source->next++);
	cri_list_free(source->batch);
	source->batch = NULL;
	source->next = 0;
	result = cri_events_next(source->subscription, &source->batch, source->call);
	if (result == CRI_EOVERFLOW) {
		log_failure(service, "events were lost", source->call);
		result = cri_events_next(source->subscription, &source->batch, source->call);
	}
	if (result) {
		log_failure(service, "events", source->call);
		return NULL;
	}
	return cri_list_count(source->batch) ? cri_event_at(source->batch, source->next++) : NULL;
}

/* The pod as it is now; one that is gone is told by its name only, which a kubelet cannot do without. */
static int pod_status(struct exchange *exchange, const char *id, Cri__ContainerEventResponse *response)
{
	struct conversion *conversion = &exchange->conversion;
	struct pod_names *pods = exchange->service->events->pods;
	cri_list *status = NULL;
	cri_sandbox_info info;
	int result = cri_sandbox_status_get(exchange->engine, id, &status, exchange->call);

	if (!result) {
		exchange_keep(exchange, status);
		if (conversion->memory.failed)
			return CRI_ENOMEM;
		pod_names_add(pods, &cri_sandbox_status_at(status, 0)->info);
		response->pod_sandbox_status = sandbox_status_to_wire(conversion, cri_sandbox_status_at(status, 0));
		return container_statuses(exchange, id, &response->containers_statuses,
					  &response->n_containers_statuses);
	}
	if (result != CRI_ENOTFOUND)
		return result;
	response->pod_sandbox_status = message_new(conversion, &cri__pod_sandbox_status__descriptor);
	if (!response->pod_sandbox_status)
		return CRI_ENOMEM;
	response->pod_sandbox_status->id = text_to_wire(id);
	response->pod_sandbox_status->state = CRI__POD_SANDBOX_STATE__SANDBOX_NOTREADY;
	if (pod_names_find(pods, id, &info))
		response->pod_sandbox_status->metadata = sandbox_metadata_to_wire(conversion, &info);
	return 0;
}

static int pack_event(struct rpc_service *service, const cri_event *event, uint8_t **message, size_t *length)
{
	struct rpc_status status;
	struct rpc rpc = {
		.service = service, .dialect = RPC_V1, .method = "GetContainerEvents", .call = service->events->call
	};
	struct exchange exchange;
	Cri__ContainerEventResponse *response;
	uint8_t *packed;
	int result;

	exchange_init(&exchange, &rpc, &status);
	response = message_new(&exchange.conversion, &cri__container_event_response__descriptor);
	result = response ? pod_status(&exchange, event->sandbox_id, response) : CRI_ENOMEM;
	if (!result) {
		response->container_id = text_to_wire(event->container_id);
		response->container_event_type = (Cri__ContainerEventType)event->type;
		response->created_at = event->created_at;
		packed = message_pack(&exchange.conversion, &response->base, length);
		*message = packed ? malloc(*length ? *length : 1) : NULL;
		if (*message)
			memcpy(*message, packed, *length);
		else
			result = CRI_ENOMEM;
	}
	if (result)
		log_failure(service, "an event cannot be told", service->events->call);
	exchange_free(&exchange);
	return result;
}

int service_events_next(struct rpc_service *service, uint8_t **message, size_t *length)
{
	struct event_source *source = service->events;
	const cri_event *event;

	if (!source->subscription) {
		if (subscribe(service, -1))
			return 0;
		pod_names_fill(source->pods, service->engine, source->call);
	}
	while ((event = next_event(service))) {
		source->delivered = event->sequence;
		/* The kernel's kill is no event of the CRI: that the container stopped is. */
		if (event->type > CRI_EVENT_DELETED || time_now() - event->created_at > OLDEST)
			continue;
		if (pack_event(service, event, message, length) == 0)
			return 1;
	}
	write_cursor(source);
	return 0;
}
