/* SPDX-License-Identifier: Apache-2.0 */
/* Authorization: Basic, and the bearer tokens of the distribution project's token servers. */
#include "registry.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "curl.h"
#include "libcri/error.h"

#include <openssl/evp.h>
#include <string.h>

#define CACHE_SIZE 64
#define TOKEN_LIMIT ((size_t)64 * 1024)
/* "If not specified, this defaults to 60 seconds", and servers that give less mean that too. */
#define LIFE_DEFAULT 60
#define LIFE_MAX (24 * 60 * 60)
/* A token that ends this soon may end on its way. */
#define LIFE_MARGIN 5
#define ATTEMPTS 3

/* --- what worked --- */

static struct {
	char *key, *authorization;
	int64_t until; /* clock_boot() */
} cache[CACHE_SIZE];
static size_t cache_next;
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static void forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static char *cache_key(const struct registry *registry, const struct endpoint *endpoint)
{
	return text_printf("%s\n%s\n%s", endpoint->url, registry->repository,
			   endpoint->credentials ? registry->credentials.key : "");
}

char *token_known(const struct registry *registry, const struct endpoint *endpoint)
{
	CLEANUP_FREE char *key = cache_key(registry, endpoint);
	char *found = NULL;

	pthread_mutex_lock(&cache_lock);
	for (size_t i = 0; key && i < CACHE_SIZE && !found; i++)
		if (cache[i].key && strcmp(cache[i].key, key) == 0 && clock_boot() < cache[i].until)
			found = strdup(cache[i].authorization);
	pthread_mutex_unlock(&cache_lock);
	return found;
}

/* Failing to remember costs a request. */
static void remember(const struct registry *registry, const struct endpoint *endpoint, const char *authorization,
		     int64_t seconds)
{
	char *key = cache_key(registry, endpoint), *copy = authorization ? strdup(authorization) : NULL;
	size_t place = CACHE_SIZE;

	if (!key || !copy) {
		free(key);
		forget(copy);
		return;
	}
	pthread_mutex_lock(&cache_lock);
	for (size_t i = 0; i < CACHE_SIZE && place == CACHE_SIZE; i++)
		if (cache[i].key && strcmp(cache[i].key, key) == 0)
			place = i;
	if (place == CACHE_SIZE)
		place = cache_next++ % CACHE_SIZE;
	free(cache[place].key);
	forget(cache[place].authorization);
	cache[place].key = key;
	cache[place].authorization = copy;
	cache[place].until = clock_boot() + seconds * NANOSECONDS_PER_SECOND;
	pthread_mutex_unlock(&cache_lock);
}

/* --- Basic --- */

static char *basic(const struct credentials *credentials)
{
	char *plain = text_printf("%s:%s", credentials->username, credentials->password);
	const size_t length = plain ? strlen(plain) : 0;
	unsigned char *encoded = plain ? calloc(1, 4 * ((length + 2) / 3) + 1) : NULL;
	char *authorization = NULL;

	if (encoded && EVP_EncodeBlock(encoded, (const unsigned char *)plain, (int)length) >= 0)
		authorization = text_printf("Basic %s", encoded);
	forget(plain);
	forget((char *)encoded);
	return authorization;
}

/* --- bearer tokens --- */

static bool append_escaped(struct buffer *to, const char *name, const char *value)
{
	char *escaped = curl.easy_escape(NULL, value, 0);

	if (!escaped)
		return false;
	buffer_printf(to, "%s=%s", name, escaped);
	explicit_bzero(escaped, strlen(escaped));
	curl.free(escaped);
	return !to->failed;
}

static bool append_question(struct buffer *to, const struct registry *registry, const struct challenge *challenge)
{
	CLEANUP_FREE char *scope =
		*challenge->scope ? strdup(challenge->scope) : text_printf("repository:%s:pull", registry->repository);
	bool made = scope != NULL;

	if (*challenge->service) {
		made = made && append_escaped(to, "service", challenge->service);
		buffer_text(to, "&");
	}
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup attributes are unknown to it */
	return made && append_escaped(to, "scope", scope);
}

static int take_token(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct buffer *body = context;

	buffer_append(body, bytes, length);
	if (body->failed)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	return body->length > TOKEN_LIMIT ? fail(failure, CRI_ECORRUPT, "the token is too large") : 0;
}

static int read_token(const struct buffer *body, char **token, int64_t *seconds, struct failure *failure)
{
	CLEANUP_JSON cJSON *answer = NULL;
	const char *text = "";

	if (json_parse(body->data ? body->data : "", body->length, TOKEN_LIMIT, &answer))
		return fail(failure, CRI_EREGISTRY, "the token server's answer is no JSON");
	if (json_string(answer, "token", &text) || !*text)
		(void)json_string(answer, "access_token", &text);
	/* It becomes a line of a request. */
	if (!*text || strpbrk(text, "\r\n"))
		return fail(failure, CRI_EREGISTRY, "the token server's answer holds no token");
	*seconds = LIFE_DEFAULT;
	(void)json_int64(answer, "expires_in", seconds);
	if (*seconds < LIFE_DEFAULT)
		*seconds = LIFE_DEFAULT;
	if (*seconds > LIFE_MAX)
		*seconds = LIFE_MAX;
	*seconds -= LIFE_MARGIN;
	*token = text_printf("Bearer %s", text);
	return *token ? 0 : fail(failure, CRI_ENOMEM, "memory ran out");
}

static int ask(const struct http_request *request, struct buffer *body, struct failure *failure)
{
	CLEANUP_FREE struct http_answer *answer = malloc(sizeof(*answer));
	enum http_result result = HTTP_BROKEN;

	if (!answer)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	for (int i = 0; i < ATTEMPTS; i++) {
		body->length = 0;
		result = http_perform(request, answer, failure);
		if (result == HTTP_STOPPED)
			return fail(failure, CRI_ECANCELED, "the session ended");
		if (result == HTTP_ANSWERED && answer->status < 500 && answer->status != 429)
			break;
		if (result == HTTP_UNREACHABLE || i + 1 == ATTEMPTS)
			break;
		if (!session_sleep(request->session, 250 << i))
			return fail(failure, CRI_ECANCELED, "the session ended");
	}
	if (result != HTTP_ANSWERED)
		return fail(failure, CRI_EREGISTRY, "the token server does not answer: %s", answer->text);
	if (answer->status == 200)
		return 0;
	/* Docker's answers 404 and 400 to what it does not like. */
	if (answer->status >= 400 && answer->status < 500 && answer->status != 429)
		return fail(failure, CRI_EPERM, "the token server gives no token for this repository (status %ld)",
			    answer->status);
	return fail(failure, CRI_EREGISTRY, "the token server answers with status %ld", answer->status);
}

/* The token server may be on any host; what is secret goes there as safely as it would to the registry. */
static int check_realm(const struct endpoint *endpoint, const struct challenge *challenge, bool secret,
		       struct failure *failure)
{
	if (!text_starts(challenge->realm, "https://") && !text_starts(challenge->realm, "http://"))
		return fail(failure, CRI_EREGISTRY, "the registry names a token server that is none");
	if (secret && text_starts(endpoint->url, "https://") && !text_starts(challenge->realm, "https://"))
		return fail(failure, CRI_EPERM, "the registry wants the password sent in plain text");
	return 0;
}

static int bearer(struct session *session, const struct endpoint *endpoint, const struct challenge *challenge,
		  char **authorization, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer url = BUFFER_EMPTY, form = BUFFER_EMPTY, body = BUFFER_EMPTY;
	const struct registry *registry = session->registry;
	const struct credentials *credentials = &registry->credentials;
	const bool refresh = endpoint->credentials && *credentials->identity_token;
	const bool user = endpoint->credentials && !refresh && *credentials->username;
	struct http_request request = { .session = session, .endpoint = endpoint, .accept = "application/json" };
	char *password = NULL;
	int64_t seconds = 0;
	int result = check_realm(endpoint, challenge, refresh || user, failure);
	bool made;

	if (result)
		return result;
	buffer_text(&url, challenge->realm);
	if (refresh) {
		buffer_text(&form, "grant_type=refresh_token&client_id=libcri&");
		made = append_question(&form, registry, challenge);
		buffer_text(&form, "&");
		made = made && append_escaped(&form, "refresh_token", credentials->identity_token);
		request.form = form.data;
	} else {
		buffer_text(&url, strchr(challenge->realm, '?') ? "&" : "?");
		made = append_question(&url, registry, challenge);
		if (made && user) {
			buffer_text(&url, "&");
			made = append_escaped(&url, "account", credentials->username);
			request.authorization = password = basic(credentials);
		}
	}
	if (!made || url.failed || form.failed || (user && !password))
		result = fail(failure, CRI_ENOMEM, "memory ran out");
	request.url = url.data;
	request.take = take_token;
	request.context = &body;
	if (!result)
		result = ask(&request, &body, failure);
	if (!result)
		result = read_token(&body, authorization, &seconds, failure);
	if (!result)
		remember(registry, endpoint, *authorization, seconds);
	forget(password);
	if (form.data)
		explicit_bzero(form.data, form.length);
	if (body.data)
		explicit_bzero(body.data, body.length);
	return result;
}

/* --- which --- */

static bool find_challenge(const struct http_answer *refused, const char *scheme, struct challenge *challenge)
{
	for (size_t i = 0; i < refused->n_challenges; i++) {
		const char *text = refused->challenges[i];

		while (challenge_next(&text, challenge))
			if (strcmp(challenge->scheme, scheme) == 0)
				return true;
	}
	return false;
}

static int get(struct session *session, const struct endpoint *endpoint, const struct http_answer *refused,
	       const char *used, char **authorization, struct failure *failure)
{
	const struct registry *registry = session->registry;
	const struct credentials *credentials = &registry->credentials;
	struct challenge challenge;
	int result = 0;

	*authorization = token_known(registry, endpoint);
	if (*authorization && (!used || strcmp(*authorization, used) != 0))
		return 1;
	forget(*authorization);
	*authorization = NULL;
	if (endpoint->credentials && *credentials->registry_token) {
		*authorization = text_printf("Bearer %s", credentials->registry_token);
	} else if (find_challenge(refused, "bearer", &challenge)) {
		result = bearer(session, endpoint, &challenge, authorization, failure);
	} else if (find_challenge(refused, "basic", &challenge) && endpoint->credentials && *credentials->username) {
		*authorization = basic(credentials);
		if (*authorization)
			remember(registry, endpoint, *authorization, LIFE_MAX);
	} else {
		return 0;
	}
	if (result)
		return result;
	if (!*authorization)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	if (!used || strcmp(*authorization, used) != 0)
		return 1;
	forget(*authorization);
	*authorization = NULL;
	return 0;
}

int token_get(struct session *session, const struct endpoint *endpoint, const struct http_answer *refused,
	      const char *used, char **authorization, struct failure *failure)
{
	int result;

	pthread_mutex_lock(&session->registry->tokens);
	result = get(session, endpoint, refused, used, authorization, failure);
	pthread_mutex_unlock(&session->registry->tokens);
	return result;
}
