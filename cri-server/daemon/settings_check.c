/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value is one that its key may have. */
#include "settings.h"

#include "listener.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 4095

static int check_text(const cJSON *value, char *reason, size_t size)
{
	if (!cJSON_IsString(value))
		return settings_complain(reason, size, "it must be a text");
	if (strlen(value->valuestring) > TEXT_MAX)
		return settings_complain(reason, size, "it is longer than %d bytes", TEXT_MAX);
	for (const char *at = value->valuestring; *at; at++) {
		if (iscntrl((unsigned char)*at))
			return settings_complain(reason, size, "it has a control character");
	}
	return 0;
}

static int check_path(const cJSON *value, char *reason, size_t size)
{
	if (check_text(value, reason, size))
		return -1;
	if (*value->valuestring && *value->valuestring != '/')
		return settings_complain(reason, size, "\"%s\" is no absolute path", value->valuestring);
	return 0;
}

static int check_paths(const cJSON *value, char *reason, size_t size)
{
	if (check_text(value, reason, size))
		return -1;
	for (const char *at = value->valuestring; at && *value->valuestring; at = strchr(at, ',')) {
		at += *at == ',';
		if (*at != '/')
			return settings_complain(reason, size, "\"%s\" is no list of absolute paths",
						 value->valuestring);
	}
	return 0;
}

static int check_list(const cJSON *value, char *reason, size_t size)
{
	const cJSON *item;

	if (!cJSON_IsArray(value))
		return settings_complain(reason, size, "it must be an array of texts");
	cJSON_ArrayForEach(item, value)
	{
		if (check_text(item, reason, size))
			return -1;
		if (!*item->valuestring)
			return settings_complain(reason, size, "a text of it is empty");
	}
	return 0;
}

static int check_number(const struct setting *setting, const cJSON *value, char *reason, size_t size)
{
	if (!cJSON_IsNumber(value) || value->valuedouble != (double)value->valueint ||
	    value->valueint < setting->minimum || value->valueint > setting->maximum)
		return settings_complain(reason, size, "it must be a number from %d to %d", setting->minimum,
					 setting->maximum);
	return 0;
}

static int check_choice(const struct setting *setting, const cJSON *value, char *reason, size_t size)
{
	char word[64];

	if (!setting->choices)
		return 0;
	snprintf(word, sizeof(word), "|%s|", value->valuestring);
	if (strchr(value->valuestring, '|') || !strcasestr(setting->choices, word))
		return settings_complain(reason, size, "\"%s\" is none of %s", value->valuestring,
					 setting->choices + 1);
	return 0;
}

static int check_kind(const struct setting *setting, const cJSON *value, char *reason, size_t size)
{
	switch (setting->kind) {
	case SETTING_TEXT:
		return check_text(value, reason, size) ? -1 : check_choice(setting, value, reason, size);
	case SETTING_PATH:
		return check_path(value, reason, size);
	case SETTING_PATHS:
		return check_paths(value, reason, size);
	case SETTING_LIST:
		return check_list(value, reason, size);
	case SETTING_BOOL:
		return cJSON_IsBool(value) ? 0 : settings_complain(reason, size, "it must be true or false");
	case SETTING_NUMBER:
		return check_number(setting, value, reason, size);
	case SETTING_OBJECT:
		return cJSON_IsObject(value) ? 0 : settings_complain(reason, size, "it must be an object");
	}
	return settings_complain(reason, size, "its kind is unknown");
}

int settings_check_value(const struct setting *setting, const cJSON *value, char *reason, size_t size)
{
	if (check_kind(setting, value, reason, size))
		return -1;
	return setting->check ? setting->check(value, reason, size) : 0;
}

int settings_check_hosts(const cJSON *value, char *reason, size_t size)
{
	const cJSON *item;

	if (!cJSON_GetArraySize(value))
		return settings_complain(reason, size, "it names no host");
	cJSON_ArrayForEach(item, value)
	{
		struct listener_address address;

		if (listener_parse(item->valuestring, &address))
			return settings_complain(
				reason, size,
				"\"%s\" is neither unix:///PATH (of at most %zu bytes) nor tcp://ADDRESS:PORT",
				item->valuestring, sizeof(address.un.sun_path) - 1);
		for (const cJSON *other = value->child; other != item; other = other->next) {
			if (!strcmp(item->valuestring, other->valuestring))
				return settings_complain(reason, size, "\"%s\" is there twice", item->valuestring);
		}
	}
	return 0;
}

int settings_check_address(const cJSON *value, char *reason, size_t size)
{
	struct in6_addr binary;

	if (inet_pton(AF_INET, value->valuestring, &binary) != 1 &&
	    inet_pton(AF_INET6, value->valuestring, &binary) != 1)
		return settings_complain(reason, size, "\"%s\" is no IP address", value->valuestring);
	return 0;
}

int settings_check_loopback(const cJSON *value, char *reason, size_t size)
{
	struct listener_address address;
	char url[128];

	if (!*value->valuestring)
		return 0;
	snprintf(url, sizeof(url), "tcp://%s", value->valuestring);
	if (strlen(value->valuestring) > 100 || listener_parse(url, &address))
		return settings_complain(reason, size, "\"%s\" is no ADDRESS:PORT", value->valuestring);
	if (!listener_is_loopback(&address))
		return settings_complain(reason, size, "\"%s\" is no loopback address", value->valuestring);
	return 0;
}

int settings_check_group(const cJSON *value, char *reason, size_t size)
{
	char *end;

	if (!*value->valuestring || getgrnam(value->valuestring))
		return 0;
	if (isdigit((unsigned char)*value->valuestring) && strtoul(value->valuestring, &end, 10) < INT_MAX && !*end)
		return 0;
	return settings_complain(reason, size, "there is no group \"%s\"", value->valuestring);
}

static bool is_name(const char *text)
{
	return *text && !text[strcspn(text, " \t\"\\<>{}|^`?#@")];
}

int settings_check_addresses(const cJSON *value, char *reason, size_t size)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, value)
	{
		const char *text = item->valuestring;
		bool is_url = !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);

		if (!is_name(text) || (strstr(text, "://") && !is_url))
			return settings_complain(reason, size, "\"%s\" is no URL of a registry", text);
	}
	return 0;
}

int settings_check_names(const cJSON *value, char *reason, size_t size)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, value)
	{
		if (!is_name(item->valuestring) || strchr(item->valuestring, '/'))
			return settings_complain(reason, size, "\"%s\" is no HOST or HOST:PORT", item->valuestring);
	}
	return 0;
}

/* The members that an object of a registry or a runtime may have. */
struct member {
	const char *name;
	enum setting_kind kind;
	setting_check *check;
	const char *choices;
};

static int check_member(const struct member *members, size_t count, const cJSON *value, char *reason, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		const struct setting setting = { .kind = members[i].kind,
						 .check = members[i].check,
						 .choices = members[i].choices };

		if (!strcmp(value->string, members[i].name))
			return settings_check_value(&setting, value, reason, size);
	}
	return settings_complain(reason, size, "it is unknown");
}

static int check_members(const struct member *members, size_t count, const cJSON *object, char *reason, size_t size)
{
	char inner[SETTINGS_REASON / 2];
	const cJSON *item;

	if (!is_name(object->string))
		return settings_complain(reason, size, "\"%s\" is no name", object->string);
	if (!cJSON_IsObject(object))
		return settings_complain(reason, size, "\"%s\" must be an object", object->string);
	cJSON_ArrayForEach(item, object)
	{
		if (check_member(members, count, item, inner, sizeof(inner)))
			return settings_complain(reason, size, "\"%s\": \"%s\": %s", object->string, item->string,
						 inner);
		if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
			return settings_complain(reason, size, "\"%s\": \"%s\": it is there twice", object->string,
						 item->string);
	}
	return 0;
}

static bool has(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsString(item) && *item->valuestring;
}

int settings_check_registries(const cJSON *value, char *reason, size_t size)
{
	static const struct member members[] = {
		{ .name = "mirrors", .kind = SETTING_LIST, .check = settings_check_addresses },
		{ .name = "plain_http", .kind = SETTING_BOOL },
		{ .name = "skip_verify", .kind = SETTING_BOOL },
		{ .name = "ca", .kind = SETTING_PATH },
		{ .name = "cert", .kind = SETTING_PATH },
		{ .name = "key", .kind = SETTING_PATH },
	};
	const cJSON *item;

	cJSON_ArrayForEach(item, value)
	{
		if (check_members(members, sizeof(members) / sizeof(members[0]), item, reason, size))
			return -1;
		if (has(item, "cert") != has(item, "key"))
			return settings_complain(reason, size, "\"%s\": \"cert\" and \"key\" need each other",
						 item->string);
	}
	return 0;
}

int settings_check_runtimes(const cJSON *value, char *reason, size_t size)
{
	static const struct member members[] = {
		{ .name = "path", .kind = SETTING_PATH },
		{ .name = "runtimeArgs", .kind = SETTING_LIST },
		{ .name = "type", .kind = SETTING_TEXT, .choices = "|oci|shimv2|" },
	};
	const cJSON *item;

	cJSON_ArrayForEach(item, value)
	{
		if (check_members(members, sizeof(members) / sizeof(members[0]), item, reason, size))
			return -1;
		if (!has(item, "path"))
			return settings_complain(reason, size, "\"%s\": \"path\": it is missing", item->string);
	}
	return 0;
}
