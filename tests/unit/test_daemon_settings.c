/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.json and the command line: what is taken, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32

static char warnings[4096];
static char reason[SETTINGS_REASON];
static char file[64];

static void note_warning(const char *text)
{
	size_t length = strlen(warnings);

	snprintf(warnings + length, sizeof(warnings) - length, "%s\n", text);
}

static void write_file(const char *text)
{
	size_t length = strlen(text);
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, length, out), length);
	assert_int_equal(fclose(out), 0);
}

/* The command line, of words separated by blanks, and the file; NULL: none. */
static int load(struct settings *settings, const char *line, const char *text)
{
	char copy[512], *words[ARGUMENTS_MAX] = { (char *)"cri-server" }, *rest = NULL;
	int count = 1;

	warnings[0] = reason[0] = '\0';
	snprintf(copy, sizeof(copy), "%s%s %s", text ? "--config " : "", text ? file : "", line);
	if (text)
		write_file(text);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (settings_parse(settings, count, words, reason, sizeof(reason)))
		return -1;
	return settings_load(settings, note_warning, reason, sizeof(reason));
}

static void check_refused(const char *line, const char *text, const char *expected)
{
	struct settings settings;

	if (!load(&settings, line, text))
		fail_msg("%s %s was taken", line, text ? text : "");
	if (!strstr(reason, expected))
		fail_msg("\"%s\" does not say \"%s\"", reason, expected);
	settings_clear(&settings);
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(file, "/tmp/libcri-settings-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return 0;
}

/* --- values --- */

static void test_defaults(void **state)
{
	struct settings settings;
	struct engine_settings engine;

	(void)state;
	assert_int_equal(load(&settings, "", "{}"), 0);
	assert_string_equal(settings_text(&settings, "hosts", NULL), "unix:///run/libcri/cri.sock");
	assert_null(settings_value(&settings, "hosts"));
	assert_int_equal(settings_gid(&settings), -1);
	assert_int_equal(settings_log_level(&settings), CRI_LOG_INFO);
	assert_int_equal(settings_number(&settings, "drain-timeout"), 30);
	assert_int_equal(engine_settings_make(&settings, &engine), 0);
	assert_string_equal(engine.options.root, "/var/lib/libcri");
	assert_string_equal(engine.options.state, "/run/libcri");
	assert_int_equal(engine.options.network_plugin, CRI_NETWORK_CNI);
	assert_int_equal(engine.options.cgroup_driver, CRI_CGROUP_CGROUPFS);
	assert_int_equal(engine.options.n_registries, 0);
	assert_int_equal(engine.options.n_cni_plugin_directories, 0);
	assert_int_equal(engine.stream.port, 10350);
	assert_string_equal(engine.stream.address, "127.0.0.1");
	engine_settings_clear(&engine);
	settings_clear(&settings);
}

static const char everything[] =
	"{\"hosts\": [\"unix:///a\", \"unix:///b\"], \"graph\": \"/g\", \"state\": \"/s\", \"pidfile\": \"/p\","
	" \"group\": \"0\", \"log-level\": \"WARN\", \"default-runtime\": \"runc\","
	" \"runtimes\": {\"runc\": {\"path\": \"/usr/bin/runc\", \"runtimeArgs\": [\"--debug\", \"x\"]},"
	"                \"kata\": {\"path\": \"/usr/bin/kata\", \"type\": \"shimv2\"}},"
	" \"pod-sandbox-image\": \"pause-${machine}:3.0\", \"network-plugin\": \"\","
	" \"cni-bin-dir\": \"/one,/two\", \"cni-conf-dir\": \"/conf\","
	" \"registry-mirrors\": [\"https://m1\", \"http://m2:5000\"], \"insecure-registries\": [\"h:1\"],"
	" \"registries\": {\"r.local:5000\": {\"mirrors\": [\"http://x\", \"https://y\"], \"plain_http\": true,"
	"                  \"skip_verify\": true, \"ca\": \"/ca\", \"cert\": \"/cert\", \"key\": \"/key\"},"
	"                  \"docker.io\": {}},"
	" \"websocket-server-listening-port\": 10351, \"stream-address\": \"::1\","
	" \"stream-tls-config\": {\"CAFile\": \"/sca\", \"CertFile\": \"/sc\", \"KeyFile\": \"/sk\"},"
	" \"cgroup-parent\": \"a-b.slice\", \"systemd-cgroup\": true, \"metrics-address\": \"127.0.0.1:9\","
	" \"drain-timeout\": 1}";

static void check_registries(const cri_engine_options *options)
{
	const cri_registry_options *one = options->registries[0];

	assert_int_equal(options->n_registries, 2);
	assert_string_equal(one->host, "r.local:5000");
	assert_int_equal(one->n_mirrors, 2);
	assert_string_equal(one->mirrors[1], "https://y");
	assert_true(one->plain_http && one->skip_verify);
	assert_string_equal(one->ca_file, "/ca");
	assert_string_equal(one->certificate_file, "/cert");
	assert_string_equal(one->key_file, "/key");
	assert_string_equal(options->registries[1]->host, "docker.io");
	assert_int_equal(options->registries[1]->n_mirrors, 0);
	assert_int_equal(options->n_registry_mirrors, 2);
	assert_string_equal(options->registry_mirrors[1], "http://m2:5000");
	assert_int_equal(options->n_insecure_registries, 1);
}

static void test_every_key_of_the_file(void **state)
{
	struct settings settings;
	struct engine_settings engine;
	const cri_engine_options *options = &engine.options;

	(void)state;
	assert_int_equal(load(&settings, "", everything), 0);
	assert_string_equal(warnings, "");
	assert_int_equal(engine_settings_make(&settings, &engine), 0);
	assert_int_equal(cJSON_GetArraySize(settings_value(&settings, "hosts")), 2);
	assert_string_equal(options->root, "/g");
	assert_string_equal(options->state, "/s");
	assert_int_equal(settings_gid(&settings), 0);
	assert_int_equal(options->log_level, CRI_LOG_WARNING);
	assert_string_equal(options->default_handler, "runc");
	assert_int_equal(options->n_handlers, 2);
	assert_string_equal(options->handlers[0]->name, "runc");
	assert_string_equal(options->handlers[0]->type, "oci");
	assert_int_equal(options->handlers[0]->n_args, 2);
	assert_string_equal(options->handlers[0]->args[1], "x");
	assert_string_equal(options->handlers[1]->type, "shimv2");
	assert_int_equal(options->handlers[1]->n_args, 0);
	assert_string_equal(options->pod_sandbox_image, "pause-${machine}:3.0");
	assert_int_equal(options->network_plugin, CRI_NETWORK_NONE);
	assert_int_equal(options->n_cni_plugin_directories, 2);
	assert_string_equal(options->cni_plugin_directories[1], "/two");
	assert_string_equal(options->cni_config_directory, "/conf");
	check_registries(options);
	assert_int_equal(engine.stream.port, 10351);
	assert_string_equal(engine.stream.address, "::1");
	assert_string_equal(engine.stream.ca_file, "/sca");
	assert_string_equal(engine.stream.certificate_file, "/sc");
	assert_string_equal(engine.stream.key_file, "/sk");
	assert_string_equal(options->cgroup_parent, "a-b.slice");
	assert_int_equal(options->cgroup_driver, CRI_CGROUP_SYSTEMD);
	assert_string_equal(settings_text(&settings, "metrics-address", NULL), "127.0.0.1:9");
	assert_int_equal(settings_number(&settings, "drain-timeout"), 1);
	engine_settings_clear(&engine);
	settings_clear(&settings);
}

static void test_the_effective_configuration_is_json_with_every_key(void **state)
{
	struct settings settings, again;
	char *text, *second;
	cJSON *all;

	(void)state;
	assert_int_equal(load(&settings, "--drain-timeout 7", everything), 0);
	text = settings_json(&settings);
	all = cJSON_Parse(text);
	for (size_t i = 0; i < settings_count; i++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(all, settings_table[i].key);

		if (settings_table[i].member)
			value = cJSON_GetObjectItemCaseSensitive(value, settings_table[i].member);
		if (!value)
			fail_msg("%s is missing", settings_table[i].key);
	}
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(all, "drain-timeout")->valueint, 7);
	cJSON_Delete(all);
	/* It is a configuration itself, the same one. */
	assert_int_equal(load(&again, "", text), 0);
	second = settings_json(&again);
	assert_string_equal(text, second);
	free(text);
	free(second);
	settings_clear(&again);
	settings_clear(&settings);
}

static void test_flags_go_before_the_file(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(load(&settings,
			      "-H unix:///x --host=unix:///y -g /root2 --systemd-cgroup=false --cgroup-parent /p "
			      "--network-plugin native -l debug --registry-mirrors https://a --tlscert /c",
			      everything),
			 0);
	assert_int_equal(cJSON_GetArraySize(settings_value(&settings, "hosts")), 2);
	assert_string_equal(settings_value(&settings, "hosts")->child->next->valuestring, "unix:///y");
	assert_string_equal(settings_text(&settings, "graph", NULL), "/root2");
	assert_string_equal(settings_text(&settings, "state", NULL), "/s");
	assert_string_equal(settings_text(&settings, "tls-config", "CertFile"), "/c");
	assert_false(settings_bool(&settings, "systemd-cgroup"));
	assert_int_equal(settings_log_level(&settings), CRI_LOG_DEBUG);
	assert_int_equal(cJSON_GetArraySize(settings_value(&settings, "registry-mirrors")), 1);
	settings_clear(&settings);
}

static void test_the_documented_names_of_levels(void **state)
{
	static const struct {
		const char *name;
		cri_log_level level;
	} levels[] = {
		{ "FATAL", CRI_LOG_ERROR }, { "ALERT", CRI_LOG_ERROR },  { "CRIT", CRI_LOG_ERROR },
		{ "ERROR", CRI_LOG_ERROR }, { "WARN", CRI_LOG_WARNING }, { "NOTICE", CRI_LOG_INFO },
		{ "INFO", CRI_LOG_INFO },   { "DEBUG", CRI_LOG_DEBUG },  { "TRACE", CRI_LOG_DEBUG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct settings settings;
		char line[64];

		snprintf(line, sizeof(line), "--log-level %s", levels[i].name);
		assert_int_equal(load(&settings, line, "{}"), 0);
		assert_int_equal(settings_log_level(&settings), levels[i].level);
		settings_clear(&settings);
	}
}

/* --- refusals --- */

static void test_foreign_keys_are_warned_about_by_name(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(load(&settings, "",
			      "{\"storage-driver\": \"overlay2\", \"storage-opts\": [], \"native.umask\": \"secure\","
			      " \"image-layer-check\": false, \"hook-spec\": \"/x\", \"log-opts\": {\"a\": \"b\"},"
			      " \"authorization-plugin\": \"\", \"tls\": false}"),
			 0);
	assert_non_null(strstr(warnings, "\"storage-driver\""));
	assert_non_null(strstr(warnings, "\"native.umask\""));
	assert_non_null(strstr(warnings, "\"image-layer-check\""));
	assert_non_null(strstr(warnings, file));
	assert_null(strstr(warnings, "\"tls\""));
	settings_clear(&settings);
	check_refused("", "{\"authorization-plugin\": \"authz-broker\"}", "authorization-plugin");
}

static void test_bad_values_name_file_key_and_reason(void **state)
{
	static const struct {
		const char *text, *key, *why;
	} cases[] = {
		{ "{\"grahp\": \"/x\"}", "\"grahp\"", "unknown" },
		{ "{\"graph\": 1}", "\"graph\"", "must be a text" },
		{ "{\"graph\": \"x\"}", "\"graph\"", "no absolute path" },
		{ "{\"graph\": \"/a\\n\"}", "\"graph\"", "control character" },
		{ "{\"graph\": \"/a\", \"graph\": \"/b\"}", "\"graph\"", "twice" },
		{ "{\"hosts\": \"unix:///a\"}", "\"hosts\"", "array" },
		{ "{\"hosts\": []}", "\"hosts\"", "names no host" },
		{ "{\"hosts\": [1]}", "\"hosts\"", "must be a text" },
		{ "{\"hosts\": [\"unix://a\"]}", "\"hosts\"", "unix:///PATH" },
		{ "{\"hosts\": [\"http://a\"]}", "\"hosts\"", "unix:///PATH" },
		{ "{\"hosts\": [\"tcp://name:1\"]}", "\"hosts\"", "tcp://ADDRESS:PORT" },
		{ "{\"hosts\": [\"tcp://1.2.3.4\"]}", "\"hosts\"", "tcp://ADDRESS:PORT" },
		{ "{\"hosts\": [\"tcp://1.2.3.4:70000\"]}", "\"hosts\"", "tcp://ADDRESS:PORT" },
		{ "{\"hosts\": [\"unix:///a\", \"unix:///a\"]}", "\"hosts\"", "twice" },
		{ "{\"group\": \"no such group\"}", "\"group\"", "no group" },
		{ "{\"log-level\": \"loud\"}", "\"log-level\"", "none of" },
		{ "{\"log-level\": \"\"}", "\"log-level\"", "none of" },
		{ "{\"log-level\": \"info|debug\"}", "\"log-level\"", "none of" },
		{ "{\"network-plugin\": \"calico\"}", "\"network-plugin\"", "none of" },
		{ "{\"cni-bin-dir\": \"/a,b\"}", "\"cni-bin-dir\"", "absolute" },
		{ "{\"registry-mirrors\": [\"\"]}", "\"registry-mirrors\"", "empty" },
		{ "{\"registry-mirrors\": [\"ftp://a\"]}", "\"registry-mirrors\"", "no URL" },
		{ "{\"insecure-registries\": [\"a/b\"]}", "\"insecure-registries\"", "no HOST" },
		{ "{\"registries\": []}", "\"registries\"", "must be an object" },
		{ "{\"registries\": {\"a\": 1}}", "\"registries\": \"a\"", "must be an object" },
		{ "{\"registries\": {\"a\": {\"b\": 1}}}", "\"registries\": \"a\": \"b\"", "unknown" },
		{ "{\"registries\": {\"a\": {\"ca\": \"x\"}}}", "\"registries\": \"a\": \"ca\"", "no absolute path" },
		{ "{\"registries\": {\"a\": {\"cert\": \"/x\"}}}", "\"registries\": \"a\"", "need each other" },
		{ "{\"registries\": {\"a\": {\"plain_http\": \"yes\"}}}", "\"plain_http\"", "true or false" },
		{ "{\"runtimes\": {\"r\": {}}}", "\"runtimes\": \"r\": \"path\"", "missing" },
		{ "{\"runtimes\": {\"r\": {\"path\": \"/x\", \"type\": \"vm\"}}}", "\"type\"", "none of" },
		{ "{\"websocket-server-listening-port\": 0}", "\"websocket-server-listening-port\"", "1 to 65535" },
		{ "{\"websocket-server-listening-port\": 1.5}", "\"websocket-server-listening-port\"", "1 to 65535" },
		{ "{\"websocket-server-listening-port\": \"1\"}", "\"websocket-server-listening-port\"", "number" },
		{ "{\"stream-address\": \"host\"}", "\"stream-address\"", "no IP address" },
		{ "{\"stream-tls-config\": {\"CertFile\": \"/x\"}}", "\"stream-tls-config\"", "need each other" },
		{ "{\"stream-tls-config\": {\"Cert\": \"/x\"}}", "\"stream-tls-config.Cert\"", "unknown" },
		{ "{\"tls-config\": 1}", "\"tls-config\"", "must be an object" },
		{ "{\"cgroup-parent\": \"x\"}", "\"cgroup-parent\"", "no absolute path" },
		{ "{\"cgroup-parent\": \"/x\", \"systemd-cgroup\": true}", "\"cgroup-parent\"", "NAME.slice" },
		{ "{\"systemd-cgroup\": 1}", "\"systemd-cgroup\"", "true or false" },
		{ "{\"metrics-address\": \"0.0.0.0:9\"}", "\"metrics-address\"", "loopback" },
		{ "{\"metrics-address\": \"9\"}", "\"metrics-address\"", "ADDRESS:PORT" },
		{ "{\"drain-timeout\": -1}", "\"drain-timeout\"", "0 to 3600" },
		{ "{\"state\": \"\"}", "\"state\"", "empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_refused("", cases[i].text, cases[i].key);
		check_refused("", cases[i].text, cases[i].why);
	}
}

static void test_bad_flags_are_named(void **state)
{
	(void)state;
	check_refused("--grahp /x", NULL, "--grahp");
	check_refused("--graph", NULL, "--graph");
	check_refused("--graph x", NULL, "--graph: \"x\" is no absolute path");
	check_refused("--drain-timeout ten", NULL, "--drain-timeout");
	check_refused("--systemd-cgroup=maybe", NULL, "--systemd-cgroup");
	check_refused("-x", NULL, "-x");
	check_refused("extra", NULL, "extra");
	check_refused("--config relative.json", NULL, "--config");
	check_refused("--config /nonexistent/daemon.json", NULL, "/nonexistent/daemon.json");
}

static void test_files_that_are_no_configuration(void **state)
{
	char *large = calloc(1, SETTINGS_MAX_FILE + 2);
	struct settings settings;
	char deep[4097];

	(void)state;
	check_refused("", "", "no JSON");
	check_refused("", "{\n\"graph\":\n}", "line 3");
	check_refused("", "[]", "no JSON object");
	check_refused("", "{} x", "follows");
	check_refused("", "{\"graph\": \"/\xff\"}", "UTF-8");
	check_refused("", "{\"graph\": \"/a\\u0000b\"}", "\\u0000");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	check_refused("", deep, "no JSON");
	memset(large, ' ', SETTINGS_MAX_FILE + 1);
	check_refused("", large, "1 MB");
	free(large);
	/* A directory. */
	unlink(file);
	check_refused("--config /tmp", NULL, "/tmp");
	/* Without --config, the default file need not be there. */
	if (access(SETTINGS_DEFAULT_FILE, F_OK) < 0) {
		assert_int_equal(load(&settings, "", NULL), 0);
		settings_clear(&settings);
	}
}

static void test_tcp_needs_mutual_tls(void **state)
{
	struct settings settings;
	char text[512];

	(void)state;
	check_refused("--host tcp://127.0.0.1:1", "{}", "tls-config.CAFile");
	check_refused("--host tcp://127.0.0.1:1 --tlscacert /nonexistent --tlscert /a --tlskey /b", "{}",
		      "/nonexistent");
	snprintf(text, sizeof(text),
		 "{\"hosts\": [\"tcp://[::1]:1\"], \"tls-config\": {\"CAFile\": \"%s\", \"CertFile\": \"%s\","
		 " \"KeyFile\": \"%s\"}}",
		 file, file, file);
	assert_int_equal(load(&settings, "", text), 0);
	settings_clear(&settings);
	snprintf(text + strlen(text) - 1, sizeof(text) - strlen(text), ", \"tls-verify\": false}");
	check_refused("", text, "tls-verify");
}

/* --- reload --- */

static void test_a_reload_takes_what_it_may(void **state)
{
	struct settings settings, fresh;

	(void)state;
	assert_int_equal(load(&settings, "--drain-timeout 5", "{\"graph\": \"/a\", \"log-level\": \"info\"}"), 0);
	write_file("{\"graph\": \"/b\", \"log-level\": \"debug\", \"registry-mirrors\": [\"http://x\"]}");
	warnings[0] = '\0';
	assert_int_equal(settings_load_again(&settings, &fresh, note_warning, reason, sizeof(reason)), 0);
	assert_string_equal(settings_text(&fresh, "graph", NULL), "/a");
	assert_int_equal(settings_log_level(&fresh), CRI_LOG_DEBUG);
	assert_int_equal(cJSON_GetArraySize(settings_value(&fresh, "registry-mirrors")), 1);
	assert_int_equal(settings_number(&fresh, "drain-timeout"), 5);
	assert_non_null(strstr(warnings, "\"graph\" has changed"));
	assert_null(strstr(warnings, "log-level"));
	settings_clear(&fresh);
	/* Back to the default. */
	write_file("{}");
	assert_int_equal(settings_load_again(&settings, &fresh, note_warning, reason, sizeof(reason)), 0);
	assert_string_equal(settings_text(&fresh, "graph", NULL), "/a");
	settings_clear(&fresh);
	write_file("{\"x\": 1}");
	assert_int_equal(settings_load_again(&settings, &fresh, note_warning, reason, sizeof(reason)), -1);
	settings_clear(&fresh);
	settings_clear(&settings);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(test_defaults),
		WITH_FILE(test_every_key_of_the_file),
		WITH_FILE(test_the_effective_configuration_is_json_with_every_key),
		WITH_FILE(test_flags_go_before_the_file),
		WITH_FILE(test_the_documented_names_of_levels),
		WITH_FILE(test_foreign_keys_are_warned_about_by_name),
		WITH_FILE(test_bad_values_name_file_key_and_reason),
		WITH_FILE(test_bad_flags_are_named),
		WITH_FILE(test_files_that_are_no_configuration),
		WITH_FILE(test_tcp_needs_mutual_tls),
		WITH_FILE(test_a_reload_takes_what_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
