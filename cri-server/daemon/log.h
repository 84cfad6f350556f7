/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line in logfmt on standard error for each thing, written at once. Any thread. */
#ifndef CRI_SERVER_DAEMON_LOG_H
#define CRI_SERVER_DAEMON_LOG_H

#include "grpc/server.h"

void log_set_level(cri_log_level level);

void log_message(cri_log_level level, const char *message);
void log_format(cri_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A call that is over, with its request id, call, object, code and milliseconds. Successes of calls that change nothing
 * are debug; failures are bounded in number, so that a client cannot fill the disk. */
void log_call(const struct grpc_finished *finished);

/* Adds ` key=value`, quoted where it must be, to a line of `size` bytes that has `length`. Answers the new length. */
size_t log_add(char *line, size_t size, size_t length, const char *key, const char *value);

#endif
