/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when a registry is to be talked to: what it is linked with takes 15 ms and several megabytes to load,
 * which an import from a local archive need not pay.
 */
#ifndef LIBCRI_HELPERS_FETCH_CURL_H
#define LIBCRI_HELPERS_FETCH_CURL_H

/* Its type checks are macros over the functions' names. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt

struct curl_library {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_setopt) easy_setopt;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_pause) easy_pause;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_easy_escape) easy_escape;
	__typeof__(&curl_free) free;
	__typeof__(&curl_multi_init) multi_init;
	__typeof__(&curl_multi_setopt) multi_setopt;
	__typeof__(&curl_multi_add_handle) multi_add_handle;
	__typeof__(&curl_multi_remove_handle) multi_remove_handle;
	__typeof__(&curl_multi_perform) multi_perform;
	__typeof__(&curl_multi_poll) multi_poll;
	__typeof__(&curl_multi_wakeup) multi_wakeup;
	__typeof__(&curl_multi_info_read) multi_info_read;
	__typeof__(&curl_multi_cleanup) multi_cleanup;
	__typeof__(&curl_share_init) share_init;
	__typeof__(&curl_share_setopt) share_setopt;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
};
extern struct curl_library curl;

/* 0 or -errno; -ENOTSUP: it is not installed, or is another. */
int curl_load(void);

#endif
