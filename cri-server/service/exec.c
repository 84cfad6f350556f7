/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in containers; streams, of which clients get a URL. */
#include "service/methods.h"

/* What a kubelet receives at most, less what is around the output. */
#define OUTPUT_LIMIT (((size_t)16 << 20) - 4096)

/* Cuts two outputs that together are too long: the shorter one keeps what it has up to half. */
static void cut_outputs(size_t *one, size_t *other)
{
	size_t *longer = *one > *other ? one : other, *shorter = *one > *other ? other : one;

	if (*shorter > OUTPUT_LIMIT / 2)
		*shorter = OUTPUT_LIMIT / 2;
	if (*longer > OUTPUT_LIMIT - *shorter)
		*longer = OUTPUT_LIMIT - *shorter;
}

static Cri__ExecSyncResponse *result_to_wire(struct exchange *exchange, const cri_exec_result *result)
{
	Cri__ExecSyncResponse *response = message_new(&exchange->conversion, &cri__exec_sync_response__descriptor);

	if (!response)
		return NULL;
	response->stdout.data = (uint8_t *)result->output;
	response->stdout.len = result->output_length;
	response->stderr.data = (uint8_t *)result->error_output;
	response->stderr.len = result->error_output_length;
	if (response->stdout.len + response->stderr.len > OUTPUT_LIMIT)
		cut_outputs(&response->stdout.len, &response->stderr.len);
	response->exit_code = result->exit_code;
	return response;
}

int serve_exec_sync(struct exchange *exchange, const void *request)
{
	const Cri__ExecSyncRequest *asked = request;
	const cri_exec_options options = {
		CRI_EXEC_OPTIONS_INIT,
		.command = (const char *const *)asked->cmd,
		.n_command = asked->n_cmd,
		.timeout = asked->timeout,
	};
	cri_exec_result *output = NULL;
	int result = cri_container_exec_sync(exchange->engine, asked->container_id, &options, &output, exchange->call);
	if (result)
		return result;
	result = exchange_send(exchange, result_to_wire(exchange, output));
	cri_free(output);
	return result;
}

/* The streaming server, or NULL, which the status says. */
static cri_stream_server *find_streams(struct exchange *exchange)
{
	if (!exchange->service->streams)
		conversion_fail(&exchange->conversion, STATUS_UNIMPLEMENTED, "%s", exchange->service->streams_missing);
	return exchange->service->streams;
}

int serve_exec(struct exchange *exchange, const void *request)
{
	const Cri__ExecRequest *asked = request;
	const cri_stream_options options = {
		CRI_STREAM_OPTIONS_INIT,   .in = asked->stdin, .out = asked->stdout,
		.err = asked->stderr,      .tty = asked->tty,  .command = (const char *const *)asked->cmd,
		.n_command = asked->n_cmd,
	};
	cri_stream_server *streams = find_streams(exchange);
	OWN_TEXT char *url = NULL;
	Cri__ExecResponse *response;
	int result;

	if (!streams)
		return CRI_ENOTSUP;
	result = cri_stream_server_exec(streams, asked->container_id, &options, &url, exchange->call);
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__exec_response__descriptor);
	if (response)
		response->url = url;
	return exchange_send(exchange, response);
}

int serve_attach(struct exchange *exchange, const void *request)
{
	const Cri__AttachRequest *asked = request;
	const cri_stream_options options = {
		CRI_STREAM_OPTIONS_INIT, .in = asked->stdin, .out = asked->stdout,
		.err = asked->stderr,    .tty = asked->tty,
	};
	cri_stream_server *streams = find_streams(exchange);
	OWN_TEXT char *url = NULL;
	Cri__AttachResponse *response;
	int result;

	if (!streams)
		return CRI_ENOTSUP;
	result = cri_stream_server_attach(streams, asked->container_id, &options, &url, exchange->call);
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__attach_response__descriptor);
	if (response)
		response->url = url;
	return exchange_send(exchange, response);
}

int serve_port_forward(struct exchange *exchange, const void *request)
{
	const Cri__PortForwardRequest *asked = request;
	cri_stream_server *streams = find_streams(exchange);
	OWN_TEXT char *url = NULL;
	Cri__PortForwardResponse *response;
	int result;

	if (!streams)
		return CRI_ENOTSUP;
	result = cri_stream_server_port_forward(streams, asked->pod_sandbox_id, asked->port, asked->n_port, &url,
						exchange->call);
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__port_forward_response__descriptor);
	if (response)
		response->url = url;
	return exchange_send(exchange, response);
}
