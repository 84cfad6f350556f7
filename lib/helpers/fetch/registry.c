/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and blobs: from the first endpoint that has them, over as many attempts as it takes. */
#include "registry.h"

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "libcri/error.h"

#include <string.h>

/* In a row, without bytes worth the name; and in all, so that a registry that gives a little each time ends too. */
#define ATTEMPTS_IN_ROW 5
#define ATTEMPTS_OF_MIRROR 2
#define ATTEMPTS_IN_ALL 100
#define PROGRESS_MIN ((uint64_t)64 * 1024)
#define DELAY_FIRST 250 /* milliseconds */
#define DELAY_MAX 10000
#define RETRY_AFTER_MAX 60 /* seconds */
#define TOKENS_MAX 2       /* a request may be refused for want of a token, and for a token that has ended */

static const char manifest_types[] =
	"application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json, "
	"application/vnd.docker.distribution.manifest.v2+json";

enum verdict {
	VERDICT_DONE,
	VERDICT_REPEAT, /* at once, with another authorization */
	VERDICT_AGAIN,  /* later */
	VERDICT_NEXT,   /* another endpoint */
	VERDICT_FAILED, /* none will help */
};

/* What is wanted, and how far it is. */
struct want {
	struct session *session;
	const char *kind, *name; /* "manifests", "latest" */
	const char *accept;
	bool head;
	take_bytes take;
	void *context;
	struct failure *failure; /* the final one */

	uint64_t done; /* bytes taken */
	bool whole;    /* ranges are not to be had */
	int attempts, tokens;
	bool alone;
	char *authorization;
	struct failure noted; /* by an endpoint */
	struct http_answer answer;
};

static int count_and_take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct want *want = context;

	want->done += length;
	return want->take(want->context, bytes, length, failure);
}

/* The first silence, or the last answer, which says more. */
static enum verdict note(struct want *want, const struct endpoint *endpoint, int code, const char *text)
{
	const bool answered = want->answer.status > 0;

	if (want->noted.code && !answered)
		return VERDICT_NEXT;
	want->noted = (struct failure){ 0 };
	fail(&want->noted, code, "%.100s: %.150s", endpoint->url, text);
	return VERDICT_NEXT;
}

/* --- answers --- */

/* What a stranger wrote, fit for a message. */
static void copy_plain(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++)
		to[n++] = (*from >= ' ' && *from <= '~') ? *from : '?';
	to[n] = '\0';
}

/* {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]} */
static void describe_status(const struct http_answer *answer, char *text, size_t size)
{
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *errors;
	const char *code = "", *message = "";
	char plain[128];

	snprintf(text, size, "status %ld", answer->status);
	if (json_parse(answer->error, answer->n_error, sizeof(answer->error), &document) ||
	    json_array(document, "errors", &errors) || cJSON_GetArraySize(errors) < 1)
		return;
	(void)json_string(cJSON_GetArrayItem(errors, 0), "code", &code);
	(void)json_string(cJSON_GetArrayItem(errors, 0), "message", &message);
	copy_plain(plain, sizeof(plain), *message ? message : code);
	snprintf(text, size, "%s (status %ld)", plain, answer->status);
}

/* A mirror need not know, nor let in; the registry itself has the last word. */
static enum verdict refused(struct want *want, const struct endpoint *endpoint, int code)
{
	char text[160];

	describe_status(&want->answer, text, sizeof(text));
	note(want, endpoint, code, text);
	return endpoint->mirror ? VERDICT_NEXT : VERDICT_FAILED;
}

static enum verdict unauthorized(struct want *want, const struct endpoint *endpoint)
{
	struct failure failure = { 0 };
	char *authorization = NULL;
	int result = 0;

	if (want->tokens++ < TOKENS_MAX)
		result = token_get(want->session, endpoint, &want->answer, want->authorization, &authorization,
				   &failure);
	if (result == 1) {
		if (want->authorization)
			explicit_bzero(want->authorization, strlen(want->authorization));
		free(want->authorization);
		want->authorization = authorization;
		return VERDICT_REPEAT;
	}
	if (result == 0)
		return refused(want, endpoint, CRI_EPERM);
	note(want, endpoint, failure.code, failure.text);
	return endpoint->mirror ? VERDICT_NEXT : VERDICT_FAILED;
}

/* What a registry does not know how to do need not be done. */
static bool can_do_without(struct want *want, enum verdict *verdict)
{
	const long status = want->answer.status;

	/* It can only be asked for the whole: what it says of it is nothing. */
	if (want->head && (status == 405 || status == 501)) {
		want->answer.digest[0] = '\0';
		*verdict = VERDICT_DONE;
		return true;
	}
	/* It has no ranges, or no more bytes than came; the digest will tell. */
	if (status == 416 && want->done && !want->whole) {
		want->whole = true;
		*verdict = VERDICT_REPEAT;
		return true;
	}
	return false;
}

static enum verdict judge_status(struct want *want, const struct endpoint *endpoint)
{
	enum verdict verdict;
	char text[160];

	if (can_do_without(want, &verdict))
		return verdict;
	switch (want->answer.status) {
	case 200:
	case 206:
		return VERDICT_DONE;
	case 401:
		return unauthorized(want, endpoint);
	case 403:
		return refused(want, endpoint, CRI_EPERM);
	case 404:
	case 410:
		return refused(want, endpoint, CRI_ENOTFOUND);
	default:
		describe_status(&want->answer, text, sizeof(text));
		note(want, endpoint, CRI_EREGISTRY, text);
		if (want->answer.status == 408 || want->answer.status == 429 || want->answer.status >= 500)
			return VERDICT_AGAIN;
		return VERDICT_NEXT;
	}
}

/* --- attempts --- */

static enum verdict attempt(struct want *want, const struct endpoint *endpoint)
{
	struct http_request request = { .session = want->session,
					.endpoint = endpoint,
					.head = want->head,
					.accept = want->accept,
					.authorization = want->authorization,
					.from = want->done,
					.whole = want->whole,
					.alone = want->alone,
					.take = count_and_take,
					.context = want };
	CLEANUP_FREE char *url = text_printf("%s/v2/%s/%s/%s", endpoint->url, want->session->registry->repository,
					     want->kind, want->name);

	if (!url) {
		fail(want->failure, CRI_ENOMEM, "memory ran out");
		return VERDICT_FAILED;
	}
	request.url = url;
	switch (http_perform(&request, &want->answer, want->failure)) {
	case HTTP_ANSWERED:
		return judge_status(want, endpoint);
	case HTTP_UNREACHABLE:
		want->answer.status = 0;
		note(want, endpoint, CRI_EREGISTRY, want->answer.text);
		return want->done ? VERDICT_AGAIN : VERDICT_NEXT;
	case HTTP_BROKEN:
		/* A range that nobody asked for. */
		if (want->answer.status == 206 && (!want->answer.has_range || want->answer.range_start != request.from))
			want->whole = true;
		want->answer.status = 0;
		note(want, endpoint, CRI_EREGISTRY, want->answer.text);
		return VERDICT_AGAIN;
	case HTTP_SLOW:
		want->alone = true;
		return VERDICT_REPEAT;
	default:
		fail(want->failure, CRI_ECANCELED, "nobody waits for it");
		return VERDICT_FAILED;
	}
}

/* Whether the answer says when to come again. A date is one by the registry's clock, which may not be ours. */
static bool asks_for(const struct http_answer *answer, int64_t *seconds)
{
	*seconds = answer->retry_after;
	return *seconds >= 0 || (date_difference(answer->date, answer->retry_date, seconds) && *seconds >= 0);
}

/* Waits before the next attempt; false when nobody waits for it any more. */
static bool back_off(const struct want *want, int in_row)
{
	int64_t delay = (int64_t)DELAY_FIRST << (in_row > 6 ? 6 : in_row);
	unsigned char jitter = 0;
	int64_t seconds;

	/* Not all clients of a registry that comes back shall come at once. */
	(void)random_bytes(&jitter, 1);
	delay += delay * jitter / 1024;
	delay = delay > DELAY_MAX ? DELAY_MAX : delay;
	if (want->answer.status && asks_for(&want->answer, &seconds))
		delay = 1000 * (seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds);
	return session_sleep(want->session, delay);
}

static enum verdict try_endpoint(struct want *want, const struct endpoint *endpoint)
{
	enum verdict verdict;
	int in_row = 0;

	want->tokens = 0;
	want->authorization = token_known(want->session->registry, endpoint);
	do {
		const uint64_t before = want->done;

		verdict = attempt(want, endpoint);
		if (verdict != VERDICT_AGAIN)
			continue;
		/* Tokens end while large layers are on their way. */
		if (want->done - before >= PROGRESS_MIN)
			in_row = want->tokens = 0;
		if (++in_row >= (endpoint->mirror ? ATTEMPTS_OF_MIRROR : ATTEMPTS_IN_ROW) ||
		    ++want->attempts >= ATTEMPTS_IN_ALL) {
			verdict = VERDICT_NEXT;
		} else if (!back_off(want, in_row - 1)) {
			fail(want->failure, CRI_ECANCELED, "nobody waits for it");
			verdict = VERDICT_FAILED;
		}
	} while (verdict == VERDICT_AGAIN || verdict == VERDICT_REPEAT);
	if (want->authorization)
		explicit_bzero(want->authorization, strlen(want->authorization));
	free(want->authorization);
	want->authorization = NULL;
	return verdict;
}

static int get(struct want *want)
{
	struct registry *registry = want->session->registry;
	const size_t preferred = registry->preferred;
	enum verdict verdict = try_endpoint(want, &registry->endpoints[preferred]);

	if (verdict == VERDICT_DONE)
		return 0;
	for (size_t i = 0; i < registry->n_endpoints && verdict == VERDICT_NEXT; i++) {
		if (i == preferred)
			continue;
		verdict = try_endpoint(want, &registry->endpoints[i]);
		if (verdict == VERDICT_DONE) {
			registry->preferred = i;
			return 0;
		}
	}
	if (!want->failure->code)
		*want->failure = want->noted;
	return -1;
}

int registry_blob(struct session *session, const char *digest, take_bytes take, void *context, struct failure *failure)
{
	CLEANUP_FREE struct want *want = calloc(1, sizeof(*want));

	if (!want)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	want->session = session;
	want->kind = "blobs";
	want->name = digest;
	want->take = take;
	want->context = context;
	want->failure = failure;
	return get(want);
}

int registry_manifest(struct session *session, const char *reference, struct document *document,
		      struct manifest_answer *answer, struct failure *failure)
{
	CLEANUP_FREE struct want *want = calloc(1, sizeof(*want));
	int result;

	if (!want)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	want->session = session;
	want->kind = "manifests";
	want->name = reference;
	want->accept = manifest_types;
	want->head = !document;
	want->take = document_take;
	want->context = document;
	want->failure = failure;
	result = get(want);
	if (result)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup attributes are unknown to it */
		return result;
	memcpy(answer->digest, want->answer.digest, sizeof(answer->digest));
	memcpy(answer->media_type, want->answer.media_type, sizeof(answer->media_type));
	return 0;
}
