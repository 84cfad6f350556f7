/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"

#include "grpc/tls.h"
#include "listener.h"
#include "log.h"
#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENERS_MAX 64

struct sockets {
	struct loop *loop;
	struct grpc_server *server;
	struct http *http;
	struct tls_context *tls; /* NULL: no TCP */
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	struct listener metrics;
};

static void on_client(int fd, struct listener *listener)
{
	struct sockets *sockets = listener->data;
	bool is_unix = listener->address.any.sa_family == AF_UNIX;

	grpc_server_connect(sockets->server, fd, is_unix ? NULL : sockets->tls);
}

static void on_http(int fd, struct listener *listener)
{
	struct sockets *sockets = listener->data;

	http_connect(sockets->http, fd);
}

static int make_tls(const struct settings *settings, struct tls_context **context)
{
	const struct tls_files files = { .ca = settings_text(settings, "tls-config", "CAFile"),
					 .certificate = settings_text(settings, "tls-config", "CertFile"),
					 .key = settings_text(settings, "tls-config", "KeyFile") };
	char reason[256];

	if (!*files.ca || !*files.certificate || !*files.key) {
		log_message(CRI_LOG_ERROR, "a TCP socket needs tls-config: it is served with mutual TLS only");
		return -1;
	}
	if (tls_context_new(&files, context, reason, sizeof(reason))) {
		log_format(CRI_LOG_ERROR, "tls-config: %s", reason);
		return -1;
	}
	return 0;
}

static struct listener *next_listener(struct sockets *sockets)
{
	return sockets->n_listeners < LISTENERS_MAX ? &sockets->listeners[sockets->n_listeners] : NULL;
}

static int adopt(struct sockets *sockets)
{
	size_t passed = notify_passed_sockets();

	for (size_t i = 0; i < passed; i++) {
		struct listener *listener = next_listener(sockets);
		int error = listener ? listener_adopt(listener, NOTIFY_FIRST_FD + (int)i) : -E2BIG;

		if (error) {
			log_format(CRI_LOG_ERROR, "the passed descriptor %zu is no socket to be served: %s",
				   NOTIFY_FIRST_FD + i, strerror(-error));
			return -1;
		}
		sockets->n_listeners++;
	}
	return 0;
}

static bool is_adopted(const struct sockets *sockets, const struct listener_address *address)
{
	for (size_t i = 0; i < sockets->n_listeners; i++) {
		if (listener_is_same(&sockets->listeners[i].address, address))
			return true;
	}
	return false;
}

static int bind_host(struct sockets *sockets, const char *url, int gid)
{
	struct listener *listener = next_listener(sockets);
	struct listener_address address;
	int error;

	if (listener_parse(url, &address)) {
		log_format(CRI_LOG_ERROR, "%s: it is no host", url);
		return -1;
	}
	if (is_adopted(sockets, &address))
		return 0;
	error = listener ? listener_bind(listener, &address, gid) : -E2BIG;
	if (error) {
		log_format(CRI_LOG_ERROR, "%s: %s", url,
			   error == -EADDRINUSE ? "somebody else listens there" : strerror(-error));
		return -1;
	}
	sockets->n_listeners++;
	return 0;
}

static int bind_hosts(struct sockets *sockets, const struct settings *settings)
{
	const cJSON *hosts = settings_value(settings, "hosts"), *host;
	int gid = settings_gid(settings);

	if (!hosts)
		return bind_host(sockets, settings_text(settings, "hosts", NULL), gid);
	cJSON_ArrayForEach(host, hosts)
	{
		if (bind_host(sockets, host->valuestring, gid))
			return -1;
	}
	return 0;
}

static int bind_metrics(struct sockets *sockets, const struct settings *settings, const struct http_pages *pages)
{
	const char *where = settings_text(settings, "metrics-address", NULL);
	struct listener_address address;
	char url[128];
	int error;

	if (!*where)
		return 0;
	snprintf(url, sizeof(url), "tcp://%s", where);
	error = listener_parse(url, &address) ? -EINVAL : listener_bind(&sockets->metrics, &address, -1);
	if (!error)
		error = http_new(sockets->loop, pages, &sockets->http);
	if (!error)
		error = listener_start(&sockets->metrics, sockets->loop);
	if (error)
		log_format(CRI_LOG_ERROR, "metrics-address %s: %s", where, strerror(-error));
	sockets->metrics.connected = on_http;
	sockets->metrics.data = sockets;
	return error;
}

static int start(struct sockets *sockets, const struct settings *settings)
{
	for (size_t i = 0; i < sockets->n_listeners; i++) {
		struct listener *listener = &sockets->listeners[i];
		int error;

		if (listener->address.any.sa_family != AF_UNIX && !sockets->tls && make_tls(settings, &sockets->tls))
			return -1;
		listener->connected = on_client;
		listener->data = sockets;
		error = listener_start(listener, sockets->loop);
		if (error) {
			log_format(CRI_LOG_ERROR, "a socket cannot be watched: %s", strerror(-error));
			return -1;
		}
	}
	return 0;
}

int sockets_open(const struct settings *settings, struct loop *loop, struct grpc_server *server,
		 const struct http_pages *pages, struct sockets **sockets)
{
	struct sockets *made = calloc(1, sizeof(*made));

	if (!made) {
		log_message(CRI_LOG_ERROR, "no memory");
		return -1;
	}
	made->loop = loop;
	made->server = server;
	made->metrics.source.fd = made->metrics.spare = -1;
	if (adopt(made) || bind_hosts(made, settings) || bind_metrics(made, settings, pages) || start(made, settings)) {
		sockets_free(made);
		return -1;
	}
	*sockets = made;
	return 0;
}

void sockets_reload(struct sockets *sockets, const struct settings *settings)
{
	struct tls_context *fresh;

	if (!sockets->tls || make_tls(settings, &fresh))
		return;
	/* OpenSSL keeps it for the connections that use it. */
	tls_context_free(sockets->tls);
	sockets->tls = fresh;
}

void sockets_stop(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->n_listeners; i++)
		listener_close(&sockets->listeners[i]);
	sockets->n_listeners = 0;
}

int sockets_tick(struct sockets *sockets)
{
	return sockets->http ? http_tick(sockets->http) : -1;
}

void sockets_free(struct sockets *sockets)
{
	if (!sockets)
		return;
	sockets_stop(sockets);
	listener_close(&sockets->metrics);
	http_free(sockets->http);
	tls_context_free(sockets->tls);
	free(sockets);
}
