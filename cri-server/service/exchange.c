/* SPDX-License-Identifier: Apache-2.0 */
#include "service/exchange.h"

#include <stdio.h>
#include <time.h>

struct kept_list {
	struct kept_list *next;
	cri_list *list;
};

void exchange_init(struct exchange *exchange, struct rpc *rpc, struct rpc_status *status)
{
	*status = (struct rpc_status){ 0 };
	*exchange = (struct exchange){
		.conversion = { .dialect = rpc->dialect, .status = status },
		.rpc = rpc,
		.service = rpc->service,
		.engine = rpc->service->engine,
		.call = rpc->call,
	};
	memory_init(&exchange->conversion.memory);
}

void exchange_free(struct exchange *exchange)
{
	for (struct kept_list *kept = exchange->lists; kept; kept = kept->next)
		cri_list_free(kept->list);
	exchange->lists = NULL;
	memory_free(&exchange->conversion.memory);
}

void exchange_keep(struct exchange *exchange, cri_list *list)
{
	struct kept_list *kept = memory_take(&exchange->conversion.memory, sizeof(*kept));

	if (!kept) {
		cri_list_free(list);
		return;
	}
	*kept = (struct kept_list){ .next = exchange->lists, .list = list };
	exchange->lists = kept;
}

/* A kubelet tells these failures by the beginning of the message (k8s.io/cri-api/pkg/errors). */
static const char *prefix(int result)
{
	switch (result) {
	case CRI_EREGISTRY:
		return "RegistryUnavailable: ";
	case CRI_ESIGNATURE:
		return "SignatureValidationFailed: ";
	case CRI_ERRO:
		return "RROUnsupported: ";
	default:
		return "";
	}
}

void status_from_call(struct rpc_status *status, int result, const cri_call *call)
{
	const char *message = call ? cri_call_message(call) : "";

	status->code = cri_code_grpc(result);
	(void)snprintf(status->message, sizeof(status->message), "%s%s", prefix(result),
		       *message ? message : cri_code_text(result));
}

int exchange_check(struct exchange *exchange)
{
	return conversion_succeeded(&exchange->conversion) ? 0 : CRI_EINVAL;
}

int exchange_send(struct exchange *exchange, void *message)
{
	size_t length = 0;
	uint8_t *packed = message_pack(&exchange->conversion, message, &length);

	return packed ? rpc_send(exchange->rpc, packed, length) : CRI_EINVAL;
}

int exchange_send_chunks(struct exchange *exchange, const cri_list *list, chunk_function chunk)
{
	const size_t n = cri_list_count(list);
	int result = 0;

	for (size_t first = 0; first < n && !result; first += CHUNK) {
		size_t end = n - first < CHUNK ? n : first + CHUNK;
		void *message;

		/* What the last message was made of is no longer needed. */
		memory_free(&exchange->conversion.memory);
		message = chunk(exchange, list, first, end);
		result = exchange_send(exchange, message);
	}
	return result;
}

void exchange_object(struct exchange *exchange, const char *kind, const char *id)
{
	(void)snprintf(exchange->rpc->object, sizeof(exchange->rpc->object), "%s %s", kind, id ? id : "");
}

size_t exchange_info(struct exchange *exchange, char *json, Cri__StringPair ***pairs)
{
	size_t n = json_to_wire(&exchange->conversion, json, pairs);

	cri_free(json);
	return n;
}

int64_t time_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return 0;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
