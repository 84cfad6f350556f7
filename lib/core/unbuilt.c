/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions whose areas are not built yet: each answers CRI_ENOTSUP and names its area. */
#include "libcri/libcri.h"

#include "core/api.h"
#include "core/list.h"

static int refuse(cri_engine *engine, const void *area, void *output, cri_call *call)
{
	(void)engine;
	(void)output;
	return call_fail(call, CRI_ENOTSUP, "find the function", "%s not built yet", (const char *)area);
}

static int unbuilt(cri_engine *engine, const char *area, cri_call *call)
{
	return api_call(engine, refuse, area, NULL, call);
}

/* For functions on a handle that nothing can have made yet. */
static int unbuilt_handle(const void *handle, const char *argument, const char *area, cri_call *call)
{
	cri_call spare;

	call = api_enter(call, &spare);
	if (!handle)
		return call_fail(call, CRI_EINVAL, "check arguments", "%s: it is NULL", argument);
	return refuse(NULL, area, NULL, call);
}

#define CHECKPOINTS "checkpoint and restore are"
#define STREAMING "streaming is"

int cri_sandbox_checkpoint(cri_engine *engine, const char *id, const char *output_path,
			   const char *const *container_ids, size_t n_container_ids, cri_key_values options,
			   size_t n_options, cri_call *call)
{
	(void)id;
	(void)output_path;
	(void)container_ids;
	(void)n_container_ids;
	(void)options;
	(void)n_options;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_sandbox_checkpoint_begin(cri_engine *engine, const char *id, const char *output_path,
				 const char *const *container_ids, size_t n_container_ids, cri_key_values options,
				 size_t n_options, cri_op **op, cri_call *call)
{
	(void)id;
	(void)output_path;
	(void)container_ids;
	(void)n_container_ids;
	(void)options;
	(void)n_options;
	(void)op;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_sandbox_restore(cri_engine *engine, const char *checkpoint_path, const cri_sandbox_config *config,
			const char *handler, const cri_container_config *const *containers, size_t n_containers,
			cri_key_values options, size_t n_options, cri_list **sandboxes, cri_call *call)
{
	(void)checkpoint_path;
	(void)config;
	(void)handler;
	(void)containers;
	(void)n_containers;
	(void)options;
	(void)n_options;
	(void)sandboxes;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_sandbox_restore_begin(cri_engine *engine, const char *checkpoint_path, const cri_sandbox_config *config,
			      const char *handler, const cri_container_config *const *containers, size_t n_containers,
			      cri_key_values options, size_t n_options, cri_op **op, cri_call *call)
{
	(void)checkpoint_path;
	(void)config;
	(void)handler;
	(void)containers;
	(void)n_containers;
	(void)options;
	(void)n_options;
	(void)op;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_container_checkpoint(cri_engine *engine, const char *id, const char *location, cri_call *call)
{
	(void)id;
	(void)location;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_container_checkpoint_begin(cri_engine *engine, const char *id, const char *location, cri_op **op,
				   cri_call *call)
{
	(void)id;
	(void)location;
	(void)op;
	return unbuilt(engine, CHECKPOINTS, call);
}

int cri_stream_exec(cri_engine *engine, const char *container_id, const cri_stream_options *options,
		    cri_stream **stream, cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)stream;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_exec_begin(cri_engine *engine, const char *container_id, const cri_stream_options *options, cri_op **op,
			  cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)op;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_attach(cri_engine *engine, const char *container_id, const cri_stream_options *options,
		      cri_stream **stream, cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)stream;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_attach_begin(cri_engine *engine, const char *container_id, const cri_stream_options *options,
			    cri_op **op, cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)op;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_port_forward(cri_engine *engine, const char *sandbox_id, uint16_t port, cri_stream **stream,
			    cri_call *call)
{
	(void)sandbox_id;
	(void)port;
	(void)stream;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_port_forward_begin(cri_engine *engine, const char *sandbox_id, uint16_t port, cri_op **op,
				  cri_call *call)
{
	(void)sandbox_id;
	(void)port;
	(void)op;
	return unbuilt(engine, STREAMING, call);
}

int cri_stream_fd(const cri_stream *stream, cri_stream_channel channel)
{
	(void)stream;
	(void)channel;
	return -1;
}

int cri_stream_close_stdin(cri_stream *stream, cri_call *call)
{
	return unbuilt_handle(stream, "stream", STREAMING, call);
}

int cri_stream_resize(cri_stream *stream, uint16_t columns, uint16_t rows, cri_call *call)
{
	(void)columns;
	(void)rows;
	return unbuilt_handle(stream, "stream", STREAMING, call);
}

int cri_stream_signal(cri_stream *stream, const char *signal, cri_call *call)
{
	(void)signal;
	return unbuilt_handle(stream, "stream", STREAMING, call);
}

int cri_stream_exit_fd(const cri_stream *stream)
{
	(void)stream;
	return -1;
}

int cri_stream_wait(cri_stream *stream, int32_t *exit_code, cri_call *call)
{
	(void)exit_code;
	return unbuilt_handle(stream, "stream", STREAMING, call);
}

void cri_stream_free(cri_stream *stream)
{
	(void)stream;
}

int cri_stream_server_start(cri_engine *engine, const cri_stream_server_options *options, cri_stream_server **server,
			    cri_call *call)
{
	(void)options;
	(void)server;
	return unbuilt(engine, STREAMING, call);
}

void cri_stream_server_stop(cri_stream_server *server)
{
	(void)server;
}

int cri_stream_server_exec(cri_stream_server *server, const char *container_id, const cri_stream_options *options,
			   char **url, cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)url;
	return unbuilt_handle(server, "server", STREAMING, call);
}

int cri_stream_server_attach(cri_stream_server *server, const char *container_id, const cri_stream_options *options,
			     char **url, cri_call *call)
{
	(void)container_id;
	(void)options;
	(void)url;
	return unbuilt_handle(server, "server", STREAMING, call);
}

int cri_stream_server_port_forward(cri_stream_server *server, const char *sandbox_id, const int32_t *ports,
				   size_t n_ports, char **url, cri_call *call)
{
	(void)sandbox_id;
	(void)ports;
	(void)n_ports;
	(void)url;
	return unbuilt_handle(server, "server", STREAMING, call);
}
