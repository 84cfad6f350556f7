/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "grpc/loop.h"
#include "grpc/metadata.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

/* Failed calls that are logged: so many at once, and a second. */
#define FAILURES_BURST 200
#define FAILURES_PER_SECOND 20

static atomic_int log_level = CRI_LOG_INFO;

void log_set_level(cri_log_level level)
{
	atomic_store(&log_level, level);
}

static const char *level_name(cri_log_level level)
{
	switch (level) {
	case CRI_LOG_ERROR:
		return "error";
	case CRI_LOG_WARNING:
		return "warning";
	case CRI_LOG_INFO:
		return "info";
	case CRI_LOG_DEBUG:
		return "debug";
	}
	return "unknown";
}

static bool is_plain(const char *value)
{
	for (const unsigned char *at = (const unsigned char *)value; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || *at == '"' || *at == '=' || *at == '\\')
			return false;
	}
	return *value;
}

static size_t add_byte(char *line, size_t size, size_t length, unsigned char byte)
{
	char escaped[8];
	int count;

	if (byte == '"' || byte == '\\')
		count = snprintf(escaped, sizeof(escaped), "\\%c", byte);
	else if (byte == '\n')
		count = snprintf(escaped, sizeof(escaped), "\\n");
	else if (byte < ' ' || byte == 0x7f)
		count = snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
	else
		count = snprintf(escaped, sizeof(escaped), "%c", byte);
	/* Two bytes are kept for the quote and the newline. */
	if (length + (size_t)count + 2 >= size)
		return length;
	memcpy(line + length, escaped, (size_t)count);
	return length + (size_t)count;
}

size_t log_add(char *line, size_t size, size_t length, const char *key, const char *value)
{
	size_t needed = strlen(key) + 4, left;

	if (length + needed >= size)
		return length;
	length += (size_t)snprintf(line + length, size - length, "%s%s=", length ? " " : "", key);
	if (is_plain(value) && length + strlen(value) + 2 < size)
		return length + (size_t)snprintf(line + length, size - length, "%s", value);
	line[length++] = '"';
	left = strlen(value);
	while (left) {
		size_t character = metadata_utf8_character((const unsigned char *)value, left);

		if (!character)
			length = add_byte(line, size, length, '?');
		for (size_t i = 0; i < character; i++)
			length = add_byte(line, size, length, (unsigned char)value[i]);
		value += character ? character : 1;
		left -= character ? character : 1;
	}
	line[length++] = '"';
	line[length] = '\0';
	return length;
}

static size_t begin(char *line, size_t size, cri_log_level level)
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(line, size, "time=%Y-%m-%dT%H:%M:%S", &utc);
	length += (size_t)snprintf(line + length, size - length, ".%03ldZ", now.tv_nsec / 1000000);
	return log_add(line, size, length, "level", level_name(level));
}

static void finish(char *line, size_t length)
{
	line[length++] = '\n';
	/* There is nobody to tell that the log cannot be written. */
	(void)!write(STDERR_FILENO, line, length);
}

void log_message(cri_log_level level, const char *message)
{
	char line[LINE_MAX_BYTES];
	size_t length;

	if ((int)level > atomic_load(&log_level))
		return;
	length = begin(line, sizeof(line), level);
	finish(line, log_add(line, sizeof(line), length, "msg", message));
}

void log_format(cri_log_level level, const char *format, ...)
{
	char message[LINE_MAX_BYTES / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	log_message(level, message);
}

/* False: there were too many; *dropped: how many were left out before this one. */
static bool may_log_failure(unsigned *dropped)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static double tokens = FAILURES_BURST;
	static int64_t last;
	static unsigned count;
	int64_t now = loop_now();
	bool may;

	pthread_mutex_lock(&mutex);
	tokens += (double)(now - last) * FAILURES_PER_SECOND / 1000;
	last = now;
	if (tokens > FAILURES_BURST)
		tokens = FAILURES_BURST;
	may = tokens >= 1;
	if (may) {
		tokens--;
		*dropped = count;
		count = 0;
	} else {
		count++;
	}
	pthread_mutex_unlock(&mutex);
	return may;
}

static cri_log_level level_of(const struct grpc_finished *finished)
{
	if (!finished->status)
		return finished->method && finished->method->reads ? CRI_LOG_DEBUG : CRI_LOG_INFO;
	/* kubelet asks for what is gone to learn that it is, and leaves when it likes. */
	return finished->status == 5 || finished->status == GRPC_CANCELLED ? CRI_LOG_INFO : CRI_LOG_WARNING;
}

void log_call(const struct grpc_finished *finished)
{
	cri_log_level level = level_of(finished);
	char line[LINE_MAX_BYTES], number[32];
	unsigned dropped = 0;
	size_t length;

	if ((int)level > atomic_load(&log_level) || (finished->status && !may_log_failure(&dropped)))
		return;
	if (dropped)
		log_format(CRI_LOG_WARNING, "%u failed calls were not logged", dropped);
	length = begin(line, sizeof(line), level);
	length = log_add(line, sizeof(line), length, "msg", "call");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)finished->request_id);
	length = log_add(line, sizeof(line), length, "request", number);
	length =
		log_add(line, sizeof(line), length, "call", finished->method ? finished->method->name : finished->path);
	if (*finished->object)
		length = log_add(line, sizeof(line), length, "object", finished->object);
	length = log_add(line, sizeof(line), length, "code", grpc_status_name(finished->status));
	snprintf(number, sizeof(number), "%.3f", finished->milliseconds);
	length = log_add(line, sizeof(line), length, "ms", number);
	if (finished->status)
		length = log_add(line, sizeof(line), length, "error", finished->text);
	finish(line, length);
}
