/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions for configs in JSON. */
#include "config/config.h"

#include "core/list.h"

#include <string.h>

/* These functions need no engine, so they enter the library here: with a call object of their own if there is none. */
static cri_call *enter(cri_call *call, cri_call *own)
{
	if (!call) {
		call_init(own);
		call = own;
	}
	call_clear(call);
	return call;
}

static int read_config(const struct config_table *table, enum list_kind kind, size_t size, const char *json,
		       size_t length, cri_list **config, cri_call *call)
{
	cri_list *list CLEANUP_LIST = NULL;
	const void *read;
	void *element;
	int result;

	if (!json || !config)
		return call_fail(call, CRI_EINVAL, "read config", "%s is NULL", json ? "config" : "json");
	list = list_new(kind, size);
	if (!list)
		return call_no_memory(call, "read config");
	result = config_from_json(table, &list->arena, json, length, &read, call);
	if (result)
		return result;
	element = list_add(list);
	if (!element)
		return call_no_memory(call, "read config");
	memcpy(element, read, size);
	*config = TAKE_POINTER(list);
	return 0;
}

static int write_config(const struct config_table *table, const void *config, char **json, cri_call *call)
{
	struct arena scratch CLEANUP_ARENA = ARENA_EMPTY;
	const void *copy;
	int result;

	if (!config || !json)
		return call_fail(call, CRI_EINVAL, "write config", "%s is NULL", config ? "json" : "config");
	result = config_copy(table, &scratch, config, &copy, call);
	return result ? result : config_to_json(table, copy, json, call);
}

int cri_sandbox_config_from_json(const char *json, size_t length, cri_list **config, cri_call *call)
{
	cri_call own;

	return read_config(&config_sandbox, LIST_SANDBOX_CONFIG, sizeof(cri_sandbox_config), json, length, config,
			   enter(call, &own));
}

int cri_container_config_from_json(const char *json, size_t length, cri_list **config, cri_call *call)
{
	cri_call own;

	return read_config(&config_container, LIST_CONTAINER_CONFIG, sizeof(cri_container_config), json, length, config,
			   enter(call, &own));
}

int cri_sandbox_config_to_json(const cri_sandbox_config *config, char **json, cri_call *call)
{
	cri_call own;

	return write_config(&config_sandbox, config, json, enter(call, &own));
}

int cri_container_config_to_json(const cri_container_config *config, char **json, cri_call *call)
{
	cri_call own;

	return write_config(&config_container, config, json, enter(call, &own));
}

const cri_sandbox_config *cri_sandbox_config_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_SANDBOX_CONFIG, index);
}

const cri_container_config *cri_container_config_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_CONTAINER_CONFIG, index);
}
