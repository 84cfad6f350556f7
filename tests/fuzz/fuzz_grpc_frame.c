/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may send. The input's first byte chooses: gRPC's framing alone, in pieces of the second byte's size;
 * header values; or, to the whole server, bytes behind a good preface and SETTINGS.
 */
#include "grpc/frame.h"
#include "grpc/limits.h"
#include "grpc/metadata.h"
#include "grpc/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GREETING "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
/* The socket takes so much at once. */
#define SEND_MAX (64U << 10)

static struct loop *loop;
static struct grpc_server *server;

/* --- a service of two calls --- */

static void echo(struct rpc *rpc, struct rpc_status *status)
{
	status->code = rpc_send(rpc, rpc->request, rpc->request_length) ? GRPC_INTERNAL : 0;
}

const struct rpc_method *rpc_find(const char *path, enum rpc_dialect *dialect)
{
	static const struct rpc_method methods[] = {
		{ .service = "s", .name = "Echo", .kind = RPC_UNARY, .handle = echo },
		{ .service = "s", .name = "Events", .kind = RPC_EVENTS },
	};

	*dialect = RPC_V1;
	if (!strcmp(path, "/s/Echo"))
		return &methods[0];
	return strcmp(path, "/s/Events") ? NULL : &methods[1];
}

int service_events_fd(struct rpc_service *service)
{
	(void)service;
	return -1;
}

int service_events_next(struct rpc_service *service, uint8_t **message, size_t *length)
{
	(void)service;
	(void)message;
	(void)length;
	return 0;
}

static void on_finished(const struct grpc_finished *finished)
{
	if (!finished->text || !finished->object)
		abort();
}

static void on_log(cri_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

/* --- the inputs --- */

static void read_frames(const uint8_t *data, size_t size)
{
	struct frame_reader reader = { .encoded = size && data[0] & 1 };
	size_t piece = size && data[0] ? data[0] : 1;
	const char *text = NULL;
	int status = 0;

	for (size_t i = 1; i < size && !status; i += piece) {
		status = frame_read(&reader, data + i, i + piece > size ? size - i : piece, &text);
		if (reader.filled > reader.length || (status ? !text : reader.length > GRPC_MAX_MESSAGE))
			abort();
	}
	if (!status && frame_end(&reader, &text) && !text)
		abort();
	frame_reader_clear(&reader);
}

static void read_metadata(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *encoded;
	int64_t milliseconds;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (metadata_timeout(text, size, &milliseconds) && milliseconds < 0)
		abort();
	(void)metadata_is_grpc(text, size);
	encoded = metadata_encode_message(text, size);
	for (const char *at = encoded; at && *at; at++) {
		if (*at < ' ' || *at > '~')
			abort();
	}
	free(encoded);
	free(text);
}

static void set_up(void)
{
	const struct grpc_server_options options = { .timeouts = grpc_default_timeouts,
						     .finished = on_finished,
						     .log = on_log };

	if (loop_open(&loop) || grpc_server_new(loop, &options, &server))
		abort();
}

static void talk(const uint8_t *data, size_t size)
{
	struct grpc_figures figures;
	uint8_t answer[4096];
	int ends[2];

	if (!server)
		set_up();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	grpc_server_connect(server, ends[0], NULL);
	(void)!send(ends[1], GREETING, sizeof(GREETING) - 1, MSG_NOSIGNAL);
	(void)!send(ends[1], data, size > SEND_MAX ? SEND_MAX : size, MSG_NOSIGNAL);
	for (int i = 0; i < 4; i++) {
		(void)grpc_server_tick(server);
		(void)loop_turn(loop, 0);
	}
	while (recv(ends[1], answer, sizeof(answer), 0) > 0)
		continue;
	close(ends[1]);
	do {
		(void)grpc_server_tick(server);
		(void)loop_turn(loop, 1);
		grpc_server_look(server, &figures);
	} while (figures.connections);
	if (figures.calls || figures.subscribers)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	switch (data[0] % 3) {
	case 0:
		read_frames(data + 1, size - 1);
		break;
	case 1:
		read_metadata(data + 1, size - 1);
		break;
	default:
		talk(data + 1, size - 1);
	}
	return 0;
}
