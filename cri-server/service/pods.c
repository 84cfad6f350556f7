/* SPDX-License-Identifier: Apache-2.0 */
#include "service/pods.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PODS 2048

/* One block: id, name, uid and namespace one behind the other. */
struct pod_name {
	char *text;
	uint32_t attempt;
};

struct pod_names {
	struct pod_name pods[MAX_PODS];
	size_t next; /* where the next one goes */
};

struct pod_names *pod_names_new(void)
{
	return calloc(1, sizeof(struct pod_names));
}

void pod_names_free(struct pod_names *names)
{
	for (size_t i = 0; names && i < MAX_PODS; i++)
		free(names->pods[i].text);
	free(names);
}

static const struct pod_name *find(const struct pod_names *names, const char *id)
{
	for (size_t i = 0; i < MAX_PODS && names->pods[i].text; i++)
		if (strcmp(names->pods[i].text, id) == 0)
			return &names->pods[i];
	return NULL;
}

static const char *next_text(const char *text)
{
	return text + strlen(text) + 1;
}

void pod_names_add(struct pod_names *names, const cri_sandbox_info *info)
{
	const char *const texts[] = { info->id, info->name, info->uid, info->namespace_ };
	size_t length = 0, at = 0;
	char *text;

	if (find(names, info->id))
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		length += strlen(texts[i]) + 1;
	text = malloc(length);
	if (!text)
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t size = strlen(texts[i]) + 1;

		memcpy(text + at, texts[i], size);
		at += size;
	}
	free(names->pods[names->next].text);
	names->pods[names->next] = (struct pod_name){ .text = text, .attempt = info->attempt };
	names->next = (names->next + 1) % MAX_PODS;
}

void pod_names_fill(struct pod_names *names, cri_engine *engine, cri_call *call)
{
	cri_list *list = NULL;

	if (cri_sandbox_list(engine, NULL, &list, call))
		return;
	for (size_t i = 0; i < cri_list_count(list); i++)
		pod_names_add(names, cri_sandbox_at(list, i));
	cri_list_free(list);
}

bool pod_names_find(const struct pod_names *names, const char *id, cri_sandbox_info *info)
{
	const struct pod_name *pod = find(names, id);

	if (!pod)
		return false;
	*info = (cri_sandbox_info){ .id = pod->text, .attempt = pod->attempt };
	info->name = next_text(info->id);
	info->uid = next_text(info->name);
	info->namespace_ = next_text(info->uid);
	return true;
}
