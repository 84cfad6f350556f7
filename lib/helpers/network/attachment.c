/* SPDX-License-Identifier: Apache-2.0 */
/* A list of plugins, run one after another, as the CNI specification says. */
#include "helpers/network/pod.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "helpers/network/native.h"
#include "helpers/network/program.h"
#include "helpers/network/result.h"

#include <string.h>

/* Undoing has a time of its own: the deadline may have passed already. */
#define UNDO_NANOSECONDS (10 * NANOSECONDS_PER_SECOND)

const char *const command_names[COMMAND_COUNT] = {
	[COMMAND_ADD] = "ADD",       [COMMAND_DEL] = "DEL", [COMMAND_CHECK] = "CHECK",
	[COMMAND_STATUS] = "STATUS", [COMMAND_GC] = "GC",
};

static bool at_least(const char *version, const char *least)
{
	/* Of versions that are known, whose parts are single digits. */
	return strcmp(version, least) >= 0;
}

static const char *type_of(const cJSON *plugin)
{
	const char *type = "";

	(void)json_string(plugin, "type", &type);
	return type;
}

/* The arguments of the capabilities that the plugin has. */
static bool add_runtime_config(const struct attachment *attachment, cJSON *configuration)
{
	const cJSON *wanted = NULL, *capability;
	cJSON *arguments = NULL;

	(void)json_object(configuration, "capabilities", &wanted);
	cJSON_ArrayForEach(capability, wanted)
	{
		const cJSON *argument = cJSON_GetObjectItemCaseSensitive(attachment->capabilities, capability->string);
		cJSON *copy;

		if (!cJSON_IsTrue(capability) || !argument)
			continue;
		if (!arguments)
			arguments = cJSON_AddObjectToObject(configuration, "runtimeConfig");
		copy = cJSON_Duplicate(argument, true);
		if (!arguments || !copy || !cJSON_AddItemToObject(arguments, capability->string, copy)) {
			cJSON_Delete(copy);
			return false;
		}
	}
	cJSON_DeleteItemFromObjectCaseSensitive(configuration, "capabilities");
	return true;
}

/* What a plugin reads: its own section with the list's name and version, the arguments and the result so far. */
static int configure(const struct pod *pod, const struct attachment *attachment, const cJSON *plugin,
		     const cJSON *previous, cJSON **configuration, struct failure *failure)
{
	CLEANUP_JSON cJSON *made = cJSON_Duplicate(plugin, true);
	cJSON *result = NULL, *copy;

	if (!made)
		return fail_memory(failure);
	cJSON_DeleteItemFromObjectCaseSensitive(made, "name");
	cJSON_DeleteItemFromObjectCaseSensitive(made, "cniVersion");
	cJSON_DeleteItemFromObjectCaseSensitive(made, "prevResult");
	cJSON_DeleteItemFromObjectCaseSensitive(made, "runtimeConfig");
	if (!cJSON_AddStringToObject(made, "name", attachment->name) ||
	    !cJSON_AddStringToObject(made, "cniVersion", attachment->version) || !add_runtime_config(attachment, made))
		return fail_memory(failure);
	/* DEL has it from 0.4.0 on. */
	if (previous && (pod->command == COMMAND_ADD || at_least(attachment->version, "0.4.0"))) {
		int code = result_write(previous, attachment->version, &result, failure);

		if (code < 0)
			return code;
		if (!cJSON_AddItemToObject(made, "prevResult", result)) {
			cJSON_Delete(result);
			return fail_memory(failure);
		}
	}
	if (pod->command == COMMAND_GC) {
		copy = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(pod->valid, attachment->name), true);
		copy = copy ? copy : cJSON_CreateArray();
		if (!copy || !cJSON_AddItemToObject(made, VALID_KEY, copy)) {
			cJSON_Delete(copy);
			return fail_memory(failure);
		}
	}
	*configuration = TAKE_POINTER(made);
	return 0;
}

static int run_program(struct pod *pod, const struct attachment *attachment, const char *type,
		       const cJSON *configuration, cJSON **result, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY;
	CLEANUP_FREE char *text = cJSON_PrintUnformatted(configuration);
	CLEANUP_JSON cJSON *printed = NULL;
	int code;

	if (!text)
		return fail_memory(failure);
	/* What could not be started a moment ago has nothing to undo. */
	if (pod->undoing && !program_exists(pod, type))
		return 0;
	code = pod_await_namespace(pod, failure);
	if (code == 0)
		code = program_run(pod, type, attachment->interface, text, &output, failure);
	if (code < 0 || pod->command != COMMAND_ADD)
		return code;
	if (json_parse(output.data ? output.data : "", output.length, PROGRAM_OUTPUT_MAX, &printed) < 0)
		return fail(failure, CRI_EINVAL, "it succeeded, but what it printed is no JSON: \"%.200s\"",
			    output.data ? output.data : "");
	return result_read(printed, result, failure);
}

/* A program would free the address. The failure that keeps it is the call's, and DEL is tried again. */
static bool keeps_address(const struct attachment *attachment, const cJSON *configuration)
{
	return attachment->keep_addresses && cJSON_GetObjectItemCaseSensitive(configuration, "ipam");
}

/* The program that did ADD, or may have. Debian's bridge fails when its chain is not there, as when it was not the one
 * that did ADD; all that it does before is done. */
static int delete_by_program(struct pod *pod, const struct attachment *attachment, const cJSON *configuration,
			     enum program_rules kind, struct failure *failure)
{
	struct failure its = { 0 };
	cJSON *none = NULL;
	bool found = false;
	int code = program_rules_find(pod, attachment->name, kind, &found, failure);

	if (code < 0)
		return code;
	code = run_program(pod, attachment, type_of(configuration), configuration, &none, &its);
	if (code == 0 || (!found && program_rules_are_missed(pod, attachment->name, kind, its.text)))
		return 0;
	if (!failure->code)
		*failure = its;
	return code;
}

/*
 * Addresses and interfaces are the same for this program and the plugin's, but each has rules of its own. Whoever is
 * asked, both kinds are looked for: the program was run by ADD, or not, and may have forgotten its rules with the pod's
 * interface when it was killed in the middle of DEL. The address is free at the end only, and never while rules of it
 * may be left; but within one plugin's program the order is the program's own.
 */
static int delete_with_rules(struct pod *pod, struct attachment *attachment, const cJSON *configuration,
			     const cJSON *previous, enum program_rules kind, struct failure *failure)
{
	const bool known = native_can(pod, configuration);
	/* Without a directory of plugins no program can have done anything. What is only possible is no reason to
	 * insist on a program that is not there. */
	const bool programs = cJSON_GetArraySize(pod->path) > 0;
	const bool by_program =
		!known || !pod->in_process ||
		(programs && program_rules_may_be_hidden() && program_exists(pod, type_of(configuration)));
	cJSON *none = NULL;
	int code = known ? native_forget_rules(pod, attachment, configuration, failure) : 0;

	if (code == 0 && by_program && !keeps_address(attachment, configuration))
		(void)delete_by_program(pod, attachment, configuration, kind, failure);
	if (programs && program_rules_forget(pod, attachment->name, attachment->interface, kind, failure) < 0)
		attachment->keep_addresses = true;
	if (known)
		(void)native_run(pod, attachment, configuration, previous, &none, failure);
	return failure->code;
}

static int run_either(struct pod *pod, struct attachment *attachment, const cJSON *plugin, cJSON **result,
		      struct failure *failure)
{
	CLEANUP_JSON cJSON *configuration = NULL;
	enum program_rules kind = PROGRAM_RULES_NONE;
	cJSON *next = NULL;
	int code = configure(pod, attachment, plugin, *result, &configuration, failure);

	if (code < 0)
		return code;
	if (pod->command == COMMAND_DEL)
		kind = native_rules_of(configuration);
	if (kind != PROGRAM_RULES_NONE)
		return delete_with_rules(pod, attachment, configuration, *result, kind, failure);
	if (pod->in_process && native_can(pod, configuration))
		code = native_run(pod, attachment, configuration, *result, &next, failure);
	else if (pod->command != COMMAND_DEL || !keeps_address(attachment, configuration))
		code = run_program(pod, attachment, type_of(plugin), configuration, &next, failure);
	if (next) {
		cJSON_Delete(*result);
		*result = next;
	}
	return code;
}

/* One plugin. For ADD `*result` becomes its result; it begins as that of the one before. Of several that fail the
 * first is described. */
static int run_plugin(struct pod *pod, struct attachment *attachment, const cJSON *plugin, cJSON **result,
		      struct failure *failure)
{
	struct failure its = { 0 };
	int code = run_either(pod, attachment, plugin, result, &its);

	if (code < 0 && !failure->code) {
		fail_where(&its, "network %s: plugin %s: %s", attachment->name, type_of(plugin),
			   command_names[pod->command]);
		*failure = its;
	}
	return code;
}

int attachment_delete(struct pod *pod, struct attachment *attachment, struct failure *failure)
{
	const cJSON *plugins = cJSON_GetObjectItemCaseSensitive(attachment->list, "plugins");
	int result = 0;

	pod->command = COMMAND_DEL;
	attachment->keep_addresses = false;
	for (int i = cJSON_GetArraySize(plugins) - 1; i >= 0; i--) {
		const cJSON *plugin = cJSON_GetArrayItem(plugins, i);
		int code = run_plugin(pod, attachment, plugin, &attachment->result, failure);

		if (code < 0 && !strcmp(type_of(plugin), "portmap"))
			attachment->keep_addresses = true;
		/* What can be given back is given back, whatever fails. */
		result = result < 0 ? result : code;
	}
	return result;
}

int attachment_add(struct pod *pod, struct attachment *attachment, bool *undone, struct failure *failure)
{
	const cJSON *plugin;
	int code = 0;

	*undone = true;
	pod->command = COMMAND_ADD;
	cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(attachment->list, "plugins"))
	{
		code = run_plugin(pod, attachment, plugin, &attachment->result, failure);
		if (code < 0)
			break;
	}
	if (code < 0) {
		struct failure ignored = { 0 };
		struct pod undoing = *pod;

		undoing.deadline = clock_boot() + UNDO_NANOSECONDS;
		/* A hang-up must not stop it. */
		undoing.control = -1;
		undoing.early = false;
		undoing.undoing = true;
		*undone = attachment_delete(&undoing, attachment, &ignored) == 0;
	}
	return code;
}

int attachment_ask(struct pod *pod, struct attachment *attachment, struct failure *failure)
{
	const char *least = pod->command == COMMAND_CHECK ? "0.4.0" : "1.1.0";
	const cJSON *plugin;
	bool disabled = false;

	if (pod->command == COMMAND_CHECK)
		(void)json_bool(attachment->list, "disableCheck", &disabled);
	if (pod->command == COMMAND_GC)
		(void)json_bool(attachment->list, "disableGC", &disabled);
	if (disabled || !at_least(attachment->version, least))
		return 0;
	cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(attachment->list, "plugins"))
	{
		int code = run_plugin(pod, attachment, plugin, &attachment->result, failure);

		if (code < 0)
			return code;
	}
	return 0;
}
