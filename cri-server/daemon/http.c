/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16
#define REQUEST_MAX 4096
#define TIMEOUT 5000 /* milliseconds for one connection */

struct http_connection {
	struct loop_source source; /* must stay first */
	struct http *http;
	LIST_ENTRY(http_connection) entry;
	int64_t opened;
	char request[REQUEST_MAX + 1];
	size_t received;
	char *answer;
	size_t length, sent;
};

struct http {
	struct loop *loop;
	struct http_pages pages;
	LIST_HEAD(, http_connection) connections;
	size_t n_connections;
};

int http_new(struct loop *loop, const struct http_pages *pages, struct http **http)
{
	struct http *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->loop = loop;
	made->pages = *pages;
	LIST_INIT(&made->connections);
	*http = made;
	return 0;
}

static void close_connection(struct http_connection *connection)
{
	loop_remove(connection->http->loop, &connection->source);
	LIST_REMOVE(connection, entry);
	connection->http->n_connections--;
	close(connection->source.fd);
	free(connection->answer);
	free(connection);
}

void http_free(struct http *http)
{
	struct http_connection *connection, *following;

	if (!http)
		return;
	for (connection = LIST_FIRST(&http->connections); connection; connection = following) {
		following = LIST_NEXT(connection, entry);
		close_connection(connection);
	}
	free(http);
}

static int answer(struct http_connection *connection, const char *status, const char *type, const char *body)
{
	int length = asprintf(&connection->answer,
			      "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			      status, type, strlen(body), body);

	if (length < 0) {
		connection->answer = NULL;
		return -ENOMEM;
	}
	connection->length = (size_t)length;
	return 0;
}

static int answer_page(struct http_connection *connection, const char *path)
{
	const struct http_pages *pages = &connection->http->pages;
	const char *plain = "text/plain; charset=utf-8";
	const char *ill;
	char *text;
	int result;

	if (!strcmp(path, "/healthz")) {
		ill = pages->ill();
		return answer(connection, ill ? "503 Service Unavailable" : "200 OK", plain, ill ? ill : "ok\n");
	}
	if (strcmp(path, "/metrics") != 0)
		return answer(connection, "404 Not Found", plain, "there are /metrics and /healthz\n");
	text = pages->metrics();
	if (!text)
		return -ENOMEM;
	result = answer(connection, "200 OK", "text/plain; version=0.0.4; charset=utf-8", text);
	free(text);
	return result;
}

/* The request is whole: "GET /path HTTP/1.1". */
static int answer_request(struct http_connection *connection)
{
	char *method = connection->request, *path, *version;

	method[strcspn(method, "\r\n")] = '\0';
	path = strchr(method, ' ');
	version = path ? strchr(path + 1, ' ') : NULL;
	if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0)
		return answer(connection, "400 Bad Request", "text/plain", "this is no HTTP/1.1\n");
	*path++ = '\0';
	*version = '\0';
	if (strcmp(method, "GET") != 0)
		return answer(connection, "405 Method Not Allowed", "text/plain", "only GET is allowed\n");
	path[strcspn(path, "?#")] = '\0';
	return answer_page(connection, path);
}

/* False: the connection is over. */
static bool receive(struct http_connection *connection)
{
	ssize_t got = recv(connection->source.fd, connection->request + connection->received,
			   REQUEST_MAX - connection->received, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!got)
		return false;
	connection->received += (size_t)got;
	connection->request[connection->received] = '\0';
	if (!strstr(connection->request, "\r\n\r\n") && !strstr(connection->request, "\n\n"))
		return connection->received < REQUEST_MAX;
	return !answer_request(connection) && !loop_change(connection->http->loop, &connection->source, EPOLLOUT);
}

static bool transmit(struct http_connection *connection)
{
	ssize_t sent = send(connection->source.fd, connection->answer + connection->sent,
			    connection->length - connection->sent, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	connection->sent += (size_t)sent;
	return connection->sent < connection->length;
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct http_connection *connection = (struct http_connection *)source;
	bool goes_on = connection->answer ? transmit(connection) : receive(connection);

	if (!goes_on || events & EPOLLERR)
		close_connection(connection);
}

void http_connect(struct http *http, int fd)
{
	struct http_connection *connection =
		http->n_connections < CONNECTIONS_MAX ? calloc(1, sizeof(*connection)) : NULL;

	if (!connection) {
		close(fd);
		return;
	}
	connection->source = (struct loop_source){ .fd = fd, .ready = on_ready };
	connection->http = http;
	connection->opened = loop_now();
	LIST_INSERT_HEAD(&http->connections, connection, entry);
	http->n_connections++;
	if (loop_add(http->loop, &connection->source, EPOLLIN))
		close_connection(connection);
}

int http_tick(struct http *http)
{
	struct http_connection *connection, *following;
	int64_t now = loop_now();

	for (connection = LIST_FIRST(&http->connections); connection; connection = following) {
		following = LIST_NEXT(connection, entry);
		if (now - connection->opened > TIMEOUT)
			close_connection(connection);
	}
	return LIST_EMPTY(&http->connections) ? -1 : TIMEOUT;
}
