/* SPDX-License-Identifier: Apache-2.0 */
#include "service/events.h"

#include <stdio.h>
#include <stdlib.h>

/* A server that cannot be started is no failure: Exec, Attach and PortForward say why. */
static void start_streams(struct rpc_service *service, cri_call *call)
{
	int result = cri_stream_server_start(service->engine, service->settings.stream, &service->streams, call);

	if (!result)
		return;
	(void)snprintf(service->streams_missing, sizeof(service->streams_missing), "no streaming server: %s",
		       cri_call_message(call));
	if (service->settings.log)
		service->settings.log(result == CRI_ENOTSUP ? CRI_LOG_INFO : CRI_LOG_WARNING, service->streams_missing);
}

int service_open(const struct service_settings *settings, struct rpc_service **service, cri_call *call)
{
	struct rpc_service *opened = calloc(1, sizeof(*opened));
	cri_call *own = NULL;
	int result = opened ? cri_call_new(&own) : CRI_ENOMEM;

	(void)call; /* what fails here is memory, and descriptors */
	if (result) {
		free(opened);
		return result;
	}
	opened->settings = *settings;
	opened->engine = settings->engine;
	result = events_open(opened);
	if (result) {
		cri_call_free(own);
		service_close(opened);
		return result;
	}
	/* With a call of its own: `call` may be NULL, and the reason is kept. */
	start_streams(opened, own);
	cri_call_free(own);
	*service = opened;
	return 0;
}

void service_close(struct rpc_service *service)
{
	if (!service)
		return;
	cri_stream_server_stop(service->streams);
	events_close(service);
	free(service);
}
