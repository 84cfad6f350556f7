/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define PROGRESS_INTERVAL (100 * NANOSECONDS_PER_MILLISECOND)
/* What has no capabilities cannot send a descriptor while more of its user's are on their way, in the whole system,
 * than it may have open (unix_attach_fds in the kernel). Those arrive: so long is waited for that. */
#define CROWDED_PAUSE 10 /* milliseconds */
#define CROWDED_ATTEMPTS 1000

static int send_text(struct session *session, const char *text, int fd)
{
	int error = -ETOOMANYREFS;

	for (int i = 0; i < CROWDED_ATTEMPTS && error == -ETOOMANYREFS; i++) {
		if (i > 0 && !session_sleep(session, CROWDED_PAUSE))
			break;
		error = socket_send(session->socket, text, strlen(text), &fd, fd >= 0 ? 1 : 0);
	}
	return error;
}

static int send_reply(struct session *session, int64_t job, const char *event, cJSON *reply, int fd)
{
	char *text = NULL;
	int error = -ENOMEM;

	if (reply && cJSON_AddStringToObject(reply, "event", event) && !json_add_int64(reply, "job", job))
		text = cJSON_PrintUnformatted(reply);
	if (text)
		error = send_text(session, text, fd);
	cJSON_free(text);
	cJSON_Delete(reply);
	return error;
}

void reply_progress(const struct job *job, uint64_t bytes)
{
	cJSON *reply = cJSON_CreateObject();

	/* Progress that is lost is made up for by the next. */
	if (!reply || json_add_int64(reply, "bytes", (int64_t)bytes))
		cJSON_Delete(reply);
	else
		(void)send_reply(job->session, job->number, "progress", reply, -1);
}

void reply_progress_sometimes(const struct job *job, uint64_t bytes, int64_t *reported)
{
	const int64_t now = clock_boot();

	if (now - *reported < PROGRESS_INTERVAL)
		return;
	*reported = now;
	reply_progress(job, bytes);
}

void reply_failure(struct session *session, int64_t job, const struct failure *failure)
{
	cJSON *reply = cJSON_CreateObject();

	if (!reply || !cJSON_AddNumberToObject(reply, "code", failure->code) ||
	    !cJSON_AddNumberToObject(reply, "errno", failure->error) ||
	    !cJSON_AddStringToObject(reply, "text", failure->text)) {
		cJSON_Delete(reply);
		reply = NULL;
	}
	/* Without memory for an answer there is only one left: the end of the session, which the asker sees. */
	if (!reply || send_reply(session, job, "error", reply, -1))
		shutdown(session->socket, SHUT_RDWR);
}

int reply_done(const struct job *job, cJSON *reply, int fd, struct failure *failure)
{
	int error = send_reply(job->session, job->number, "done", reply, fd);

	return error ? fail_errno(failure, -error, "send the answer") : 0;
}
