/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the CRI on one engine: what main opens and the transport calls (rpc.h). */
#ifndef CRI_SERVER_SERVICE_SERVICE_H
#define CRI_SERVER_SERVICE_SERVICE_H

#include "rpc.h"

struct service_settings {
	cri_engine *engine; /* borrowed until service_close */

	/* How URLs of Exec, Attach and PortForward are served. NULL: those calls answer UNIMPLEMENTED. */
	const cri_stream_server_options *stream;

	/* The daemon's effective configuration, a JSON object: key "daemon" of a verbose Status. May be NULL. Copied.
	 */
	const char *configuration;

	/* A file that remembers up to which event subscribers were served, so that a restart drops none. It belongs
	 * beside the engine's state. May be NULL. Copied. */
	const char *cursor_file;

	/* Gets what no answer can tell. May be NULL. Any thread. */
	cri_log_function log;
	void *log_data;
};

/* A streaming server that cannot be started is no failure: its calls answer with the reason. 0, or a cri_code. */
int service_open(const struct service_settings *settings, struct rpc_service **service, cri_call *call);

/* No call may be in progress. NULL is allowed. */
void service_close(struct rpc_service *service);

#endif
