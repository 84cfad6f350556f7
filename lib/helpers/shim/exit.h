/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record (runtime/shim_protocol.h): written by whoever saw the end, then published. */
#ifndef LIBCRI_HELPERS_SHIM_EXIT_H
#define LIBCRI_HELPERS_SHIM_EXIT_H

#include "order.h"
#include "store.h"

#define EXIT_FILE "exit"
#define EXIT_KILLED 137 /* 128 + SIGKILL */

struct exit_end {
	int exit_code;
	int64_t finished_at;
	bool oom;
	const char *reason, *message;
};

/* Writes DIRECTORY/exit. 0 or -errno. */
int exit_write(const struct order *order, const struct store_content *content, const struct exit_end *end);

/* Renames it into the directory of exit records. 0, also when it was published already; -errno. */
int exit_publish(const struct order *order);

/* What the end of a container is whose command could not be executed. */
int exit_code_of_start_error(int error);

#endif
