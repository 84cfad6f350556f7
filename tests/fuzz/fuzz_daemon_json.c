/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.json: what is taken becomes options of the engine, and the effective configuration is one itself. */
#include "daemon/settings.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *text)
{
	(void)text;
}

/* A file of these bytes, by its path below /proc. */
static int file_of(const void *bytes, size_t length, char path[64])
{
	int fd = memfd_create("daemon.json", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static int load(struct settings *settings, const void *bytes, size_t length, char reason[SETTINGS_REASON])
{
	char path[64], config[] = "--config", name[] = "cri-server";
	char *arguments[] = { name, config, path, NULL };
	int fd = file_of(bytes, length, path), result;

	reason[0] = '\0';
	if (settings_parse(settings, 3, arguments, reason, SETTINGS_REASON))
		abort();
	result = settings_load(settings, ignore, reason, SETTINGS_REASON);
	close(fd);
	return result;
}

static void check_again(const char *text)
{
	char reason[SETTINGS_REASON];
	struct settings settings;
	char *second;

	if (load(&settings, text, strlen(text), reason))
		abort();
	second = settings_json(&settings);
	if (!second || strcmp(text, second) != 0)
		abort();
	free(second);
	settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char reason[SETTINGS_REASON];
	struct engine_settings engine;
	struct settings settings;
	char *text;

	if (load(&settings, data, size, reason)) {
		/* A refusal has a reason. */
		if (!reason[0])
			abort();
	} else {
		if (engine_settings_make(&settings, &engine))
			abort();
		engine_settings_clear(&engine);
		text = settings_json(&settings);
		if (!text)
			abort();
		check_again(text);
		free(text);
	}
	settings_clear(&settings);
	return 0;
}
