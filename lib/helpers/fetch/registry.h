/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a registry by the OCI distribution specification. */
#ifndef LIBCRI_HELPERS_FETCH_REGISTRY_H
#define LIBCRI_HELPERS_FETCH_REGISTRY_H

#include "fetch.h"

/* One way to the repository. Texts are those of the request. */
struct endpoint {
	const char *url;  /* "https://host:port", maybe with a path, in front of "/v2/" */
	bool mirror;      /* whatever it answers, the next may know better */
	bool credentials; /* those of the session may go there */
	bool skip_verify;
	const char *ca_file, *certificate_file, *key_file; /* "": none */
};
#define ENDPOINTS_MAX 32

struct credentials {
	const char *username, *password, *identity_token, *registry_token; /* "": none */
	char key[DIGEST_SIZE];                                             /* stands for them in the cache of tokens */
};

struct proxies {
	const char *http, *https, *none; /* as in http_proxy, https_proxy, no_proxy; "" */
};

struct registry {
	cJSON *request;
	const char *repository; /* "library/busybox" */
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t n_endpoints;
	atomic_size_t preferred; /* the one that answered */
	struct credentials credentials;
	struct proxies proxies;
	char *decoded;          /* of auth */
	pthread_mutex_t tokens; /* one job of the session gets a token, the others wait for it */
};

/* Takes the request. NULL: *failure says why. (endpoints.c) */
struct registry *registry_new(cJSON *request, struct failure *failure);
void registry_free(struct registry *registry);

/* Pushes a blob, once and in order, however many attempts it takes. The caller verifies it. (registry.c) */
int registry_blob(struct session *session, const char *digest, take_bytes take, void *context, struct failure *failure);

struct manifest_answer {
	char digest[DIGEST_SIZE]; /* as the registry says; "": it does not */
	char media_type[160];
};
/* A manifest or index by tag or digest; document NULL: only asks for its digest. */
int registry_manifest(struct session *session, const char *reference, struct document *document,
		      struct manifest_answer *answer, struct failure *failure);

/* --- one request (http.c) --- */

enum http_result {
	HTTP_ANSWERED,
	HTTP_UNREACHABLE, /* no name, no connection, no TLS */
	HTTP_BROKEN,      /* the connection, or the silence, ended it */
	HTTP_STOPPED,     /* by who takes the bytes, who says why, or by the end of the session */
	HTTP_SLOW,        /* who takes the bytes holds up others on the connection: to be gone on with alone */
};

#define CHALLENGES_MAX 4
#define DATE_SIZE 40
#define CHALLENGE_SIZE 2048

struct http_answer {
	long status;
	char media_type[160];
	char digest[DIGEST_SIZE];
	char challenges[CHALLENGES_MAX][CHALLENGE_SIZE];
	size_t n_challenges;
	int64_t retry_after;                         /* seconds; -1: not said */
	char date[DATE_SIZE], retry_date[DATE_SIZE]; /* of the answer, and of the attempt that it asks for; "" */
	bool has_range;
	uint64_t range_start;
	char error[4096]; /* the body of an answer that is no success */
	size_t n_error;
	char text[200]; /* what went wrong, when nothing was answered */
};

struct http_request {
	struct session *session;
	const struct endpoint *endpoint; /* for TLS */
	const char *url;
	bool head;
	const char *accept;        /* NULL: anything */
	const char *authorization; /* "Bearer …"; NULL: none */
	const char *form;          /* a body to POST; NULL: none */
	uint64_t from;             /* bytes that are there already */
	bool whole;                /* they are sent again all the same, and passed over */
	bool alone;                /* on a connection of its own */
	take_bytes take;           /* of a success's body, from byte `from` on */
	void *context;
};

int http_prepare(void); /* once, before the confinement. 0 or -errno */
enum http_result http_perform(const struct http_request *request, struct http_answer *answer, struct failure *failure);
/* Nobody waits for the session's requests any more: they end. */
void http_session_ended(void);

/* Seconds from one date to another, both as RFC 9110 5.6.7 writes them today. False: they are not. (date.c) */
bool date_difference(const char *from, const char *to, int64_t *seconds);

/* --- authorization (token.c) --- */

/* What to send first: what worked last time, or NULL. To be freed. */
char *token_known(const struct registry *registry, const struct endpoint *endpoint);
/* After a 401 to a request with `used` (NULL: none): another to try. 1: *authorization is one, to be freed; 0: there is
 * none that could help; -1: *failure says why. */
int token_get(struct session *session, const struct endpoint *endpoint, const struct http_answer *refused,
	      const char *used, char **authorization, struct failure *failure);

/* --- WWW-Authenticate (challenge.c) --- */

struct challenge {
	char scheme[16]; /* lower case */
	char realm[1024], service[256], scope[512], error[64];
};
/* The next challenge of a header's value, RFC 9110 11.6.1; *text moves behind it. False: there is none, or the rest is
 * malformed. */
bool challenge_next(const char **text, struct challenge *challenge);

#endif
