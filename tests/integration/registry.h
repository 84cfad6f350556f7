/* SPDX-License-Identifier: Apache-2.0 */
/* Registries on loopback: Debian's docker-registry, the fault proxy and the token server of tests/fixtures. */
#ifndef LIBCRI_TESTS_INTEGRATION_REGISTRY_H
#define LIBCRI_TESTS_INTEGRATION_REGISTRY_H

#include "fixture.h"
#include "image_builder.h"

#include <sys/types.h>

struct server {
	pid_t pid;
	int port;
	char directory[160]; /* with rules and log */
	char host[32];       /* "127.0.0.1:1234" */
};

/* A port that nobody listens on. */
int free_port(void);

/* docker-registry; `http` and `auth` are lines of its configuration below those keys, "" for none. */
void registry_start(struct server *server, const char *parent, const char *name, int port, const char *http,
		    const char *auth);
void proxy_start(struct server *server, const char *parent, const char *name, int upstream_port);
/* nghttpx, which speaks HTTP/2 over TLS (or HTTP/1.1 where asked) with a certificate for 127.0.0.1, and HTTP/1.1 to the
 * upstream. Its log has a line for each request that is over: the client's port, the protocol, what was asked and the
 * answer's status. */
void h2_start(struct server *server, const char *parent, const char *name, int upstream_port, const char *certificates);
/* Makes <parent>/certificates: ca.crt, and .crt and .key of server and client. */
void make_certificates(const char *parent, char directory[160]);
void token_server_start(struct server *server, const char *parent, int port);
/* odd_registry.py, which has an image layout's image under every name; with TLS by server.crt and server.key of the
 * directory `certificates`, unless that is "". */
void odd_registry_start(struct server *server, const char *parent, const char *name, const char *layout,
			const char *certificates);
void server_stop(struct server *server);

/* Replaces the proxy's rules (fault_proxy.py) and forgets the log; "" for none. */
void proxy_rules(struct server *server, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines of a log that an extended regular expression matches. */
int log_count(const struct server *server, const char *expression);
/* How many first words they have. */
int log_count_first(const struct server *server, const char *expression);

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
/* Pushes a built image: manifest, config and layers. `url` "http://127.0.0.1:1234"; login "": nobody. */
void push(const struct builder *builder, const char *url, const char *repository, const char *tag, const char *login);
/* Pushes any document of the layout as a manifest; tag "-": by digest only. */
void push_document(const struct builder *builder, const char *url, const char *repository, const char *tag,
		   const char *digest, const char *media_type, const char *login);

/* An image of layers with `kilobytes` of random bytes each, gzip. */
void build_image(struct builder *builder, const char *parent, size_t n_layers, unsigned kilobytes);

/* Directories in <root>/l: layers; and files in <root>/tmp. */
size_t count_layers(const struct fixture *fixture);

#endif
