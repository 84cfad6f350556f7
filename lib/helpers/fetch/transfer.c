/* SPDX-License-Identifier: Apache-2.0 */
/* One request as libcurl sees it: its options, and what is done with the answer as it comes. All of this runs in the
 * thread of the transfers, but for the beginning and the end. */
#include "transfer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "libcri/engine.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define BUFFER_SIZE 65536L
#define CONNECT_TIMEOUT 15000L /* milliseconds */
/* No progress for so long ends an attempt: until the answer begins a registry may have to get a blob itself. */
#define ANSWER_TIMEOUT (60 * NANOSECONDS_PER_SECOND)
#define SILENCE_TIMEOUT (10 * NANOSECONDS_PER_SECOND)
#define REDIRECTS_MAX 8L
/* So long a job may keep those waiting that share its connection, for each so many bytes. */
#define PATIENCE 2000 /* milliseconds */
#define PATIENCE_BYTES ((uint64_t)1 << 20)

/* --- the answer's head --- */

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
	struct transfer *transfer = context;
	struct http_answer *answer = transfer->answer;

	(void)one;
	transfer->heard = clock_boot();
	/* Of several answers, as a redirect makes, the last counts. */
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0)
		*answer = (struct http_answer){ .retry_after = -1 };
	else
		read_header(answer, line, length);
	return length;
}

/* --- its body --- */

static bool is_success(long status)
{
	return status == 200 || status == 206;
}

/* The body begins. Whether it is the one that was asked for. */
static bool begin_body(struct transfer *transfer)
{
	const uint64_t from = transfer->request->from;
	long version = 0;

	transfer->begun = true;
	transfer->limit = SILENCE_TIMEOUT;
	curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->answer->status);
	curl.easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
	transfer->shares = version >= CURL_HTTP_VERSION_2_0;
	if (transfer->answer->status == 200)
		transfer->skip = from;
	return transfer->answer->status != 206 ||
	       (transfer->answer->has_range && transfer->answer->range_start == from);
}

static size_t keep_error(struct http_answer *answer, const char *bytes, size_t length)
{
	size_t part = sizeof(answer->error) - 1 - answer->n_error;

	part = part < length ? part : length;
	memcpy(answer->error + answer->n_error, bytes, part);
	answer->n_error += part;
	answer->error[answer->n_error] = '\0';
	return length;
}

/* The job is behind. A connection of one's own is left alone meanwhile, which slows its sender by TCP's means. On one
 * that is shared nothing can be left unread without holding up the others: libcurl 7.88 stops reading for all streams
 * while one is paused, and has promised each sender 32 MB before it can take that back. So all wait, for a while; who
 * still has no room then goes on by itself. */
static enum ring_put wait_for_room(struct transfer *transfer, const char *bytes, size_t length)
{
	const bool hopeless = transfer->request->session->waiting > 0 || transfer->waited > PATIENCE;
	const int64_t took = ring_wait(&transfer->ring, length, hopeless ? 0 : PATIENCE - transfer->waited);
	const enum ring_put put = ring_put(&transfer->ring, bytes, length);

	transfer->waited += took;
	transfers_excuse(took * NANOSECONDS_PER_MILLISECOND);
	transfer->slow = put == RING_FULL;
	return put;
}

static size_t hear_body(char *bytes, size_t one, size_t length, void *context)
{
	struct transfer *transfer = context;
	size_t skipped;
	enum ring_put put = RING_TAKEN;

	(void)one;
	transfer->heard = clock_boot();
	if (!transfer->begun && !begin_body(transfer))
		return 0;
	if (!is_success(transfer->answer->status) || !transfer->request->take)
		return keep_error(transfer->answer, bytes, length);
	skipped = transfer->skip < length ? (size_t)transfer->skip : length;
	if (length > skipped)
		put = ring_put(&transfer->ring, bytes + skipped, length - skipped);
	if (put == RING_FULL && !transfer->shares) {
		transfer->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (put == RING_FULL)
		put = wait_for_room(transfer, bytes + skipped, length - skipped);
	if (put != RING_TAKEN)
		return 0;
	transfer->skip -= skipped;
	transfer->patient += length;
	if (transfer->patient >= PATIENCE_BYTES)
		transfer->patient = transfer->waited = 0;
	return length;
}

void transfer_resume(struct transfer *transfer)
{
	if (!transfer->paused)
		return;
	transfer->paused = false;
	/* That the disk was slow is not the registry's silence. */
	transfer->heard = clock_boot();
	curl.easy_pause(transfer->easy, CURLPAUSE_CONT);
}

bool transfer_is_silent(const struct transfer *transfer)
{
	return !transfer->paused && clock_boot() - transfer->heard > transfer->limit;
}

/* --- the request --- */

static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
	CLEANUP_FREE char *line = text_printf("%s: %s", name, value);
	struct curl_slist *longer = line ? curl.slist_append(transfer->headers, line) : NULL;

	if (line)
		explicit_bzero(line, strlen(line));
	if (longer)
		transfer->headers = longer;
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

/* One connection for all that go to a host at once, where it has HTTP/2: the first is waited for. */
static void set_version(CURL *easy, const struct http_request *request)
{
	curl.easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)(request->alone ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
	if (request->alone)
		curl.easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	else if (text_starts(request->url, "https:"))
		curl.easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

static bool set_request(struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	char range[32];

	if (!add_header(transfer, "Accept", request->accept ? request->accept : "*/*") ||
	    (request->authorization && !add_header(transfer, "Authorization", request->authorization)))
		return false;
	/* To another host libcurl sends no Authorization on (CURLOPT_UNRESTRICTED_AUTH), and nothing goes from TLS to
	 * plain text. */
	curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl.easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
			 text_starts(request->url, "https:") ? "https" : "http,https");
	set_version(easy, request);
	curl.easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (request->head)
		curl.easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (request->form)
		curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
	snprintf(range, sizeof(range), "%llu-", (unsigned long long)request->from);
	if (request->from && !request->whole)
		curl.easy_setopt(easy, CURLOPT_RANGE, range);
	return curl.easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK;
}

static bool set_transfer(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text);
	curl.easy_setopt(easy, CURLOPT_USERAGENT, "libcri/" CRI_VERSION);
	curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT);
	curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, hear_header);
	curl.easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, hear_body);
	curl.easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	set_proxy(easy, transfer->request->url, &transfer->request->session->registry->proxies);
	set_tls(easy, transfer->request->endpoint);
	return set_request(transfer);
}

bool transfer_prepare(struct transfer *transfer, CURLSH *share)
{
	transfer->easy = curl.easy_init();
	if (transfer->easy)
		curl.easy_setopt(transfer->easy, CURLOPT_SHARE, share);
	transfer->heard = clock_boot();
	transfer->limit = ANSWER_TIMEOUT;
	return transfer->easy && set_transfer(transfer);
}

void transfer_finish(struct transfer *transfer, CURLcode code)
{
	transfer->code = code;
	if (transfer->easy) {
		curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->answer->status);
		curl.easy_cleanup(transfer->easy);
	}
	for (struct curl_slist *header = transfer->headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl.slist_free_all(transfer->headers);
	/* The job has it from here. */
	ring_end(&transfer->ring);
}
