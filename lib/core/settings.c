/* SPDX-License-Identifier: Apache-2.0 */
#include "core/settings.h"

#include "config/config.h"
#include "core/api.h"
#include "core/options.h"
#include "image/fetch.h"
#include "network/network.h"

#include <stdlib.h>
#include <string.h>

static const char step[] = "reload the options";

/* Leaves in `options` what a reload cannot change. */
static void move(struct settings *settings, cri_engine_options *options)
{
	settings->cni_plugin_directories = options->cni_plugin_directories;
	settings->n_cni_plugin_directories = options->n_cni_plugin_directories;
	settings->cni_config_directory = options->cni_config_directory;
	settings->registries = options->registries;
	settings->n_registries = options->n_registries;
	settings->registry_mirrors = options->registry_mirrors;
	settings->n_registry_mirrors = options->n_registry_mirrors;
	settings->insecure_registries = options->insecure_registries;
	settings->n_insecure_registries = options->n_insecure_registries;
	options->cni_plugin_directories = NULL;
	options->n_cni_plugin_directories = 0;
	options->cni_config_directory = "";
	options->registries = NULL;
	options->n_registries = 0;
	options->registry_mirrors = NULL;
	options->n_registry_mirrors = 0;
	options->insecure_registries = NULL;
	options->n_insecure_registries = 0;
}

static struct settings *make(void)
{
	struct settings *made = calloc(1, sizeof(*made));

	if (made)
		atomic_init(&made->references, 1);
	return made;
}

int settings_begin(cri_engine *engine, cri_call *call)
{
	struct settings *made = make();

	if (!made)
		return call_no_memory(call, step);
	move(made, &engine->options);
	engine->current = made;
	return 0;
}

const struct settings *settings_take(cri_engine *engine)
{
	struct settings *taken;

	pthread_mutex_lock(&engine->settings);
	taken = engine->current;
	atomic_fetch_add(&taken->references, 1);
	pthread_mutex_unlock(&engine->settings);
	return taken;
}

void settings_release(const struct settings *settings)
{
	struct settings *released = (struct settings *)settings;

	if (!released || atomic_fetch_sub(&released->references, 1) > 1)
		return;
	arena_free(&released->arena);
	free(released);
}

/* Settles what was given, and finds the member that must be as it was and is not. */
static int settle(cri_engine *engine, const cri_engine_options *given, struct settings *fresh, cri_log_level *log_level,
		  cri_call *call)
{
	cri_engine_options options, opened;
	const char *member;
	int result = options_settle(&fresh->arena, given, &options, call);

	if (result < 0)
		return result;
	*log_level = options.log_level;
	move(fresh, &options);
	pthread_mutex_lock(&engine->settings);
	opened = engine->options;
	pthread_mutex_unlock(&engine->settings);
	options.log_level = opened.log_level;
	member = config_difference(&config_engine_options, &opened, &options);
	if (member)
		return call_fail(call, CRI_EINVAL, step, "%s: it is another than the engine was opened with", member);
	return 0;
}

static int reload(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_engine_options *const *given = pointer;
	struct settings *fresh = make();
	const struct settings *old = fresh;
	struct fetch_service *service = NULL;
	cri_log_level log_level = CRI_LOG_INFO;
	int result = fresh ? settle(engine, *given, fresh, &log_level, call) : call_no_memory(call, step);

	(void)output;
	if (result == 0) {
		pthread_mutex_lock(&engine->settings);
		old = engine->current;
		engine->current = fresh;
		engine->options.log_level = log_level;
		/* It keeps connections and tokens that were got by the old settings. Pulls that go on have sockets of
		 * their own to it, and it ends with the last. */
		service = engine->fetch_service;
		engine->fetch_service = NULL;
		pthread_mutex_unlock(&engine->settings);
	}
	fetch_service_free(service);
	settings_release(old);
	return result < 0 ? result : network_refresh(engine, call);
}

int cri_engine_reload(cri_engine *engine, const cri_engine_options *options, cri_call *call)
{
	return api_call(engine, reload, &options, NULL, call);
}
