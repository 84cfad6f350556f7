/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's configuration: flags go before the file, the file before the defaults. One table (settings_keys.c) names
 * every key with its flag, its kind and its default; help, checks and the effective configuration come from it.
 */
#ifndef CRI_SERVER_DAEMON_SETTINGS_H
#define CRI_SERVER_DAEMON_SETTINGS_H

#include <libcri/libcri.h>

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_DEFAULT_FILE "/etc/libcri/daemon.json"
#define SETTINGS_MAX_FILE (1U << 20)
#define SETTINGS_REASON 512

enum setting_kind {
	SETTING_TEXT,
	SETTING_PATH,  /* absolute; "" is none */
	SETTING_PATHS, /* one text, of absolute paths with commas between them */
	SETTING_LIST,  /* an array of texts; its flag may be repeated */
	SETTING_BOOL,
	SETTING_NUMBER,
	SETTING_OBJECT, /* in the file only */
};

/* Says in `reason` what is wrong, and answers -1; or 0. */
typedef int setting_check(const cJSON *value, char *reason, size_t size);

struct setting {
	const char *key;    /* in the file */
	const char *member; /* not NULL: it is this member of the object `key` */
	enum setting_kind kind;
	const char *flag; /* without "--"; NULL: in the file only */
	char letter;      /* 0: none */
	const char *placeholder;
	const char *fallback;    /* the default, as a flag would have it; NULL: none */
	const char *choices;     /* "|a|b|"; NULL: any */
	int minimum, maximum;    /* of a number */
	setting_check *check;    /* NULL: its kind is enough */
	bool reload;             /* SIGHUP takes a new value; others need a restart */
	const char *explanation; /* for --help and the manual */
};

extern const struct setting settings_table[];
extern const size_t settings_count;

const struct setting *settings_find_flag(const char *name, size_t length, char letter);
const struct setting *settings_find_key(const char *key, const char *member);
/* True: another engine's configuration files have the key, and it means nothing here. */
bool settings_is_foreign(const char *key);

/* Writes why something is refused; answers -1. */
int settings_complain(char *reason, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Checks a value by its kind and its own rules. */
int settings_check_value(const struct setting *setting, const cJSON *value, char *reason, size_t size);
/* For the table: hosts, registries… (settings_check.c) */
setting_check settings_check_hosts, settings_check_registries, settings_check_runtimes, settings_check_group,
	settings_check_addresses, settings_check_loopback, settings_check_address, settings_check_names;

struct settings {
	char *file;         /* its path */
	bool file_required; /* it was named by a flag */
	bool check_only, help, version;
	cJSON *flags;
	cJSON *values; /* of the file; NULL: there was none */
};

/* Called with each thing worth a warning. */
typedef void settings_warn(const char *text);

/* From the command line, then from the file. -1 with the file, key or flag and the reason in `reason`. */
int settings_parse(struct settings *settings, int argc, char **argv, char *reason, size_t size);
int settings_load(struct settings *settings, settings_warn *warn, char *reason, size_t size);
/* The same flags with the file as it is now; keys that SIGHUP does not take are kept, with a warning where they differ.
 */
int settings_load_again(const struct settings *old, struct settings *settings, settings_warn *warn, char *reason,
			size_t size);
/* The value of a key, or its default, as JSON; NULL without memory. */
cJSON *settings_copy_value(const struct settings *settings, const struct setting *setting);
void settings_clear(struct settings *settings);

/* The effective values. Texts are never NULL; all are the settings' own. */
const char *settings_text(const struct settings *settings, const char *key, const char *member);
bool settings_bool(const struct settings *settings, const char *key);
int settings_number(const struct settings *settings, const char *key);
/* An array or object; NULL: none, or the default. */
const cJSON *settings_value(const struct settings *settings, const char *key);
cri_log_level settings_log_level(const struct settings *settings);
/* The gid of `group`; -1: none is set. */
int settings_gid(const struct settings *settings);

/* The effective configuration as a JSON object, to be freed with free(); NULL without memory. */
char *settings_json(const struct settings *settings);

/* --help */
void settings_print_help(void);

/* The engine's options; their texts are the settings' own. -1: no memory. */
struct engine_settings {
	cri_engine_options options;
	cri_stream_server_options stream;
	void *blocks[64];
	size_t n_blocks;
};
int engine_settings_make(const struct settings *settings, struct engine_settings *made);
void engine_settings_clear(struct engine_settings *made);

#endif
