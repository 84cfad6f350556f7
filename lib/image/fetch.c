/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fetch.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "core/paths.h"
#include "image/document.h"
#include "image/process.h"

#include <string.h>

static const char step[] = "talk to cri-fetch";

int fetch_start(cri_engine *engine, struct fetch *fetch, cri_call *call)
{
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int ours = -1;
	char path[PATH_MAX];
	const char *const argv[] = { "cri-fetch", "files", NULL };
	int pair[2];
	int error = socket_pair(pair);

	if (error)
		return call_fail_errno(call, error, "start cri-fetch", "make a socket");
	ours = pair[0];
	theirs = pair[1];
	error = fs_set_nonblocking(ours, true);
	if (error)
		return call_fail_errno(call, error, "start cri-fetch", "set up a socket");
	if (!path_helper(engine, argv[0], path))
		return call_fail_errno(call, ENAMETOOLONG, "start cri-fetch", "%s", engine->helpers);
	error = spawn_program(&(struct spawn){ SPAWN_INIT, .path = path, .argv = argv, .fds = &theirs, .n_fds = 1 },
			      &fetch->process);
	if (error)
		return call_fail_errno(call, error, "start cri-fetch", "%s", path);
	fetch->socket = take_fd(&ours);
	return 0;
}

void fetch_stop(struct fetch *fetch)
{
	process_kill(fetch->process);
	if (fetch->process >= 0)
		close(fetch->process);
	if (fetch->socket >= 0)
		close(fetch->socket);
	fetch->process = fetch->socket = -1;
}

/* Takes `request`. */
static int submit(struct fetch *fetch, cJSON *request, const int *fds, size_t n_fds, int64_t *job, cri_call *call)
{
	CLEANUP_JSON cJSON *owned = request;
	CLEANUP_FREE char *text = NULL;
	struct pollfd room = { .fd = fetch->socket, .events = POLLOUT };
	int error;

	*job = ++fetch->last_job;
	if (!request || json_add_int64(request, "job", *job) || !(text = cJSON_PrintUnformatted(request)))
		return call_no_memory(call, step);
	while ((error = socket_send(fetch->socket, text, strlen(text), fds, n_fds)) == -EAGAIN) {
		int result = call_wait(call, step, &room, 1, -1);

		if (result < 0)
			return result;
	}
	return error ? call_fail_errno(call, error, step, "send a request") : 0;
}

static cJSON *new_request(const char *kind, const char *source, const struct fetch_expected *expected)
{
	cJSON *request = cJSON_CreateObject();

	if (!request || !cJSON_AddStringToObject(request, "kind", kind))
		goto failed;
	if (!expected)
		return request;
	if (!cJSON_AddStringToObject(request, "source", source) ||
	    json_add_int64(request, "limit", (int64_t)(expected->limit > INT64_MAX ? INT64_MAX : expected->limit)))
		goto failed;
	if (*expected->digest && !cJSON_AddStringToObject(request, "digest", expected->digest))
		goto failed;
	if (expected->size <= INT64_MAX && json_add_int64(request, "size", (int64_t)expected->size))
		goto failed;
	return request;
failed:
	cJSON_Delete(request);
	return NULL;
}

int fetch_layer(struct fetch *fetch, int source, int sink, const struct fetch_expected *expected, int64_t *job,
		cri_call *call)
{
	const int fds[] = { source, sink };

	if (source < 0)
		return submit(fetch, new_request("layer", "registry", expected), &sink, 1, job, call);
	return submit(fetch, new_request("layer", "file", expected), fds, 2, job, call);
}

int fetch_deflate(struct fetch *fetch, int source, int sink, uint64_t limit, int64_t *job, cri_call *call)
{
	const struct fetch_expected expected = { "", UINT64_MAX, limit };
	const int fds[] = { source, sink };

	return submit(fetch, new_request("deflate", "file", &expected), fds, 2, job, call);
}

static void copy_text(char *to, size_t size, const cJSON *object, const char *key)
{
	const char *text = "";

	(void)json_string(object, key, &text);
	snprintf(to, size, "%s", text);
}

static int read_reply(const cJSON *answer, struct fetch_reply *reply, cri_call *call)
{
	int64_t code = CRI_EINTERNAL, error = 0;
	const char *event = "";

	*reply = (struct fetch_reply){ .bytes = 0 };
	if (json_int64(answer, "job", &reply->job) || json_string(answer, "event", &event))
		return call_fail(call, CRI_EINTERNAL, step, "an answer without job or event");
	(void)json_uint64(answer, "bytes", &reply->bytes);
	if (strcmp(event, "progress") == 0) {
		reply->event = FETCH_PROGRESS;
		return 0;
	}
	if (strcmp(event, "done") == 0) {
		reply->event = FETCH_DONE;
		copy_text(reply->digest, sizeof(reply->digest), answer, "digest");
		copy_text(reply->diff_id, sizeof(reply->diff_id), answer, "diff_id");
		return 0;
	}
	reply->event = FETCH_FAILED;
	(void)json_int64(answer, "code", &code);
	(void)json_int64(answer, "errno", &error);
	reply->code = code < 0 && code >= CRI_ERRO ? (int)code : CRI_EINTERNAL;
	reply->error = (int)error;
	copy_text(reply->text, sizeof(reply->text), answer, "text");
	return 0;
}

/* 1, 0 or a failure. A descriptor that comes along is stored in *fd, which the caller owns. */
static int receive(struct fetch *fetch, struct fetch_reply *reply, cJSON **answer, int *fd, cri_call *call)
{
	CLEANUP_FREE char *text = malloc(FETCH_MESSAGE_MAX);
	CLEANUP_JSON cJSON *parsed = NULL;
	int fds[SOCKET_MAX_FDS];
	size_t n_fds = 0;
	ssize_t length;
	int result;

	if (!text)
		return call_no_memory(call, step);
	length = socket_receive(fetch->socket, text, FETCH_MESSAGE_MAX, fds, &n_fds, 0);
	if (length == -EAGAIN)
		return 0;
	if (length < 0)
		return call_fail_errno(call, (int)length, step, "receive an answer");
	if (length == 0)
		return call_fail(call, CRI_EINTERNAL, step, "the helper ended");
	*fd = -1;
	for (size_t i = 0; i < n_fds; i++) {
		if (i == 0)
			*fd = fds[i];
		else
			close(fds[i]);
	}
	result = json_parse(text, (size_t)length, FETCH_MESSAGE_MAX, &parsed);
	if (result)
		return call_fail(call, CRI_EINTERNAL, step, "an answer that is no JSON");
	result = read_reply(parsed, reply, call);
	if (result == 0 && answer)
		*answer = TAKE_POINTER(parsed);
	return result < 0 ? result : 1;
}

int fetch_receive(struct fetch *fetch, struct fetch_reply *reply, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;

	return receive(fetch, reply, NULL, &fd, call);
}

struct finishing {
	int64_t job;
	void (*progress)(uint64_t bytes, void *data); /* may be NULL */
	void *data;
};

/* Waits for the end of the one job that runs. */
static int finish(struct fetch *fetch, const struct finishing *finishing, struct fetch_reply *reply, cJSON **answer,
		  int *fd, cri_call *call)
{
	struct pollfd ready = { .fd = fetch->socket, .events = POLLIN };
	int result;

	for (;;) {
		bool ours;

		result = receive(fetch, reply, answer, fd, call);
		if (result < 0)
			return result;
		ours = result == 1 && reply->job == finishing->job;
		if (ours && reply->event == FETCH_DONE)
			return 0;
		if (ours && reply->event == FETCH_FAILED)
			return reply->error ? call_fail_errno(call, reply->error, "fetch", "%s", reply->text)
					    : call_fail(call, reply->code, "fetch", "%s", reply->text);
		if (ours && finishing->progress)
			finishing->progress(reply->bytes, finishing->data);
		if (result == 1) {
			cleanup_close_fd(fd);
			*fd = -1;
			if (answer) {
				cJSON_Delete(*answer);
				*answer = NULL;
			}
			continue;
		}
		result = call_wait(call, step, &ready, 1, -1);
		if (result < 0)
			return result;
	}
}

static int read_memory(struct arena *arena, int fd, uint64_t size, const char **bytes, cri_call *call)
{
	char *made = size <= DOCUMENT_LIMIT ? arena_alloc(arena, size + 1) : NULL;
	ssize_t length;

	if (!made)
		return call_no_memory(call, step);
	if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return call_fail(call, CRI_EINTERNAL, step, "an answer without bytes");
	length = fs_read_full(fd, made, size);
	if (length < 0 || (uint64_t)length != size)
		return call_fail(call, CRI_EINTERNAL, step, "an answer with too few bytes");
	*bytes = made;
	return 0;
}

/* A request whose answer is a document. Takes it. */
static int fetch_document(struct fetch *fetch, struct arena *arena, cJSON *request, const int *fds, size_t n_fds,
			  struct fetch_manifest *document, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_JSON cJSON *answer = NULL;
	struct fetch_reply reply = { .bytes = 0 };
	const char *media_type = "", *bytes = "";
	int64_t job = 0;
	int result = submit(fetch, request, fds, n_fds, &job, call);

	if (result == 0)
		result = finish(fetch, &(struct finishing){ .job = job }, &reply, &answer, &fd, call);
	if (result == 0 && fd >= 0)
		result = read_memory(arena, fd, reply.bytes, &bytes, call);
	if (result < 0)
		return result;
	(void)json_string(answer, "media_type", &media_type);
	document->bytes = bytes;
	document->length = fd >= 0 ? reply.bytes : 0;
	document->media_type = arena_strdup(arena, media_type);
	document->digest = arena_strdup(arena, reply.digest);
	return document->media_type && document->digest ? 0 : call_no_memory(call, step);
}

int fetch_blob(struct fetch *fetch, struct arena *arena, int source, const struct fetch_expected *expected,
	       const char **bytes, size_t *length, const char **digest, cri_call *call)
{
	struct fetch_manifest document = { .bytes = NULL };
	int result = fetch_document(fetch, arena, new_request("blob", source < 0 ? "registry" : "file", expected),
				    &source, source < 0 ? 0 : 1, &document, call);

	if (result < 0)
		return result;
	*bytes = document.bytes;
	*length = document.length;
	*digest = document.digest;
	return 0;
}

int fetch_manifest(struct fetch *fetch, struct arena *arena, const char *reference, bool head,
		   struct fetch_manifest *manifest, cri_call *call)
{
	cJSON *request = new_request("manifest", "", NULL);

	if (!request || !cJSON_AddStringToObject(request, "reference", reference) ||
	    !cJSON_AddBoolToObject(request, "head", head) || json_add_int64(request, "limit", DOCUMENT_LIMIT)) {
		cJSON_Delete(request);
		return call_no_memory(call, step);
	}
	return fetch_document(fetch, arena, request, NULL, 0, manifest, call);
}

int fetch_open(struct fetch *fetch, cJSON *registry, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	struct fetch_reply reply = { .bytes = 0 };
	int64_t job = 0;
	int result;

	if (!cJSON_HasObjectItem(registry, "kind") && !cJSON_AddStringToObject(registry, "kind", "registry")) {
		cJSON_Delete(registry);
		return call_no_memory(call, step);
	}
	result = submit(fetch, registry, NULL, 0, &job, call);
	return result < 0 ? result : finish(fetch, &(struct finishing){ .job = job }, &reply, NULL, &fd, call);
}

int fetch_digest(struct fetch *fetch, int source, const struct fetch_expected *expected, char digest[DIGEST_SIZE],
		 void (*progress)(uint64_t bytes, void *data), void *data, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	struct finishing finishing = { .progress = progress, .data = data };
	struct fetch_reply reply = { .bytes = 0 };
	int result = submit(fetch, new_request("digest", "file", expected), &source, 1, &finishing.job, call);

	if (result == 0)
		result = finish(fetch, &finishing, &reply, NULL, &fd, call);
	if (result == 0)
		memcpy(digest, reply.digest, DIGEST_SIZE);
	return result;
}

int fetch_verify(struct fetch *fetch, const char *payload, const char *signature, const struct fetch_key *key,
		 cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	struct finishing finishing = { .progress = NULL };
	struct fetch_reply reply = { .bytes = 0 };
	cJSON *request = new_request("verify", "", NULL);
	int result;

	if (!request || !cJSON_AddStringToObject(request, "payload", payload) ||
	    !cJSON_AddStringToObject(request, "signature", signature) ||
	    !cJSON_AddStringToObject(request, key->base64 ? "key_data" : "key", key->text)) {
		cJSON_Delete(request);
		return call_no_memory(call, step);
	}
	result = submit(fetch, request, NULL, 0, &finishing.job, call);
	return result < 0 ? result : finish(fetch, &finishing, &reply, NULL, &fd, call);
}

int fetch_chain(struct fetch *fetch, struct arena *arena, const char *const *diff_ids, size_t n_diff_ids,
		const char *const **chain_ids, cri_call *call)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_JSON cJSON *answer = NULL;
	cJSON *request = new_request("chain", "", NULL);
	cJSON *array = cJSON_CreateStringArray(diff_ids, (int)n_diff_ids);
	struct fetch_reply reply = { .bytes = 0 };
	size_t n_chain_ids = 0;
	int64_t job = 0;
	int result;

	if (!array || !cJSON_AddItemToObject(request, "diff_ids", array)) {
		cJSON_Delete(array);
		cJSON_Delete(request);
		return call_no_memory(call, step);
	}
	result = submit(fetch, request, NULL, 0, &job, call);
	if (result == 0)
		result = finish(fetch, &(struct finishing){ .job = job }, &reply, &answer, &fd, call);
	if (result == 0)
		result = document_texts(arena, answer, "chain_ids", chain_ids, &n_chain_ids, step, call);
	if (result == 0 && n_chain_ids != n_diff_ids)
		result = call_fail(call, CRI_EINTERNAL, step, "an answer with %zu chain ids", n_chain_ids);
	return result;
}
