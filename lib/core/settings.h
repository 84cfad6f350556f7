/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that cri_engine_reload may change. A call takes them once and keeps what it took to its end, across waits
 * too; a reload meanwhile is for the next call.
 */
#ifndef LIBCRI_CORE_SETTINGS_H
#define LIBCRI_CORE_SETTINGS_H

#include "base/arena.h"
#include "core/engine.h"

#include <stdatomic.h>

struct settings {
	atomic_uint references;
	struct arena arena; /* owns what follows; empty for those of the open, which the engine's arena owns */
	const char *const *cni_plugin_directories;
	size_t n_cni_plugin_directories;
	const char *cni_config_directory;
	const cri_registry_options *const *registries;
	size_t n_registries;
	const char *const *registry_mirrors;
	size_t n_registry_mirrors;
	const char *const *insecure_registries;
	size_t n_insecure_registries;
};

/* Moves them from the engine's settled options, where these members are empty from now on. */
int settings_begin(cri_engine *engine, cri_call *call);

/* Never NULL in an opened engine. Each is given back by settings_release, which takes NULL. */
const struct settings *settings_take(cri_engine *engine);
void settings_release(const struct settings *settings);

static inline void cleanup_settings(const struct settings **settings)
{
	settings_release(*settings);
}
#define CLEANUP_SETTINGS CLEANUP(cleanup_settings)

#endif
