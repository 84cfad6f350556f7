/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request over libcurl. Each job has a thread, and hashes, inflates and writes right in libcurl's write callback:
 * no copy, and a slow disk slows the sender by TCP's own means. Handles are kept with their connections, so that the
 * next request to the same host finds one that is warm.
 */
#include "registry.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "curl.h"
#include "libcri/engine.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BUFFER_SIZE 262144L
#define CONNECT_TIMEOUT 15000L /* milliseconds */
/* No progress for so long ends an attempt: until the answer begins a registry may have to get a blob itself. */
#define ANSWER_TIMEOUT (60 * NANOSECONDS_PER_SECOND)
#define SILENCE_TIMEOUT (10 * NANOSECONDS_PER_SECOND)
#define REDIRECTS_MAX 8L
#define HANDLES_MAX 16
#define ORIGIN_SIZE 256

/* --- warm handles --- */

static struct {
	CURL *easy;
	char origin[ORIGIN_SIZE];
} idle[HANDLES_MAX];
static size_t n_idle; /* the one that was used last is last */
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;

/* scheme://host:port of a URL. */
static void origin_of(const char *url, char origin[ORIGIN_SIZE])
{
	const char *host = strstr(url, "://");
	size_t length = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strlen(url);

	snprintf(origin, ORIGIN_SIZE, "%.*s", (int)(length < ORIGIN_SIZE ? length : ORIGIN_SIZE - 1), url);
}

static CURL *take_handle(const char *origin)
{
	CURL *easy = NULL;

	pthread_mutex_lock(&idle_lock);
	for (size_t i = n_idle; i > 0 && !easy; i--) {
		if (strcmp(idle[i - 1].origin, origin) != 0)
			continue;
		easy = idle[i - 1].easy;
		memmove(&idle[i - 1], &idle[i], (n_idle - i) * sizeof(idle[0]));
		n_idle--;
	}
	pthread_mutex_unlock(&idle_lock);
	return easy ? easy : curl.easy_init();
}

static void give_handle(CURL *easy, const char *origin)
{
	CURL *oldest = NULL;

	/* Connections and what TLS remembers stay. */
	curl.easy_reset(easy);
	pthread_mutex_lock(&idle_lock);
	if (n_idle == HANDLES_MAX) {
		oldest = idle[0].easy;
		memmove(&idle[0], &idle[1], --n_idle * sizeof(idle[0]));
	}
	idle[n_idle].easy = easy;
	snprintf(idle[n_idle++].origin, ORIGIN_SIZE, "%s", origin);
	pthread_mutex_unlock(&idle_lock);
	if (oldest)
		curl.easy_cleanup(oldest);
}

int http_prepare(void)
{
	return curl_load();
}

/* --- one exchange --- */

struct exchange {
	const struct http_request *request;
	struct http_answer *answer;
	struct failure *failure;
	CURL *easy;
	bool begun; /* the body */
	bool stopped;
	uint64_t skip; /* bytes that are there already and come again */
	int64_t limit; /* of silence */
	int64_t heard;
	struct curl_slist *headers;
};

static void copy_value(char *to, size_t size, const char *value, size_t length)
{
	while (length && strchr(" \t", *value)) {
		value++;
		length--;
	}
	while (length && strchr(" \t\r\n", value[length - 1]))
		length--;
	snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), value);
}

static void read_range(struct http_answer *answer, const char *value)
{
	char *end;

	if (strncasecmp(value, "bytes ", 6) != 0 || value[6] < '0' || value[6] > '9')
		return;
	errno = 0;
	answer->range_start = strtoull(value + 6, &end, 10);
	answer->has_range = !errno && *end == '-';
}

static void read_header(struct http_answer *answer, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	char name[32], value[CHALLENGE_SIZE];

	if (!colon)
		return;
	copy_value(name, sizeof(name), line, (size_t)(colon - line));
	copy_value(value, sizeof(value), colon + 1, length - (size_t)(colon + 1 - line));
	if (strcasecmp(name, "Content-Type") == 0) {
		copy_value(answer->media_type, sizeof(answer->media_type), value, strcspn(value, "; \t"));
	} else if (strcasecmp(name, "Docker-Content-Digest") == 0) {
		if (strlen(value) == DIGEST_SIZE - 1)
			snprintf(answer->digest, sizeof(answer->digest), "%s", value);
	} else if (strcasecmp(name, "WWW-Authenticate") == 0) {
		if (answer->n_challenges < CHALLENGES_MAX)
			snprintf(answer->challenges[answer->n_challenges++], CHALLENGE_SIZE, "%s", value);
	} else if (strcasecmp(name, "Retry-After") == 0) {
		if (text_to_int64(value, &answer->retry_after) || answer->retry_after < 0) {
			answer->retry_after = -1;
			copy_value(answer->retry_date, sizeof(answer->retry_date), value, strlen(value));
		}
	} else if (strcasecmp(name, "Date") == 0) {
		copy_value(answer->date, sizeof(answer->date), value, strlen(value));
	} else if (strcasecmp(name, "Content-Range") == 0) {
		read_range(answer, value);
	}
}

static size_t hear_header(char *line, size_t one, size_t length, void *context)
{
	struct exchange *exchange = context;
	struct http_answer *answer = exchange->answer;

	(void)one;
	exchange->heard = clock_boot();
	/* Of several answers, as a redirect makes, the last counts. */
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0)
		*answer = (struct http_answer){ .retry_after = -1 };
	else
		read_header(answer, line, length);
	return length;
}

static bool is_success(long status)
{
	return status == 200 || status == 206;
}

/* The body begins. Whether it is the one that was asked for. */
static bool begin_body(struct exchange *exchange)
{
	const uint64_t from = exchange->request->from;

	exchange->begun = true;
	exchange->limit = SILENCE_TIMEOUT;
	curl.easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->answer->status);
	if (exchange->answer->status == 200)
		exchange->skip = from;
	return exchange->answer->status != 206 ||
	       (exchange->answer->has_range && exchange->answer->range_start == from);
}

static size_t hear_body(char *bytes, size_t one, size_t length, void *context)
{
	struct exchange *exchange = context;
	struct http_answer *answer = exchange->answer;
	size_t skipped;

	(void)one;
	if (!exchange->begun && !begin_body(exchange))
		return 0;
	if (!is_success(answer->status) || !exchange->request->take) {
		size_t part = sizeof(answer->error) - 1 - answer->n_error;

		part = part < length ? part : length;
		memcpy(answer->error + answer->n_error, bytes, part);
		answer->n_error += part;
		answer->error[answer->n_error] = '\0';
		exchange->heard = clock_boot();
		return length;
	}
	skipped = exchange->skip < length ? (size_t)exchange->skip : length;
	exchange->skip -= skipped;
	if (length > skipped &&
	    exchange->request->take(exchange->request->context, bytes + skipped, length - skipped, exchange->failure)) {
		exchange->stopped = true;
		return 0;
	}
	/* After the taking: that the disk is slow is not the registry's silence. */
	exchange->heard = clock_boot();
	return length;
}

static int hear_nothing(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	const struct exchange *exchange = context;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return exchange->request->session->ended || clock_boot() - exchange->heard > exchange->limit;
}

static bool add_header(struct exchange *exchange, const char *name, const char *value)
{
	CLEANUP_FREE char *line = text_printf("%s: %s", name, value);
	struct curl_slist *longer = line ? curl.slist_append(exchange->headers, line) : NULL;

	if (line)
		explicit_bzero(line, strlen(line));
	if (longer)
		exchange->headers = longer;
	return longer != NULL;
}

static void set_proxy(CURL *easy, const char *url, const struct proxies *proxies)
{
	curl.easy_setopt(easy, CURLOPT_PROXY, text_starts(url, "https:") ? proxies->https : proxies->http);
	curl.easy_setopt(easy, CURLOPT_NOPROXY, proxies->none);
}

static void set_tls(CURL *easy, const struct endpoint *endpoint)
{
	if (endpoint->skip_verify) {
		curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (*endpoint->ca_file)
		curl.easy_setopt(easy, CURLOPT_CAINFO, endpoint->ca_file);
	if (*endpoint->certificate_file)
		curl.easy_setopt(easy, CURLOPT_SSLCERT, endpoint->certificate_file);
	if (*endpoint->key_file)
		curl.easy_setopt(easy, CURLOPT_SSLKEY, endpoint->key_file);
}

static bool set_request(struct exchange *exchange)
{
	const struct http_request *request = exchange->request;
	CURL *easy = exchange->easy;
	char range[32];

	if (!add_header(exchange, "Accept", request->accept ? request->accept : "*/*") ||
	    (request->authorization && !add_header(exchange, "Authorization", request->authorization)))
		return false;
	/* To another host libcurl sends no Authorization on (CURLOPT_UNRESTRICTED_AUTH), and nothing goes from TLS to
	 * plain text. */
	curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl.easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
			 text_starts(request->url, "https:") ? "https" : "http,https");
	curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl.easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
	if (request->head)
		curl.easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (request->form)
		curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
	snprintf(range, sizeof(range), "%llu-", (unsigned long long)request->from);
	if (request->from && !request->whole)
		curl.easy_setopt(easy, CURLOPT_RANGE, range);
	return curl.easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

static bool set_exchange(struct exchange *exchange, char text[CURL_ERROR_SIZE])
{
	CURL *easy = exchange->easy;

	curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
	curl.easy_setopt(easy, CURLOPT_USERAGENT, "libcri/" CRI_VERSION);
	curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT);
	curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, hear_header);
	curl.easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, hear_body);
	curl.easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl.easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, hear_nothing);
	curl.easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
	set_proxy(easy, exchange->request->url, &exchange->request->session->registry->proxies);
	set_tls(easy, exchange->request->endpoint);
	return set_request(exchange);
}

static enum http_result judge(const struct exchange *exchange, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		/* What was not sent again in whole is not there in whole. */
		return exchange->skip ? HTTP_BROKEN : HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_URL_MALFORMAT:
		return HTTP_UNREACHABLE;
	default:
		return exchange->stopped || exchange->request->session->ended ? HTTP_STOPPED : HTTP_BROKEN;
	}
}

static void describe(const struct exchange *exchange, CURLcode code, const char *text)
{
	struct http_answer *answer = exchange->answer;

	if (code == CURLE_ABORTED_BY_CALLBACK)
		snprintf(answer->text, sizeof(answer->text), "nothing came for %d seconds",
			 (int)(exchange->limit / NANOSECONDS_PER_SECOND));
	else
		snprintf(answer->text, sizeof(answer->text), "%.199s", *text ? text : curl.easy_strerror(code));
}

enum http_result http_perform(const struct http_request *request, struct http_answer *answer, struct failure *failure)
{
	struct exchange exchange = { .request = request, .answer = answer, .failure = failure };
	char origin[ORIGIN_SIZE], text[CURL_ERROR_SIZE] = "";
	enum http_result result;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	*answer = (struct http_answer){ .retry_after = -1 };
	origin_of(request->url, origin);
	exchange.easy = take_handle(origin);
	exchange.heard = clock_boot();
	exchange.limit = ANSWER_TIMEOUT;
	if (exchange.easy && set_exchange(&exchange, text)) {
		code = curl.easy_perform(exchange.easy);
		curl.easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &answer->status);
	}
	result = judge(&exchange, code);
	if (result != HTTP_ANSWERED)
		describe(&exchange, code, text);
	if (exchange.easy)
		give_handle(exchange.easy, origin);
	for (struct curl_slist *header = exchange.headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl.slist_free_all(exchange.headers);
	return result;
}
