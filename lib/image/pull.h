/* SPDX-License-Identifier: Apache-2.0 */
/* How a registry is talked to, from the engine's options. */
#ifndef LIBCRI_IMAGE_PULL_H
#define LIBCRI_IMAGE_PULL_H

#include "core/engine.h"
#include "image/reference.h"

#include <cjson/cJSON.h>

/* The first request of a session (image/fetch_protocol.h). `auth` NULL: anonymous. CRI_EINVAL names the option that is
 * malformed. (pull_registry.c) */
int pull_registry(cri_engine *engine, const struct reference *reference, const cri_auth *auth, cJSON **request,
		  cri_call *call);

/* (registry_host.c) */
#define HOST_SIZE 256

/* The host[:port] of "https://host:port/path", "host:port" …; Docker Hub's many names are "docker.io". -EINVAL: it has
 * none, holds a password, or characters that no URL has. */
int registry_host(const char *text, char host[HOST_SIZE]);
/* localhost, *.localhost, 127.0.0.0/8, ::1, whatever the port. */
bool registry_is_loopback(const char *host);
/* CRI_EINVAL names the registry or mirror that has no host, or a scheme that is neither http nor https. */
int registry_check_options(const cri_engine_options *options, cri_call *call);
/* Whether an entry of insecure_registries ("host", "host:port", "10.0.0.0/8") names a host. */
bool registry_matches(const char *entry, const char *host);

#endif
