/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the file; and whether their keys agree with each other. */
#include "settings.h"

#include "grpc/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- flags --- */

static cJSON *flag_value(const struct setting *setting, const char *text)
{
	char *end;
	long number;

	switch (setting->kind) {
	case SETTING_BOOL:
		if (!strcmp(text, "true") || !strcmp(text, "false"))
			return cJSON_CreateBool(!strcmp(text, "true"));
		return cJSON_CreateString(text);
	case SETTING_NUMBER:
		errno = 0;
		number = strtol(text, &end, 10);
		if (*text && !*end && !errno)
			return cJSON_CreateNumber((double)number);
		return cJSON_CreateString(text);
	default:
		return cJSON_CreateString(text);
	}
}

/* Where the flag's value goes: the object of its key, which is made. */
static cJSON *target(cJSON *flags, const struct setting *setting)
{
	cJSON *object = cJSON_GetObjectItemCaseSensitive(flags, setting->key);

	if (setting->kind == SETTING_LIST)
		return object ? object : cJSON_AddArrayToObject(flags, setting->key);
	if (!setting->member)
		return flags;
	return object ? object : cJSON_AddObjectToObject(flags, setting->key);
}

static int take_flag(struct settings *settings, const struct setting *setting, const char *text, char *reason,
		     size_t size)
{
	const char *name = setting->member ? setting->member : setting->key;
	cJSON *value = flag_value(setting, text), *to = target(settings->flags, setting);
	char inner[SETTINGS_REASON / 2];
	bool added;

	if (!value || !to) {
		cJSON_Delete(value);
		return settings_complain(reason, size, "no memory");
	}
	if (setting->kind == SETTING_LIST) {
		added = cJSON_AddItemToArray(to, value);
		value = to;
	} else {
		cJSON_DeleteItemFromObjectCaseSensitive(to, name);
		added = cJSON_AddItemToObject(to, name, value);
	}
	if (!added)
		return settings_complain(reason, size, "no memory");
	if (settings_check_value(setting, value, inner, sizeof(inner)))
		return settings_complain(reason, size, "--%s: %s", setting->flag, inner);
	return 0;
}

static int take_config(struct settings *settings, const char *text, char *reason, size_t size)
{
	if (*text != '/')
		return settings_complain(reason, size, "--config: \"%s\" is no absolute path", text);
	free(settings->file);
	settings->file = strdup(text);
	settings->file_required = true;
	return settings->file ? 0 : settings_complain(reason, size, "no memory");
}

/* The flags that are no settings. 1: it was one; 0: it is none. */
static int take_plain(struct settings *settings, const char *name, size_t length)
{
	static const char *const names[] = { "check-config", "help", "version" };
	bool *const flags[] = { &settings->check_only, &settings->help, &settings->version };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == length && !memcmp(names[i], name, length)) {
			*flags[i] = true;
			return 1;
		}
	}
	return 0;
}

/* One argument, and the next when it is the value. How many were taken, or -1. */
static int take_argument(struct settings *settings, char **arguments, char *reason, size_t size)
{
	const char *name = arguments[0], *value = NULL;
	const struct setting *setting = NULL;
	bool is_config = false;
	size_t length;
	int taken = 1;

	if (!strcmp(name, "-h"))
		name = "--help";
	if (!strncmp(name, "--", 2)) {
		length = strcspn(name + 2, "=");
		value = name[2 + length] ? name + 3 + length : NULL;
		if (!value && take_plain(settings, name + 2, length))
			return 1;
		is_config = length == 6 && !memcmp(name + 2, "config", 6);
		setting = settings_find_flag(name + 2, length, 0);
	} else if (name[0] == '-' && name[1] && !name[2]) {
		setting = settings_find_flag(NULL, 0, name[1]);
	}
	if (!setting && !is_config)
		return settings_complain(reason, size, "%s: unknown argument; --help lists all", name);
	if (!value && setting && setting->kind == SETTING_BOOL)
		value = "true";
	if (!value) {
		value = arguments[1];
		taken = 2;
	}
	if (!value)
		return settings_complain(reason, size, "%s: its value is missing", name);
	if (is_config ? take_config(settings, value, reason, size) : take_flag(settings, setting, value, reason, size))
		return -1;
	return taken;
}

int settings_parse(struct settings *settings, int argc, char **argv, char *reason, size_t size)
{
	*settings = (struct settings){ .file = strdup(SETTINGS_DEFAULT_FILE), .flags = cJSON_CreateObject() };
	if (!settings->file || !settings->flags)
		return settings_complain(reason, size, "no memory");
	for (int i = 1; i < argc;) {
		int taken = take_argument(settings, argv + i, reason, size);

		if (taken < 0)
			return -1;
		i += taken;
	}
	return 0;
}

/* --- the file --- */

/* NULL with errno; ENOENT: there is none. */
static char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;
	char *text = NULL;
	struct stat status;
	ssize_t part = 1;

	if (fd < 0)
		return NULL;
	*length = 0;
	if (fstat(fd, &status) < 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = EINVAL;
	else
		text = malloc(SETTINGS_MAX_FILE + 1);
	if (!error && !text)
		error = ENOMEM;
	while (!error && part > 0) {
		part = read(fd, text + *length, SETTINGS_MAX_FILE + 1 - *length);
		if (part > 0)
			*length += (size_t)part;
		else if (part < 0)
			error = errno;
	}
	if (!error && *length > SETTINGS_MAX_FILE)
		error = EFBIG;
	close(fd);
	if (error) {
		free(text);
		errno = error;
		return NULL;
	}
	return text;
}

static int line_of(const char *text, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* cJSON takes bytes that are no UTF-8, and cuts a text at \u0000. */
static int check_bytes(const char *file, const char *text, size_t length, char *reason, size_t size)
{
	for (size_t i = 0; i < length;) {
		size_t character = metadata_utf8_character((const unsigned char *)text + i, length - i);

		if (!character || !text[i])
			return settings_complain(reason, size, "%s: line %d: it is no UTF-8", file, line_of(text, i));
		if (length - i >= 6 && !memcmp(text + i, "\\u0000", 6))
			return settings_complain(reason, size, "%s: line %d: \\u0000 is in no value", file,
						 line_of(text, i));
		i += character;
	}
	return 0;
}

static int parse_file(const char *file, const char *text, size_t length, cJSON **values, char *reason, size_t size)
{
	const char *end = text;

	if (check_bytes(file, text, length, reason, size))
		return -1;
	*values = cJSON_ParseWithLengthOpts(text, length, &end, 0);
	if (!*values)
		return settings_complain(reason, size, "%s: line %d: it is no JSON", file,
					 line_of(text, (size_t)(end - text)));
	while (end < text + length && strchr(" \t\r\n", *end))
		end++;
	if (end < text + length)
		return settings_complain(reason, size, "%s: line %d: something follows the object", file,
					 line_of(text, (size_t)(end - text)));
	if (!cJSON_IsObject(*values))
		return settings_complain(reason, size, "%s: it is no JSON object", file);
	return 0;
}

/* What is not of the table: keys of others, which are ignored, and what would be dangerous to ignore. */
static int check_foreign(const struct settings *settings, const cJSON *value, settings_warn *warn, char *reason,
			 size_t size)
{
	char text[SETTINGS_REASON];

	if (!strcmp(value->string, "authorization-plugin")) {
		if (cJSON_IsString(value) && !*value->valuestring)
			return 0;
		return settings_complain(reason, size,
					 "%s: \"%s\": there are none, and without it everybody would be let in",
					 settings->file, value->string);
	}
	if (!strcmp(value->string, "tls") || !strcmp(value->string, "tls-verify")) {
		if (cJSON_IsBool(value))
			return 0;
		return settings_complain(reason, size, "%s: \"%s\": it must be true or false", settings->file,
					 value->string);
	}
	if (!settings_is_foreign(value->string))
		return settings_complain(reason, size, "%s: \"%s\": it is unknown", settings->file, value->string);
	snprintf(text, sizeof(text), "%s: \"%s\" is not needed here and ignored", settings->file, value->string);
	warn(text);
	return 0;
}

static bool is_parent(const char *key)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (settings_table[i].member && !strcmp(settings_table[i].key, key))
			return true;
	}
	return false;
}

static int check_key(const struct settings *settings, const struct setting *setting, const cJSON *value, char *reason,
		     size_t size)
{
	char inner[SETTINGS_REASON / 2];

	if (!settings_check_value(setting, value, inner, sizeof(inner)))
		return 0;
	return settings_complain(reason, size, "%s: \"%s%s%s\": %s", settings->file, setting->key,
				 setting->member ? "." : "", setting->member ? setting->member : "", inner);
}

static int check_object(const struct settings *settings, const cJSON *object, char *reason, size_t size)
{
	const cJSON *value;

	if (!cJSON_IsObject(object))
		return settings_complain(reason, size, "%s: \"%s\": it must be an object", settings->file,
					 object->string);
	cJSON_ArrayForEach(value, object)
	{
		const struct setting *setting = settings_find_key(object->string, value->string);

		if (!setting)
			return settings_complain(reason, size, "%s: \"%s.%s\": it is unknown", settings->file,
						 object->string, value->string);
		if (check_key(settings, setting, value, reason, size))
			return -1;
	}
	return 0;
}

static int check_values(const struct settings *settings, settings_warn *warn, char *reason, size_t size)
{
	const cJSON *value;
	int result = 0;

	cJSON_ArrayForEach(value, settings->values)
	{
		const struct setting *setting = settings_find_key(value->string, NULL);

		if (cJSON_GetObjectItemCaseSensitive(settings->values, value->string) != value)
			return settings_complain(reason, size, "%s: \"%s\": it is there twice", settings->file,
						 value->string);
		if (setting)
			result = check_key(settings, setting, value, reason, size);
		else if (is_parent(value->string))
			result = check_object(settings, value, reason, size);
		else
			result = check_foreign(settings, value, warn, reason, size);
		if (result)
			return result;
	}
	return 0;
}

/* --- together --- */

static bool has_tcp(const struct settings *settings)
{
	const cJSON *host;

	cJSON_ArrayForEach(host, settings_value(settings, "hosts"))
	{
		if (!strncmp(host->valuestring, "tcp:", 4))
			return true;
	}
	return false;
}

static int check_tls(const struct settings *settings, char *reason, size_t size)
{
	static const char *const members[] = { "CAFile", "CertFile", "KeyFile" };
	static const char *const switches[] = { "tls", "tls-verify" };

	if (!has_tcp(settings))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		const char *file = settings_text(settings, "tls-config", members[i]);

		if (!*file)
			return settings_complain(reason, size,
						 "\"tls-config.%s\" is missing: TCP is served with mutual TLS only",
						 members[i]);
		if (access(file, R_OK) < 0)
			return settings_complain(reason, size, "\"tls-config.%s\": %s: %s", members[i], file,
						 strerror(errno));
	}
	for (size_t i = 0; i < 2; i++) {
		if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(settings->values, switches[i])))
			return settings_complain(reason, size,
						 "%s: \"%s\" is false: TCP is served with mutual TLS only",
						 settings->file, switches[i]);
	}
	return 0;
}

static int check_together(const struct settings *settings, char *reason, size_t size)
{
	const char *parent = settings_text(settings, "cgroup-parent", NULL);
	size_t length = strlen(parent);
	bool is_slice = length > 6 && !strcmp(parent + length - 6, ".slice") && !strchr(parent, '/');

	if (length && settings_bool(settings, "systemd-cgroup") && !is_slice)
		return settings_complain(reason, size,
					 "\"cgroup-parent\": with systemd-cgroup it must be NAME.slice, not \"%s\"",
					 parent);
	if (length && !settings_bool(settings, "systemd-cgroup") && *parent != '/')
		return settings_complain(reason, size, "\"cgroup-parent\": \"%s\" is no absolute path", parent);
	if (!*settings_text(settings, "graph", NULL) || !*settings_text(settings, "state", NULL))
		return settings_complain(reason, size, "\"%s\": it must not be empty",
					 *settings_text(settings, "graph", NULL) ? "state" : "graph");
	if (!*settings_text(settings, "stream-tls-config", "CertFile") !=
	    !*settings_text(settings, "stream-tls-config", "KeyFile"))
		return settings_complain(reason, size, "\"stream-tls-config\": CertFile and KeyFile need each other");
	if (*settings_text(settings, "stream-tls-config", "CAFile") &&
	    !*settings_text(settings, "stream-tls-config", "CertFile"))
		return settings_complain(reason, size, "\"stream-tls-config\": CAFile needs CertFile and KeyFile");
	return check_tls(settings, reason, size);
}

int settings_load(struct settings *settings, settings_warn *warn, char *reason, size_t size)
{
	size_t length;
	char *text = read_file(settings->file, &length);
	int result = 0;

	if (!text && (errno != ENOENT || settings->file_required))
		return settings_complain(reason, size, "%s: %s", settings->file,
					 errno == EFBIG ? "it is longer than 1 MB" : strerror(errno));
	if (text)
		result = parse_file(settings->file, text, length, &settings->values, reason, size);
	free(text);
	if (!result)
		result = check_values(settings, warn, reason, size);
	return result ? result : check_together(settings, reason, size);
}

/* Puts the old value of a key in the place of the new one. */
static int keep(const struct settings *old, struct settings *settings, const struct setting *setting,
		settings_warn *warn)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(old->values, setting->key);
	cJSON *before = settings_copy_value(old, setting), *now = settings_copy_value(settings, setting);
	bool differs = !cJSON_Compare(before, now, 1);
	char text[SETTINGS_REASON];

	if (differs) {
		snprintf(text, sizeof(text), "%s: \"%s\" has changed, which takes a restart", settings->file,
			 setting->key);
		warn(text);
		cJSON_DeleteItemFromObjectCaseSensitive(settings->values, setting->key);
		if (value)
			cJSON_AddItemToObject(settings->values, setting->key, cJSON_Duplicate(value, 1));
	}
	cJSON_Delete(before);
	cJSON_Delete(now);
	return before && now ? 0 : -1;
}

int settings_load_again(const struct settings *old, struct settings *settings, settings_warn *warn, char *reason,
			size_t size)
{
	*settings = (struct settings){ .file = strdup(old->file),
				       .file_required = old->file_required,
				       .flags = cJSON_Duplicate(old->flags, 1) };
	if (!settings->file || !settings->flags)
		return settings_complain(reason, size, "no memory");
	if (settings_load(settings, warn, reason, size))
		return -1;
	if (!settings->values)
		settings->values = cJSON_CreateObject();
	for (size_t i = 0; i < settings_count; i++) {
		if (!settings_table[i].reload && keep(old, settings, &settings_table[i], warn))
			return settings_complain(reason, size, "no memory");
	}
	return 0;
}
