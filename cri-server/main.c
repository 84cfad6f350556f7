/* SPDX-License-Identifier: Apache-2.0 */
/* cri-server: a Kubernetes container runtime on libcri. */
#include "daemon/daemon.h"
#include "daemon/log.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define EXIT_CONFIGURATION 2
#define DESCRIPTORS 65536

/* By default glibc keeps what a few large lists have taken: over 100 MB after twelve of 19 MB, 2 MB so. One arena is
 * enough for workers that mostly wait for the engine. */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* Each client, and each call that lasts, has a few. Helpers, and so containers, have limits of their own. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void warn_on_terminal(const char *text)
{
	(void)fprintf(stderr, "warning: %s\n", text);
}

static void warn_in_log(const char *text)
{
	log_message(CRI_LOG_WARNING, text);
}

int main(int argc, char **argv)
{
	char reason[SETTINGS_REASON];
	struct settings settings;
	int status;

	tune_memory();
	if (settings_parse(&settings, argc, argv, reason, sizeof(reason))) {
		(void)fprintf(stderr, "cri-server: %s\n", reason);
		status = EXIT_CONFIGURATION;
	} else if (settings.help) {
		settings_print_help();
		status = EXIT_SUCCESS;
	} else if (settings.version) {
		printf("cri-server %s\n", cri_version());
		status = EXIT_SUCCESS;
	} else if (settings_load(&settings, settings.check_only ? warn_on_terminal : warn_in_log, reason,
				 sizeof(reason))) {
		(void)fprintf(stderr, "cri-server: %s\n", reason);
		status = EXIT_CONFIGURATION;
	} else if (settings.check_only) {
		puts("the configuration is right");
		status = EXIT_SUCCESS;
	} else {
		log_set_level(settings_log_level(&settings));
		raise_descriptors();
		status = daemon_run(&settings);
	}
	settings_clear(&settings);
	return status;
}
