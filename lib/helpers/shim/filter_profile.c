/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles in the JSON that engines share: the OCI runtime specification's linux.seccomp, and Docker's, which adds
 * archMap, and conditions to rules. As in the other engines a system call that is not known here is passed over, since
 * profiles are written for many kernels.
 */
#include "filter_library.h"

#include "runtime/capability.h"

#include "base/json.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#define PROFILE_LIMIT (1u << 20)
#define ARGUMENTS_MAX 6

static int malformed(struct filter *filter, const char *what, const char *value)
{
	return fail(filter->failure, CRI_EINVAL, 0, filter_step, "%s: \"%.64s\" is not known", what, value);
}

static int parse_action(struct filter *filter, const char *name, int64_t error, uint32_t *action)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	};

	if (error < 0 || error > 4095)
		return fail(filter->failure, CRI_EINVAL, 0, filter_step, "errnoRet: %lld is no error",
			    (long long)error);
	if (strcmp(name, "SCMP_ACT_ERRNO") == 0) {
		*action = SCMP_ACT_ERRNO((uint32_t)error);
		return 0;
	}
	if (strcmp(name, "SCMP_ACT_TRACE") == 0) {
		*action = SCMP_ACT_TRACE((uint32_t)error);
		return 0;
	}
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(actions[i].name, name) == 0) {
			*action = actions[i].action;
			return 0;
		}
	}
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return fail(filter->failure, CRI_ENOTSUP, 0, filter_step,
			    "SCMP_ACT_NOTIFY: there is no listener to notify");
	return malformed(filter, "action", name);
}

/* The action that an object names, with its error. */
static int read_action(struct filter *filter, const cJSON *object, const char *action_key, const char *error_key,
		       uint32_t *action)
{
	const char *name = "";
	int64_t error = EPERM;

	if (json_string(object, action_key, &name) < 0)
		return fail(filter->failure, CRI_EINVAL, 0, filter_step, "%s is missing or no text", action_key);
	if (json_int64(object, error_key, &error) == -EINVAL)
		return fail(filter->failure, CRI_EINVAL, 0, filter_step, "%s is no number", error_key);
	return parse_action(filter, name, error, action);
}

/* "SCMP_ARCH_X86_64" */
static int add_architecture(struct filter *filter, const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	char lower[32];
	size_t length;

	if (strncmp(name, prefix, strlen(prefix)) != 0 || strlen(name) - strlen(prefix) >= sizeof(lower))
		return malformed(filter, "architecture", name);
	name += strlen(prefix);
	length = strlen(name);
	for (size_t i = 0; i <= length; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	/* 0: one that this library does not know, and this machine has not. */
	return filter_add_architecture(filter, filter->library->arch_resolve_name(lower));
}

static int add_architectures(struct filter *filter, const cJSON *names)
{
	const cJSON *name;

	cJSON_ArrayForEach(name, names)
	{
		int result = cJSON_IsString(name) ? add_architecture(filter, name->valuestring)
						  : malformed(filter, "architectures", "");

		if (result < 0)
			return result;
	}
	return 0;
}

/* Docker's: what else this machine runs. */
static int add_architecture_map(struct filter *filter, const cJSON *map)
{
	uint32_t native = filter->library->arch_native();
	const cJSON *entry;

	cJSON_ArrayForEach(entry, map)
	{
		const cJSON *others = NULL;
		const char *name = "";
		char lower[32] = "";
		int result;

		if (json_string(entry, "architecture", &name) < 0 || strlen(name) < strlen("SCMP_ARCH_"))
			return malformed(filter, "archMap", name);
		name += strlen("SCMP_ARCH_");
		for (size_t i = 0; name[i] && i + 1 < sizeof(lower); i++)
			lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
		if (filter->library->arch_resolve_name(lower) != native)
			continue;
		(void)json_array(entry, "subArchitectures", &others);
		result = add_architectures(filter, others);
		if (result < 0)
			return result;
	}
	return 0;
}

/* --- conditions of rules (Docker's) --- */

static bool lists(const cJSON *array, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		if (cJSON_IsString(item) && strcasecmp(item->valuestring, text) == 0)
			return true;
	}
	return false;
}

/* As uname and Go name this machine. */
static bool lists_machine(const cJSON *array)
{
	struct utsname name;

	if (uname(&name) < 0)
		return false;
	if (lists(array, name.machine))
		return true;
	return (strcmp(name.machine, "x86_64") == 0 && lists(array, "amd64")) ||
	       (strcmp(name.machine, "aarch64") == 0 && lists(array, "arm64"));
}

static bool has_all_capabilities(const struct filter *filter, const cJSON *array, bool any)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		int number = cJSON_IsString(item) ? capability_from_name(item->valuestring) : -1;
		bool has = number >= 0 && filter->capabilities & (UINT64_C(1) << number);

		if (has == any)
			return any;
	}
	return !any;
}

static bool has_kernel(const char *minimum)
{
	struct utsname name;
	unsigned int major = 0, minor = 0, needed_major = 0, needed_minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
	    sscanf(minimum, "%u.%u", &needed_major, &needed_minor) != 2)
		return false;
	return major > needed_major || (major == needed_major && minor >= needed_minor);
}

static bool is_wanted(const struct filter *filter, const cJSON *rule)
{
	const cJSON *conditions = NULL, *list = NULL;
	const char *kernel;

	if (json_object(rule, "includes", &conditions) == 0) {
		if (json_array(conditions, "caps", &list) == 0 && cJSON_GetArraySize(list) &&
		    !has_all_capabilities(filter, list, false))
			return false;
		if (json_array(conditions, "arches", &list) == 0 && cJSON_GetArraySize(list) && !lists_machine(list))
			return false;
		if (json_string(conditions, "minKernel", &kernel) == 0 && *kernel && !has_kernel(kernel))
			return false;
	}
	if (json_object(rule, "excludes", &conditions) == 0) {
		if (json_array(conditions, "caps", &list) == 0 && has_all_capabilities(filter, list, true))
			return false;
		if (json_array(conditions, "arches", &list) == 0 && lists_machine(list))
			return false;
		if (json_string(conditions, "minKernel", &kernel) == 0 && *kernel && has_kernel(kernel))
			return false;
	}
	return true;
}

/* --- rules --- */

static int read_argument(struct filter *filter, const cJSON *object, struct scmp_arg_cmp *argument)
{
	static const struct {
		const char *name;
		enum scmp_compare compare;
	} operators[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE },
		{ "SCMP_CMP_LT", SCMP_CMP_LT },
		{ "SCMP_CMP_LE", SCMP_CMP_LE },
		{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
		{ "SCMP_CMP_GE", SCMP_CMP_GE },
		{ "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};
	uint64_t index = 0, value = 0, second = 0;
	const char *name = "";

	if (json_uint64(object, "index", &index) < 0 || index >= ARGUMENTS_MAX ||
	    json_uint64(object, "value", &value) < 0 || json_uint64(object, "valueTwo", &second) == -EINVAL ||
	    json_string(object, "op", &name) < 0)
		return fail(filter->failure, CRI_EINVAL, 0, filter_step,
			    "args: index is not 0 to 5, or value, valueTwo or op are missing or none");
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (strcmp(operators[i].name, name) != 0)
			continue;
		*argument = (struct scmp_arg_cmp){ (unsigned int)index, operators[i].compare, value, second };
		return 0;
	}
	return malformed(filter, "op", name);
}

struct rule {
	uint32_t action;
	struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
	unsigned int n_arguments;
	bool apart; /* two conditions of one argument: either is enough, as every engine has it */
};

static int read_rule(struct filter *filter, const cJSON *object, struct rule *rule)
{
	const cJSON *arguments = NULL, *argument;
	unsigned int seen = 0;
	int result = read_action(filter, object, "action", "errnoRet", &rule->action);

	if (result < 0)
		return result;
	/* null in Docker's. */
	(void)json_array(object, "args", &arguments);
	cJSON_ArrayForEach(argument, arguments)
	{
		struct scmp_arg_cmp *next = &rule->arguments[rule->n_arguments];

		if (rule->n_arguments == ARGUMENTS_MAX)
			return fail(filter->failure, CRI_EINVAL, 0, filter_step, "args: more than %d", ARGUMENTS_MAX);
		result = read_argument(filter, argument, next);
		if (result < 0)
			return result;
		rule->apart = rule->apart || seen & (1u << next->arg);
		seen |= 1u << next->arg;
		rule->n_arguments++;
	}
	return 0;
}

static int add_call(struct filter *filter, const struct rule *rule, const char *name)
{
	int number = filter->library->resolve_name(name);
	int result = 0;

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (!rule->apart)
		return filter_add_rule(filter, rule->action, number, rule->arguments, rule->n_arguments);
	for (unsigned int i = 0; i < rule->n_arguments && result == 0; i++)
		result = filter_add_rule(filter, rule->action, number, &rule->arguments[i], 1);
	return result;
}

static int add_rule(struct filter *filter, const cJSON *object, uint32_t default_action)
{
	const cJSON *names = NULL, *name;
	struct rule rule = { 0 };
	const char *single = "";
	int result = read_rule(filter, object, &rule);

	/* libseccomp takes no rule that says what is so anyway. */
	if (result < 0 || rule.action == default_action || !is_wanted(filter, object))
		return result;
	if (json_string(object, "name", &single) == 0 && *single)
		return add_call(filter, &rule, single);
	if (json_array(object, "names", &names) < 0)
		return fail(filter->failure, CRI_EINVAL, 0, filter_step, "a rule has no names");
	cJSON_ArrayForEach(name, names)
	{
		result = cJSON_IsString(name) ? add_call(filter, &rule, name->valuestring)
					      : malformed(filter, "names", "");
		if (result < 0)
			return result;
	}
	return 0;
}

/* What is about how a filter is loaded, and who listens to it. cri-init loads it without flags. */
static int check_rest(struct filter *filter, const cJSON *profile)
{
	const cJSON *flags = NULL, *flag;
	const char *listener = "";

	if (json_string(profile, "listenerPath", &listener) == 0 && *listener)
		return fail(filter->failure, CRI_ENOTSUP, 0, filter_step, "listenerPath: there are no listeners");
	(void)json_array(profile, "flags", &flags);
	cJSON_ArrayForEach(flag, flags)
	{
		/* For all threads: the process that loads it has one. */
		if (!cJSON_IsString(flag) || strcmp(flag->valuestring, "SECCOMP_FILTER_FLAG_TSYNC") != 0)
			return fail(filter->failure, CRI_ENOTSUP, 0, filter_step, "flags: \"%.64s\" is not built yet",
				    cJSON_IsString(flag) ? flag->valuestring : "");
	}
	return 0;
}

int filter_fill_profile(struct filter *filter, const char *json, size_t length)
{
	CLEANUP_JSON cJSON *profile = NULL;
	const cJSON *list = NULL, *rule;
	uint32_t default_action = 0;
	int result = json_parse(json, length, PROFILE_LIMIT, &profile);

	if (result < 0 || !cJSON_IsObject(profile))
		return fail(filter->failure, CRI_EINVAL, result, filter_step, "it is no JSON object");
	result = read_action(filter, profile, "defaultAction", "defaultErrnoRet", &default_action);
	if (result == 0)
		result = check_rest(filter, profile);
	if (result < 0)
		return result;
	filter->context = filter->library->init(default_action);
	if (!filter->context)
		return fail(filter->failure, CRI_ENOMEM, ENOMEM, filter_step, "begin");
	if (json_array(profile, "architectures", &list) == 0)
		result = add_architectures(filter, list);
	if (result == 0 && json_array(profile, "archMap", &list) == 0)
		result = add_architecture_map(filter, list);
	if (result < 0 || json_array(profile, "syscalls", &list) < 0)
		return result;
	cJSON_ArrayForEach(rule, list)
	{
		result = add_rule(filter, rule, default_action);
		if (result < 0)
			return result;
	}
	return 0;
}
