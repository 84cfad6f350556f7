/* SPDX-License-Identifier: Apache-2.0 */
#include "curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct curl_library curl;

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	{ "curl_global_init", offsetof(struct curl_library, global_init) },
	{ "curl_easy_init", offsetof(struct curl_library, easy_init) },
	{ "curl_easy_setopt", offsetof(struct curl_library, easy_setopt) },
	{ "curl_easy_getinfo", offsetof(struct curl_library, easy_getinfo) },
	{ "curl_easy_pause", offsetof(struct curl_library, easy_pause) },
	{ "curl_easy_cleanup", offsetof(struct curl_library, easy_cleanup) },
	{ "curl_easy_strerror", offsetof(struct curl_library, easy_strerror) },
	{ "curl_easy_escape", offsetof(struct curl_library, easy_escape) },
	{ "curl_free", offsetof(struct curl_library, free) },
	{ "curl_multi_init", offsetof(struct curl_library, multi_init) },
	{ "curl_multi_setopt", offsetof(struct curl_library, multi_setopt) },
	{ "curl_multi_add_handle", offsetof(struct curl_library, multi_add_handle) },
	{ "curl_multi_remove_handle", offsetof(struct curl_library, multi_remove_handle) },
	{ "curl_multi_perform", offsetof(struct curl_library, multi_perform) },
	{ "curl_multi_poll", offsetof(struct curl_library, multi_poll) },
	{ "curl_multi_wakeup", offsetof(struct curl_library, multi_wakeup) },
	{ "curl_multi_info_read", offsetof(struct curl_library, multi_info_read) },
	{ "curl_multi_cleanup", offsetof(struct curl_library, multi_cleanup) },
	{ "curl_share_init", offsetof(struct curl_library, share_init) },
	{ "curl_share_setopt", offsetof(struct curl_library, share_setopt) },
	{ "curl_slist_append", offsetof(struct curl_library, slist_append) },
	{ "curl_slist_free_all", offsetof(struct curl_library, slist_free_all) },
};

int curl_load(void)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ENOTSUP;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return -ENOTSUP;
		/* Pointers to data and to functions are one on all that has dlsym. */
		memcpy((char *)&curl + functions[i].offset, &function, sizeof(function));
	}
	return curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOTSUP;
}
