/* SPDX-License-Identifier: Apache-2.0 */
#include "helpers/network/native.h"

#include "base/json.h"
#include "base/text.h"
#include "helpers/network/rules.h"

#include <string.h>

/* What the program's reader takes for "not given". */
static bool is_zero(const cJSON *value)
{
	return cJSON_IsFalse(value) || cJSON_IsNull(value) || (cJSON_IsNumber(value) && value->valuedouble == 0) ||
	       (cJSON_IsString(value) && !*value->valuestring) ||
	       ((cJSON_IsArray(value) || cJSON_IsObject(value)) && !value->child);
}

bool native_only_known(const cJSON *object, const char *const *known)
{
	const cJSON *member;

	if (!cJSON_IsObject(object))
		return false;
	cJSON_ArrayForEach(member, object)
	{
		const char *const *name = known;

		while (*name && strcmp(*name, member->string) != 0)
			name++;
		if (!*name && !is_zero(member))
			return false;
	}
	return true;
}

static bool loopback_can(const cJSON *configuration)
{
	static const char *const known[] = { "type",          "name",    "cniVersion", "prevResult",
					     "runtimeConfig", VALID_KEY, NULL };

	return native_only_known(configuration, known);
}

/* CNI_ARGS that bridge or host-local know, and that ask for what is not done here. */
static bool has_special_arguments(const char *args)
{
	static const char *const keys[] = { "IP=", "MAC=" };

	for (const char *at = args; *at; at += strcspn(at, ";"), at += *at == ';') {
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			if (text_starts(at, keys[i]))
				return true;
		}
	}
	return false;
}

bool native_can(const struct pod *pod, const cJSON *configuration)
{
	const char *type = "";

	(void)json_string(configuration, "type", &type);
	if (!strcmp(type, "bridge"))
		return !has_special_arguments(pod->args) && bridge_can(configuration);
	if (!strcmp(type, "portmap"))
		return portmap_can(configuration);
	return !strcmp(type, "loopback") && loopback_can(configuration);
}

enum program_rules native_rules_of(const cJSON *configuration)
{
	const char *type = "";

	(void)json_string(configuration, "type", &type);
	if (!strcmp(type, "portmap"))
		return portmap_makes_rules(configuration) ? PROGRAM_RULES_PORTS : PROGRAM_RULES_NONE;
	return bridge_makes_rules(configuration) ? PROGRAM_RULES_MASQUERADE : PROGRAM_RULES_NONE;
}

int native_forget_rules(struct pod *pod, const struct attachment *attachment, const cJSON *configuration,
			struct failure *failure)
{
	const char *type = "";

	(void)json_string(configuration, "type", &type);
	return rules_forget(pod, attachment->interface, strcmp(type, "bridge") ? PORTMAP_SETS : BRIDGE_SETS, failure);
}

int native_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
	       cJSON **result, struct failure *failure)
{
	const char *type = "";

	(void)json_string(configuration, "type", &type);
	/* There is nothing that would have to be ready. Rules of a pod that nobody knows cannot be told from those of a
	 * pod of another engine, and go with a restart of the machine; addresses stay, by network. */
	if (pod->command == COMMAND_STATUS || (pod->command == COMMAND_GC && strcmp(type, "bridge") != 0))
		return 0;
	if (!strcmp(type, "bridge"))
		return bridge_run(pod, attachment, configuration, previous, result, failure);
	if (!strcmp(type, "portmap"))
		return portmap_run(pod, attachment, configuration, previous, result, failure);
	return loopback_run(pod, attachment, previous, result, failure);
}
