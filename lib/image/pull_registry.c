/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pull.h"

#include "base/json.h"
#include "base/text.h"
#include "core/settings.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "read the registry's settings";

#define HUB "docker.io"
#define HUB_SERVER "registry-1.docker.io"

struct making {
	const struct settings *settings;
	const cri_auth *auth;
	char authorised[HOST_SIZE]; /* the host that the credentials are for; "": the registry itself */
	bool used;                  /* they go anywhere */
	cJSON *endpoints;
	cri_call *call;
};

static const cri_registry_options *options_of(const struct settings *settings, const char *host)
{
	char named[HOST_SIZE];

	for (size_t i = 0; i < settings->n_registries; i++)
		if (registry_host(settings->registries[i]->host, named) == 0 && strcmp(named, host) == 0)
			return settings->registries[i];
	return NULL;
}

static bool is_insecure(const struct settings *settings, const char *host)
{
	for (size_t i = 0; i < settings->n_insecure_registries; i++)
		if (registry_matches(settings->insecure_registries[i], host))
			return true;
	return false;
}

/* `address` has no scheme. */
static int add_endpoint(struct making *making, const char *scheme, const char *address, const char *host, bool mirror,
			bool skip_verify)
{
	const cri_registry_options *options = options_of(making->settings, host);
	const bool credentials =
		making->auth && (*making->authorised ? strcmp(making->authorised, host) == 0 : !mirror);
	CLEANUP_FREE char *url = text_printf("%s://%s", scheme, address);
	cJSON *endpoint = cJSON_CreateObject();

	if (!url || !endpoint || !cJSON_AddItemToArray(making->endpoints, endpoint)) {
		cJSON_Delete(endpoint);
		return call_no_memory(making->call, step);
	}
	for (size_t length = strlen(url); length && url[length - 1] == '/'; length--)
		url[length - 1] = '\0';
	making->used |= credentials;
	skip_verify |= options && options->skip_verify;
	if (!cJSON_AddStringToObject(endpoint, "url", url) || !cJSON_AddBoolToObject(endpoint, "mirror", mirror) ||
	    !cJSON_AddBoolToObject(endpoint, "credentials", credentials) ||
	    !cJSON_AddBoolToObject(endpoint, "skip_verify", skip_verify) ||
	    !cJSON_AddStringToObject(endpoint, "ca_file", options ? options->ca_file : "") ||
	    !cJSON_AddStringToObject(endpoint, "certificate_file", options ? options->certificate_file : "") ||
	    !cJSON_AddStringToObject(endpoint, "key_file", options ? options->key_file : ""))
		return call_no_memory(making->call, step);
	return 0;
}

/* By the ways that a host's settings allow, best guess first. */
static int add_host(struct making *making, const char *address, const char *host, bool mirror)
{
	const cri_registry_options *options = options_of(making->settings, host);
	const bool tls = options && (options->skip_verify || *options->ca_file || *options->certificate_file);
	int result;

	if (options && options->plain_http)
		return add_endpoint(making, "http", address, host, mirror, false);
	if (is_insecure(making->settings, host)) {
		result = add_endpoint(making, "https", address, host, mirror, true);
		return result < 0 ? result : add_endpoint(making, "http", address, host, mirror, false);
	}
	if (registry_is_loopback(host) && !tls) {
		result = add_endpoint(making, "http", address, host, mirror, false);
		return result < 0 ? result : add_endpoint(making, "https", address, host, mirror, false);
	}
	return add_endpoint(making, "https", address, host, mirror, false);
}

static int add_mirrors(struct making *making, const char *field, const char *const *mirrors, size_t n_mirrors)
{
	char host[HOST_SIZE];
	int result = 0;

	for (size_t i = 0; i < n_mirrors && result == 0; i++) {
		const char *address = mirrors[i];

		if (registry_host(mirrors[i], host))
			return call_fail(making->call, CRI_EINVAL, step, "%s[%zu]: it is no URL of a registry", field,
					 i);
		if (text_starts(address, "http://"))
			result = add_endpoint(making, "http", address + strlen("http://"), host, true, false);
		else if (text_starts(address, "https://"))
			result = add_endpoint(making, "https", address + strlen("https://"), host, true,
					      is_insecure(making->settings, host));
		else if (strstr(address, "://"))
			return call_fail(making->call, CRI_EINVAL, step, "%s[%zu]: it is neither http nor https", field,
					 i);
		else
			result = add_host(making, address, host, true);
	}
	return result;
}

static int add_endpoints(struct making *making, const char *host)
{
	const struct settings *settings = making->settings;
	const cri_registry_options *own = options_of(settings, host);
	const bool hub = strcmp(host, HUB) == 0;
	int result = 0;

	if (own)
		result = add_mirrors(making, "registries.mirrors", own->mirrors, own->n_mirrors);
	if (result == 0 && hub)
		result = add_mirrors(making, "registry_mirrors", settings->registry_mirrors,
				     settings->n_registry_mirrors);
	return result < 0 ? result : add_host(making, hub ? HUB_SERVER : host, host, false);
}

/* --- credentials --- */

static int check_auth(struct making *making)
{
	const cri_auth *auth = making->auth;

	if (!auth)
		return 0;
	/* It becomes a line of a request. */
	if (strpbrk(auth->registry_token, "\r\n"))
		return call_fail(making->call, CRI_EINVAL, step, "auth.registry_token: it has line breaks");
	if (*auth->server_address && registry_host(auth->server_address, making->authorised))
		return call_fail(making->call, CRI_EINVAL, step, "auth.server_address: it is no address of a registry");
	return 0;
}

static bool add_auth(cJSON *request, const cri_auth *auth)
{
	cJSON *object = cJSON_AddObjectToObject(request, "auth");

	return object && cJSON_AddStringToObject(object, "username", auth->username) &&
	       cJSON_AddStringToObject(object, "password", auth->password) &&
	       cJSON_AddStringToObject(object, "auth", auth->auth) &&
	       cJSON_AddStringToObject(object, "identity_token", auth->identity_token) &&
	       cJSON_AddStringToObject(object, "registry_token", auth->registry_token);
}

/* --- proxies --- */

/* By the names that curl and Go know; helpers get no environment of the host's. */
static const char *proxy_from_environment(const char *const names[4])
{
	for (size_t i = 0; i < 4; i++) {
		const char *value = secure_getenv(names[i]);

		if (!text_is_empty(value))
			return value;
	}
	return "";
}

static bool add_proxies(cJSON *request)
{
	static const char *const http[4] = { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" };
	static const char *const https[4] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	static const char *const none[4] = { "no_proxy", "NO_PROXY", "no_proxy", "NO_PROXY" };
	const char *excluded = proxy_from_environment(none);
	/* This machine's own registries are not behind a proxy, as in Go. */
	CLEANUP_FREE char *all =
		text_printf("%s%s", excluded, strcmp(excluded, "*") == 0 ? "" : ",localhost,127.0.0.0/8,::1");
	cJSON *object = cJSON_AddObjectToObject(request, "proxies");

	return all && object && cJSON_AddStringToObject(object, "http", proxy_from_environment(http)) &&
	       cJSON_AddStringToObject(object, "https", proxy_from_environment(https)) &&
	       cJSON_AddStringToObject(object, "none", all);
}

int pull_registry(cri_engine *engine, const struct reference *reference, const cri_auth *auth, cJSON **request,
		  cri_call *call)
{
	CLEANUP_SETTINGS const struct settings *settings = settings_take(engine);
	struct making making = { .settings = settings, .auth = auth, .call = call };
	CLEANUP_JSON cJSON *made = cJSON_CreateObject();
	int result = check_auth(&making);

	if (result < 0)
		return result;
	making.endpoints = cJSON_AddArrayToObject(made, "endpoints");
	if (!making.endpoints || !cJSON_AddStringToObject(made, "kind", "registry") ||
	    !cJSON_AddStringToObject(made, "repository", reference->path) || !add_proxies(made))
		return call_no_memory(call, step);
	result = add_endpoints(&making, reference->host);
	if (result < 0)
		return result;
	if (auth && making.used && !add_auth(made, auth))
		return call_no_memory(call, step);
	if (auth && !making.used)
		engine_log(engine, CRI_LOG_WARNING, "pull %s: the credentials are for another server and are not used",
			   reference->repository);
	*request = TAKE_POINTER(made);
	return 0;
}
