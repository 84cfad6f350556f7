/* SPDX-License-Identifier: Apache-2.0 */
/* The settings as the engine's options. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* NULL: no memory, or more than there is room for. */
static void *block(struct engine_settings *made, size_t count, size_t size)
{
	void *memory;

	if (made->n_blocks == sizeof(made->blocks) / sizeof(made->blocks[0]))
		return NULL;
	memory = calloc(count ? count : 1, size);
	if (memory)
		made->blocks[made->n_blocks++] = memory;
	return memory;
}

static int take_list(struct engine_settings *made, const cJSON *list, const char *const **items, size_t *count)
{
	size_t size = (size_t)cJSON_GetArraySize(list), used = 0;
	const char **texts;
	const cJSON *item;

	if (!size)
		return 0;
	texts = block(made, size, sizeof(*texts));
	if (!texts)
		return -1;
	cJSON_ArrayForEach(item, list) texts[used++] = item->valuestring;
	*items = texts;
	*count = size;
	return 0;
}

/* Splits at commas. */
static int take_paths(struct engine_settings *made, const char *text, const char *const **items, size_t *count)
{
	size_t size = 1, used = 0;
	const char **paths;
	char *copy, *path;

	if (!*text)
		return 0;
	for (const char *at = text; *at; at++)
		size += *at == ',';
	copy = block(made, strlen(text) + 1, 1);
	paths = block(made, size, sizeof(*paths));
	if (!copy || !paths)
		return -1;
	strcpy(copy, text);
	while ((path = strsep(&copy, ",")))
		paths[used++] = path;
	*items = paths;
	*count = size;
	return 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsString(value) ? value->valuestring : NULL;
}

static bool bool_of(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* One block for all the mirrors of all the registries, and one each for the options and the pointers to them. */
static int take_registries(struct engine_settings *made, const cJSON *registries)
{
	size_t size = (size_t)cJSON_GetArraySize(registries), n_mirrors = 0, used = 0;
	cri_registry_options *options = block(made, size, sizeof(*options));
	const cri_registry_options **pointers = block(made, size, sizeof(*pointers));
	const char **mirrors;
	const cJSON *registry, *mirror;

	cJSON_ArrayForEach(registry, registries) n_mirrors +=
		(size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(registry, "mirrors"));
	mirrors = block(made, n_mirrors, sizeof(*mirrors));
	if (!options || !pointers || !mirrors)
		return -1;
	cJSON_ArrayForEach(registry, registries)
	{
		cri_registry_options *one = &options[used];

		*one = (cri_registry_options){ CRI_REGISTRY_OPTIONS_INIT,
					       .host = registry->string,
					       .mirrors = mirrors,
					       .plain_http = bool_of(registry, "plain_http"),
					       .skip_verify = bool_of(registry, "skip_verify"),
					       .ca_file = text_of(registry, "ca"),
					       .certificate_file = text_of(registry, "cert"),
					       .key_file = text_of(registry, "key") };
		cJSON_ArrayForEach(mirror, cJSON_GetObjectItemCaseSensitive(registry, "mirrors"))
		{
			*mirrors++ = mirror->valuestring;
			one->n_mirrors++;
		}
		pointers[used++] = one;
	}
	made->options.registries = pointers;
	made->options.n_registries = size;
	return 0;
}

static int take_handlers(struct engine_settings *made, const cJSON *runtimes)
{
	size_t size = (size_t)cJSON_GetArraySize(runtimes), n_args = 0, used = 0;
	cri_handler_options *options = block(made, size, sizeof(*options));
	const cri_handler_options **pointers = block(made, size, sizeof(*pointers));
	const cJSON *runtime, *arg;
	const char **args;

	cJSON_ArrayForEach(runtime, runtimes) n_args +=
		(size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(runtime, "runtimeArgs"));
	args = block(made, n_args, sizeof(*args));
	if (!options || !pointers || !args)
		return -1;
	cJSON_ArrayForEach(runtime, runtimes)
	{
		cri_handler_options *one = &options[used];
		const char *type = text_of(runtime, "type");

		*one = (cri_handler_options){ CRI_HANDLER_OPTIONS_INIT, .name = runtime->string,
					      .type = type ? type : "oci", .path = text_of(runtime, "path"),
					      .args = args };
		cJSON_ArrayForEach(arg, cJSON_GetObjectItemCaseSensitive(runtime, "runtimeArgs"))
		{
			*args++ = arg->valuestring;
			one->n_args++;
		}
		pointers[used++] = one;
	}
	made->options.handlers = pointers;
	made->options.n_handlers = size;
	return 0;
}

static cri_network_plugin network_plugin(const struct settings *settings)
{
	const char *name = settings_text(settings, "network-plugin", NULL);

	if (!strcasecmp(name, "cni"))
		return CRI_NETWORK_CNI;
	return strcasecmp(name, "native") ? CRI_NETWORK_NONE : CRI_NETWORK_NATIVE;
}

int engine_settings_make(const struct settings *settings, struct engine_settings *made)
{
	cri_engine_options *options = &made->options;

	*made = (struct engine_settings){
		.options = { CRI_ENGINE_OPTIONS_INIT, .root = settings_text(settings, "graph", NULL),
			     .state = settings_text(settings, "state", NULL), .log_level = settings_log_level(settings),
			     .cgroup_parent = settings_text(settings, "cgroup-parent", NULL),
			     .pod_sandbox_image = settings_text(settings, "pod-sandbox-image", NULL),
			     .default_handler = settings_text(settings, "default-runtime", NULL),
			     .network_plugin = network_plugin(settings),
			     .image_policy_file = settings_text(settings, "image-policy", NULL),
			     .verify_embedded_at_mount = settings_bool(settings, "verify-embedded-at-mount"),
			     .sync_writable_layers = settings_bool(settings, "sync-writable-layers"),
			     .cni_exec_all = settings_bool(settings, "cni-exec-all"),
			     .cni_config_directory = settings_text(settings, "cni-conf-dir", NULL) },
		.stream = { CRI_STREAM_SERVER_OPTIONS_INIT, .address = settings_text(settings, "stream-address", NULL),
			    .port = (uint16_t)settings_number(settings, "websocket-server-listening-port"),
			    .certificate_file = settings_text(settings, "stream-tls-config", "CertFile"),
			    .key_file = settings_text(settings, "stream-tls-config", "KeyFile"),
			    .ca_file = settings_text(settings, "stream-tls-config", "CAFile") }
	};
	if (settings_bool(settings, "systemd-cgroup"))
		options->cgroup_driver = CRI_CGROUP_SYSTEMD;
	if (take_paths(made, settings_text(settings, "cni-bin-dir", NULL), &options->cni_plugin_directories,
		       &options->n_cni_plugin_directories) ||
	    take_list(made, settings_value(settings, "registry-mirrors"), &options->registry_mirrors,
		      &options->n_registry_mirrors) ||
	    take_list(made, settings_value(settings, "insecure-registries"), &options->insecure_registries,
		      &options->n_insecure_registries) ||
	    take_registries(made, settings_value(settings, "registries")) ||
	    take_handlers(made, settings_value(settings, "runtimes"))) {
		engine_settings_clear(made);
		return -1;
	}
	return 0;
}

void engine_settings_clear(struct engine_settings *made)
{
	for (size_t i = 0; i < made->n_blocks; i++)
		free(made->blocks[i]);
	made->n_blocks = 0;
}
