/* SPDX-License-Identifier: Apache-2.0 */
/* The effective values, from flags, file and defaults. */
#include "settings.h"

#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int settings_complain(char *reason, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, size, format, arguments);
	va_end(arguments);
	return -1;
}

static const cJSON *find_in(const cJSON *values, const char *key, const char *member)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(values, key);

	return member ? cJSON_GetObjectItemCaseSensitive(value, member) : value;
}

static const cJSON *find(const struct settings *settings, const char *key, const char *member)
{
	const cJSON *value = find_in(settings->flags, key, member);

	return value ? value : find_in(settings->values, key, member);
}

const char *settings_text(const struct settings *settings, const char *key, const char *member)
{
	const cJSON *value = find(settings, key, member);
	const struct setting *setting = settings_find_key(key, member);

	if (cJSON_IsString(value))
		return value->valuestring;
	return setting && setting->fallback ? setting->fallback : "";
}

bool settings_bool(const struct settings *settings, const char *key)
{
	const cJSON *value = find(settings, key, NULL);

	return value ? cJSON_IsTrue(value) : !strcmp(settings_text(settings, key, NULL), "true");
}

int settings_number(const struct settings *settings, const char *key)
{
	const cJSON *value = find(settings, key, NULL);

	return cJSON_IsNumber(value) ? value->valueint : (int)strtol(settings_text(settings, key, NULL), NULL, 10);
}

const cJSON *settings_value(const struct settings *settings, const char *key)
{
	return find(settings, key, NULL);
}

cri_log_level settings_log_level(const struct settings *settings)
{
	static const struct {
		const char *name;
		cri_log_level level;
	} levels[] = {
		{ "warn", CRI_LOG_WARNING }, { "warning", CRI_LOG_WARNING }, { "notice", CRI_LOG_INFO },
		{ "info", CRI_LOG_INFO },    { "debug", CRI_LOG_DEBUG },     { "trace", CRI_LOG_DEBUG },
	};
	const char *text = settings_text(settings, "log-level", NULL);

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!strcasecmp(text, levels[i].name))
			return levels[i].level;
	}
	return CRI_LOG_ERROR;
}

int settings_gid(const struct settings *settings)
{
	const char *text = settings_text(settings, "group", NULL);
	const struct group *group;

	if (!*text)
		return -1;
	group = getgrnam(text);
	return group ? (int)group->gr_gid : (int)strtoul(text, NULL, 10);
}

void settings_clear(struct settings *settings)
{
	free(settings->file);
	cJSON_Delete(settings->flags);
	cJSON_Delete(settings->values);
	*settings = (struct settings){ .file = NULL };
}

cJSON *settings_copy_value(const struct settings *settings, const struct setting *setting)
{
	const cJSON *value = find(settings, setting->key, setting->member);
	cJSON *list, *item;

	if (value)
		return cJSON_Duplicate(value, 1);
	switch (setting->kind) {
	case SETTING_BOOL:
		return cJSON_CreateBool(settings_bool(settings, setting->key));
	case SETTING_NUMBER:
		return cJSON_CreateNumber(settings_number(settings, setting->key));
	case SETTING_OBJECT:
		return cJSON_CreateObject();
	case SETTING_LIST:
		list = cJSON_CreateArray();
		item = setting->fallback ? cJSON_CreateString(setting->fallback) : NULL;
		if (item && !cJSON_AddItemToArray(list, item))
			cJSON_Delete(item);
		return list;
	default:
		return cJSON_CreateString(setting->fallback ? setting->fallback : "");
	}
}

static cJSON *object_of(cJSON *all, const struct setting *setting)
{
	cJSON *object;

	if (!setting->member)
		return all;
	object = cJSON_GetObjectItemCaseSensitive(all, setting->key);
	return object ? object : cJSON_AddObjectToObject(all, setting->key);
}

char *settings_json(const struct settings *settings)
{
	cJSON *all = cJSON_CreateObject();
	bool complete = all;
	char *text = NULL;

	for (size_t i = 0; complete && i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		cJSON *value = settings_copy_value(settings, setting);

		complete = value && cJSON_AddItemToObject(object_of(all, setting),
							  setting->member ? setting->member : setting->key, value);
		if (!complete)
			cJSON_Delete(value);
	}
	if (complete)
		text = cJSON_PrintUnformatted(all);
	cJSON_Delete(all);
	return text;
}
