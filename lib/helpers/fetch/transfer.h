/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way (transfer.c), and the thread that all are in (transfers.c). */
#ifndef LIBCRI_HELPERS_FETCH_TRANSFER_H
#define LIBCRI_HELPERS_FETCH_TRANSFER_H

#include "curl.h"
#include "registry.h"
#include "ring.h"

/* The job's until it is submitted and after its ring has ended; between, the thread's but for the ring. */
struct transfer {
	const struct http_request *request;
	struct http_answer *answer;
	struct ring ring;   /* the body of a success */
	atomic_bool resume; /* the ring has room again */
	CURL *easy;
	struct curl_slist *headers;
	bool begun;    /* the body */
	bool shares;   /* its connection */
	bool paused;   /* since its ring is full */
	bool slow;     /* its job was too slow for those that share the connection */
	bool silent;   /* nothing came */
	uint64_t skip; /* bytes that are there already and come again */
	uint64_t patient;
	int64_t waited; /* milliseconds, for the last `patient` bytes */
	int64_t heard, limit;
	CURLcode code;
	char text[CURL_ERROR_SIZE];
	struct transfer *next;
};

/* --- transfer.c --- */

/* `share` may be NULL. */
bool transfer_prepare(struct transfer *transfer, CURLSH *share);
/* Ends its ring: the last look at it. */
void transfer_finish(struct transfer *transfer, CURLcode code);
void transfer_resume(struct transfer *transfer);
bool transfer_is_silent(const struct transfer *transfer);

/* --- transfers.c --- */

/* Begins it; its ring ends with it. False: there can be no thread. */
bool transfers_submit(struct transfer *transfer);
/* Something has changed: a session has ended, a ring was closed, has room. */
void transfers_wake(void);
/* The thread has not listened for so many nanoseconds. */
void transfers_excuse(int64_t nanoseconds);

#endif
