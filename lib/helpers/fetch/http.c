/* SPDX-License-Identifier: Apache-2.0 */
/* One request, as the job sees it that waits for the answer: libcurl works in another thread (transfers.c), and what it
 * brings is hashed, inflated and written here. */
#include "transfer.h"

#include "base/clock.h"
#include "libcri/error.h"

#include <stdlib.h>
#include <string.h>

int http_prepare(void)
{
	return curl_load();
}

static enum http_result judge(const struct transfer *transfer, bool stopped)
{
	switch (transfer->code) {
	case CURLE_OK:
		/* What was not sent again in whole is not there in whole. */
		return stopped ? HTTP_STOPPED : transfer->skip ? HTTP_BROKEN : HTTP_ANSWERED;
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
		if (stopped)
			return HTTP_STOPPED;
		return transfer->slow ? HTTP_SLOW : HTTP_BROKEN;
	}
}

static void describe(const struct transfer *transfer)
{
	struct http_answer *answer = transfer->answer;

	if (transfer->silent)
		snprintf(answer->text, sizeof(answer->text), "nothing came for %d seconds",
			 (int)(transfer->limit / NANOSECONDS_PER_SECOND));
	else
		snprintf(answer->text, sizeof(answer->text), "%.199s",
			 *transfer->text ? transfer->text : curl.easy_strerror(transfer->code));
}

/* Takes what comes. False: whoever takes it, or the session, has had enough. */
static bool take_all(struct transfer *transfer, struct failure *failure)
{
	const struct http_request *request = transfer->request;
	const char *bytes;
	size_t length;

	while ((length = ring_take(&transfer->ring, &bytes)) > 0) {
		if (request->session->ended || request->take(request->context, bytes, length, failure))
			return false;
		if (ring_taken(&transfer->ring, length)) {
			transfer->resume = true;
			transfers_wake();
		}
	}
	return !request->session->ended;
}

enum http_result http_perform(const struct http_request *request, struct http_answer *answer, struct failure *failure)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	enum http_result result;
	bool stopped;

	*answer = (struct http_answer){ .retry_after = -1 };
	if (transfer) {
		transfer->request = request;
		transfer->answer = answer;
		ring_init(&transfer->ring);
	}
	if (!transfer || !transfers_submit(transfer)) {
		snprintf(answer->text, sizeof(answer->text), "memory ran out");
		result = HTTP_BROKEN;
	} else {
		stopped = !take_all(transfer, failure);
		ring_close(&transfer->ring);
		if (stopped)
			transfers_wake();
		ring_wait_end(&transfer->ring);
		result = judge(transfer, stopped);
		if (result != HTTP_ANSWERED)
			describe(transfer);
	}
	if (transfer)
		ring_free(&transfer->ring);
	free(transfer);
	return result;
}

void http_session_ended(void)
{
	transfers_wake();
}
