/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine.h"
#include "core/message.h"

#include <stdarg.h>

#define LINE_SIZE 512

void engine_log(cri_engine *engine, cri_log_level level, const char *format, ...)
{
	cri_log_function log;
	void *data;
	bool wanted;
	char line[LINE_SIZE];
	va_list arguments;

	/* Not held while the host's function runs: it may take its time. */
	pthread_mutex_lock(&engine->settings);
	log = engine->options.log;
	data = engine->options.log_data;
	wanted = log && level <= engine->options.log_level;
	pthread_mutex_unlock(&engine->settings);
	if (!wanted)
		return;
	va_start(arguments, format);
	message_format(line, sizeof(line), format, arguments);
	va_end(arguments);
	log(level, line, data);
}
