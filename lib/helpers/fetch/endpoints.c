/* SPDX-License-Identifier: Apache-2.0 */
/* What a session's first request says about its registry. */
#include "registry.h"

#include "base/json.h"
#include "base/text.h"
#include "libcri/error.h"

#include <openssl/evp.h>
#include <string.h>

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = "";

	(void)json_string(object, key, &text);
	return text;
}

static int read_endpoints(struct registry *registry, struct failure *failure)
{
	const cJSON *array, *item;

	if (json_array(registry->request, "endpoints", &array) || cJSON_GetArraySize(array) < 1 ||
	    cJSON_GetArraySize(array) > ENDPOINTS_MAX)
		return fail(failure, CRI_EINVAL, "no endpoints, or more than %d", ENDPOINTS_MAX);
	cJSON_ArrayForEach(item, array)
	{
		struct endpoint *endpoint = &registry->endpoints[registry->n_endpoints++];

		endpoint->url = text_of(item, "url");
		endpoint->ca_file = text_of(item, "ca_file");
		endpoint->certificate_file = text_of(item, "certificate_file");
		endpoint->key_file = text_of(item, "key_file");
		(void)json_bool(item, "mirror", &endpoint->mirror);
		(void)json_bool(item, "credentials", &endpoint->credentials);
		(void)json_bool(item, "skip_verify", &endpoint->skip_verify);
		if (!text_starts(endpoint->url, "https://") && !text_starts(endpoint->url, "http://"))
			return fail(failure, CRI_EINVAL, "\"%.100s\" is no URL of a registry", endpoint->url);
	}
	return 0;
}

/* auth is base64 of "user:password". */
static int decode_auth(struct registry *registry, const char *auth, struct failure *failure)
{
	const size_t length = strlen(auth);
	char *colon;
	int decoded;

	registry->decoded = calloc(1, length + 1);
	if (!registry->decoded)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	decoded = length % 4 || length > FETCH_MESSAGE_MAX ? -1
							   : EVP_DecodeBlock((unsigned char *)registry->decoded,
									     (const unsigned char *)auth, (int)length);
	colon = decoded > 0 ? strchr(registry->decoded, ':') : NULL;
	if (!colon)
		return fail(failure, CRI_EINVAL, "auth.auth: it is not the base64 of user:password");
	*colon = '\0';
	registry->credentials.username = registry->decoded;
	registry->credentials.password = colon + 1;
	return 0;
}

/* What stands for them where they must not be kept. */
static int make_key(struct credentials *credentials, struct failure *failure)
{
	const char *const texts[] = { credentials->username, credentials->password, credentials->identity_token,
				      credentials->registry_token };
	struct digest *digest = digest_new();
	int error = digest ? 0 : -1;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !error; i++)
		error = digest_add(digest, texts[i], strlen(texts[i]) + 1);
	if (!error)
		error = digest_end(digest, credentials->key);
	digest_free(digest);
	return error ? fail(failure, CRI_EINTERNAL, "sha256 failed") : 0;
}

static int read_credentials(struct registry *registry, struct failure *failure)
{
	struct credentials *credentials = &registry->credentials;
	const cJSON *auth = cJSON_GetObjectItemCaseSensitive(registry->request, "auth");
	const char *encoded = text_of(auth, "auth");

	credentials->username = text_of(auth, "username");
	credentials->password = text_of(auth, "password");
	credentials->identity_token = text_of(auth, "identity_token");
	credentials->registry_token = text_of(auth, "registry_token");
	if (!*credentials->username && *encoded && decode_auth(registry, encoded, failure))
		return -1;
	return make_key(credentials, failure);
}

struct registry *registry_new(cJSON *request, struct failure *failure)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	const cJSON *proxies;

	if (!registry) {
		cJSON_Delete(request);
		fail(failure, CRI_ENOMEM, "memory ran out");
		return NULL;
	}
	registry->request = request;
	pthread_mutex_init(&registry->tokens, NULL);
	registry->repository = text_of(request, "repository");
	proxies = cJSON_GetObjectItemCaseSensitive(request, "proxies");
	registry->proxies =
		(struct proxies){ text_of(proxies, "http"), text_of(proxies, "https"), text_of(proxies, "none") };
	if (read_endpoints(registry, failure) || read_credentials(registry, failure)) {
		registry_free(registry);
		return NULL;
	}
	return registry;
}

static void forget(const cJSON *value)
{
	for (; value; value = value->next) {
		if (value->valuestring)
			explicit_bzero(value->valuestring, strlen(value->valuestring));
		if (value->child)
			forget(value->child);
	}
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	forget(registry->request);
	cJSON_Delete(registry->request);
	if (registry->decoded)
		explicit_bzero(registry->decoded, strlen(registry->decoded));
	free(registry->decoded);
	pthread_mutex_destroy(&registry->tokens);
	free(registry);
}
