/* SPDX-License-Identifier: Apache-2.0 */
/* One call being served: its request, what it asks of the engine, its answer. */
#ifndef CRI_SERVER_SERVICE_EXCHANGE_H
#define CRI_SERVER_SERVICE_EXCHANGE_H

#include "convert/convert.h"
#include "rpc.h"

/* What all calls share. */
struct rpc_service {
	struct service_settings settings;
	cri_engine *engine;
	cri_stream_server *streams;  /* NULL: see streams_missing */
	char streams_missing[512];   /* why Exec, Attach and PortForward cannot be served */
	struct event_source *events; /* events.c */
};

struct kept_list;

struct exchange {
	struct conversion conversion;
	struct kept_list *lists; /* what the answer borrows from */
	struct rpc *rpc;
	struct rpc_service *service;
	cri_engine *engine;
	cri_call *call;
};

/* Serves one method: asks the engine and sends the answer. 0, or a cri_code; a failure that the conversion's status
 * does not describe yet is described from the call. */
typedef int (*exchange_function)(struct exchange *exchange, const void *request);

void exchange_init(struct exchange *exchange, struct rpc *rpc, struct rpc_status *status);
void exchange_free(struct exchange *exchange);

/* Keeps a list until exchange_free; without memory it is freed at once and the conversion has failed. */
void exchange_keep(struct exchange *exchange, cri_list *list);

/* Sends a message. */
int exchange_send(struct exchange *exchange, void *message);

/* CRI_EINVAL when something of the request could not be converted, 0 otherwise: before the engine is asked. */
int exchange_check(struct exchange *exchange);

/* What the call is about, for the log line. */
void exchange_object(struct exchange *exchange, const char *kind, const char *id);

/* A result of libcri as a gRPC status, with the prefixes that a kubelet looks for. */
void status_from_call(struct rpc_status *status, int result, const cri_call *call);

/* A verbose map for an answer, from a JSON object that is freed: *pairs and their number. */
size_t exchange_info(struct exchange *exchange, char *json, Cri__StringPair ***pairs);

int64_t time_now(void); /* nanoseconds since 1970 */

static inline void list_cleanup(cri_list **list)
{
	cri_list_free(*list);
}

static inline void text_cleanup(char **text)
{
	cri_free(*text);
}

/* Freed at the end of the block. */
#define OWN_LIST __attribute__((cleanup(list_cleanup)))
#define OWN_TEXT __attribute__((cleanup(text_cleanup)))

/* Sends a list in messages of at most this many elements. */
#define CHUNK 100

/* How the elements of a list become a message: one that holds those from `first` to below `end`. */
typedef void *(*chunk_function)(struct exchange *exchange, const cri_list *list, size_t first, size_t end);

int exchange_send_chunks(struct exchange *exchange, const cri_list *list, chunk_function chunk);

#endif
