/* SPDX-License-Identifier: Apache-2.0 */
/* The first process: command, environment, directory, user, capabilities. */
#include "container/settle.h"

#include "base/text.h"
#include "runtime/capability.h"
#include "sandbox/sandbox.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char step[] = "settle the process";

static const char default_command[] = "/bin/sh";

static size_t add(const char **to, size_t n, const char *const *from, size_t n_from)
{
	for (size_t i = 0; i < n_from; i++)
		to[n++] = from[i];
	return n;
}

/* A command replaces Entrypoint and Cmd, args alone replace Cmd (the CRI's and the OCI image specification's rule). */
static int settle_arguments(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	const struct image_config *image = &settled->image_config;
	struct runtime_process *process = &settled->description.process;
	size_t most = config->n_command + config->n_args + image->n_entrypoint + image->n_command + 1;
	const char **arguments = arena_array(arena, most, sizeof(*arguments));
	size_t n = 0;

	if (!arguments)
		return call_no_memory(call, step);
	if (config->n_command) {
		n = add(arguments, n, config->command, config->n_command);
		n = add(arguments, n, config->args, config->n_args);
	} else {
		n = add(arguments, n, image->entrypoint, image->n_entrypoint);
		n = config->n_args ? add(arguments, n, config->args, config->n_args)
				   : add(arguments, n, image->command, image->n_command);
	}
	if (!n)
		arguments[n++] = default_command;
	if (text_is_empty(arguments[0]))
		return call_fail(call, CRI_EINVAL, step, "command: its first element is empty");
	process->arguments = arguments;
	process->n_arguments = n;
	return 0;
}

/* Sets NAME=value, in the place of an earlier setting of the name. */
static size_t set_variable(const char **environment, size_t n, const char *text)
{
	size_t name = strcspn(text, "=") + 1;

	for (size_t i = 0; i < n; i++) {
		if (!strncmp(environment[i], text, name)) {
			environment[i] = text;
			return n;
		}
	}
	environment[n] = text;
	return n + 1;
}

/* HOSTNAME, which shells do not export, as every engine sets it. */
static const char *own_hostname(struct arena *arena, const cri_sandbox_config *config)
{
	char host[HOST_NAME_MAX + 1] = "";
	const char *name = host;

	if (!sandbox_shares_host_name(config))
		name = sandbox_hostname(arena, config);
	else if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	return name ? arena_printf(arena, "HOSTNAME=%s", name) : NULL;
}

static int settle_environment(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	const struct image_config *image = &settled->image_config;
	struct runtime_process *process = &settled->description.process;
	const char **environment = arena_array(arena, image->n_environment + config->n_envs + 2, sizeof(*environment));
	const char *hostname = own_hostname(arena, settled->sandbox_config);
	size_t n = 0;

	if (!environment || !hostname)
		return call_no_memory(call, step);
	n = set_variable(environment, n, hostname);
	for (size_t i = 0; i < image->n_environment; i++) {
		if (strchr(image->environment[i], '='))
			n = set_variable(environment, n, image->environment[i]);
	}
	for (size_t i = 0; i < config->n_envs; i++) {
		char *text = arena_printf(arena, "%s=%s", config->envs[i]->key, config->envs[i]->value);

		if (!text)
			return call_no_memory(call, step);
		n = set_variable(environment, n, text);
	}
	process->environment = environment;
	process->n_environment = n;
	return 0;
}

/* run_as_username wins over run_as_user (the 2019 interface), both win over the image. */
static int settle_user(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	struct runtime_process *process = &settled->description.process;

	if (!text_is_empty(config->run_as_username))
		process->user = config->run_as_username;
	else if (config->has_run_as_user)
		process->user = arena_printf(arena, "%lld", (long long)config->run_as_user);
	else
		process->user = settled->image_config.user;
	if (!process->user)
		return call_no_memory(call, step);
	process->has_group = config->has_run_as_group;
	process->group = config->run_as_group;
	process->groups = config->supplemental_groups;
	process->n_groups = config->n_supplemental_groups;
	process->groups_strict = config->supplemental_groups_policy == CRI_GROUPS_STRICT;
	return 0;
}

int settle_process(struct arena *arena, struct settled_container *settled, cri_call *call)
{
	const cri_container_config *config = settled->config;
	struct runtime_process *process = &settled->description.process;
	int result = settle_arguments(arena, settled, call);

	if (result == 0)
		result = settle_environment(arena, settled, call);
	if (result == 0)
		result = settle_user(arena, settled, call);
	if (result == 0)
		result = capability_sets(config, process->capabilities, call);
	if (result < 0)
		return result;
	process->directory = config->working_dir;
	if (text_is_empty(process->directory))
		process->directory = settled->image_config.working_dir;
	if (text_is_empty(process->directory))
		process->directory = "/";
	if (process->directory[0] != '/')
		return call_fail(call, CRI_EINVAL, step, "working_dir: \"%s\" is not absolute", process->directory);
	process->no_new_privs = config->no_new_privs;
	process->terminal = config->tty;
	if (settled->resources && (settled->resources->oom_score_adj || settled->resources->has_oom_score_adj)) {
		process->has_oom_score_adj = true;
		process->oom_score_adj = settled->resources->oom_score_adj;
	}
	return 0;
}
