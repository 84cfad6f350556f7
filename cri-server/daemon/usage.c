/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the table. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#define COLUMN 6
#define WIDTH 96

static void print_wrapped(const char *text)
{
	size_t at = 0;

	printf("%*s", COLUMN, "");
	while (*text) {
		size_t word = strcspn(text, " ");

		if (at && COLUMN + at + 1 + word > WIDTH) {
			printf("\n%*s", COLUMN, "");
			at = 0;
		}
		at += (size_t)printf("%s%.*s", at ? " " : "", (int)word, text);
		text += word + strspn(text + word, " ");
	}
	putchar('\n');
}

static void print_setting(const struct setting *setting)
{
	if (!setting->flag) {
		printf("  \"%s\"  (in the file only)\n", setting->key);
	} else {
		if (setting->letter)
			printf("  -%c, --%s", setting->letter, setting->flag);
		else
			printf("  --%s", setting->flag);
		if (setting->placeholder)
			printf(" %s", setting->placeholder);
		if (setting->member)
			printf("  (\"%s\": {\"%s\"})", setting->key, setting->member);
		else if (strcmp(setting->key, setting->flag) != 0)
			printf("  (\"%s\")", setting->key);
		if (setting->fallback && *setting->fallback)
			printf("  [%s]", setting->fallback);
		putchar('\n');
	}
	print_wrapped(setting->explanation);
	if (setting->reload)
		print_wrapped("Read again by SIGHUP.");
}

void settings_print_help(void)
{
	printf("cri-server %s: a Kubernetes container runtime on libcri\n\n"
	       "Usage: cri-server [OPTION]...\n\n"
	       "Options go before the keys of the same names in the configuration file. Defaults are in brackets.\n\n"
	       "  --config FILE  [" SETTINGS_DEFAULT_FILE "]\n"
	       "      The configuration file, JSON.\n"
	       "  --check-config\n"
	       "      Say whether the configuration is right, and start nothing.\n"
	       "  -h, --help\n"
	       "  --version\n",
	       cri_version());
	for (size_t i = 0; i < settings_count; i++)
		print_setting(&settings_table[i]);
	printf("\nSignals: SIGTERM ends it when the running calls have ended; containers go on. SIGHUP reads the file\n"
	       "again and takes registries, CNI directories and the log level from it.\n");
}
