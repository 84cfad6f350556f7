/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations that come, go and break while the engine runs. */
#include "network_fixture.h"
#include "plugin_scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(const char *file, const char *name)
{
	char configuration[256];

	snprintf(configuration, sizeof(configuration), "{\"cniVersion\":\"1.0.0\",\"name\":\"%s\",\"type\":\"first\"}",
		 name);
	network_add_configuration(file, configuration);
}

static void expect_default(const char *network)
{
	char *pod = network_pod("one", NULL, 0, NULL, NULL);
	cri_list *list = NULL;

	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	assert_string_equal(cri_sandbox_status_at(list, 0)->networks[0]->network, network);
	cri_list_free(list);
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	cri_free(pod);
}

static void expect_none(const char *message)
{
	char *pod = NULL;

	network_expect_ready(false, message);
	expect_code(net.fixture, CRI_EPRECONDITION, network_try_pod("one", NULL, 0, NULL, NULL, &pod));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "there is no network yet: "));
	assert_non_null(strstr(cri_call_message(net.fixture->call), message));
	assert_null(pod);
}

/* The first test: the root has never seen a good one. */
static void test_never_good(void **state)
{
	static const struct {
		const char *content, *message;
	} cases[] = {
		{ "", "10-a.conflist: it is no JSON object" },
		{ "{\"name\":\"a\"", "it is no JSON object" },
		{ "{\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"first\"}]}", "its \"name\" is missing" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"../a\",\"plugins\":[{\"type\":\"first\"}]}", "its \"name\"" },
		{ "{\"cniVersion\":\"2.0.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"first\"}]}",
		  "its \"cniVersion\" is not known" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"type\":\"first\"}", "\"plugins\" is no list" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[]}", "\"plugins\" is no list" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[{}]}", "a plugin has no \"type\"" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"../first\"}]}",
		  "a plugin's \"type\" is no file name" },
		{ "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"first\",\"ipam\":"
		  "{\"type\":\"/bin/sh\"}}]}",
		  "the type of a plugin's \"ipam\" is no file name" },
	};

	(void)state;
	network_open(CRI_NETWORK_CNI, false);
	scripts_install();
	expect_none("it has no configuration");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		network_configure("10-a.conflist", cases[i].content);
		expect_none(cases[i].message);
	}
	assert_true(network_try(NULL, "rm -r '%s'", net.configuration));
	expect_none("it does not exist");
	assert_true(network_try(NULL, "mkdir '%s'; mkdir '%s/10-a.conf'", net.configuration, net.configuration));
	expect_none("Is a directory");
	assert_true(network_try(NULL, "rmdir '%s/10-a.conf'; ln -s nowhere '%s/10-a.conf'", net.configuration,
				net.configuration));
	expect_none("No such file");
	assert_true(network_try(NULL, "rm '%s/10-a.conf'; head -c 300000 /dev/zero >'%s/10-a.conf'", net.configuration,
				net.configuration));
	expect_none("File too large");
}

static void test_last_good(void **state)
{
	(void)state;
	network_configure("10-a.conf", NULL);
	add("10-a.conf", "a");
	add("20-b.conf", "b");
	network_expect_ready(true, "");
	expect_default("a");
	/* Broken: what it said stays, and people are told. */
	network_add_configuration("10-a.conf", "{");
	network_expect_ready(true, "the last good configuration stays in force: ");
	network_expect_ready(true, "10-a.conf: it is no JSON object");
	expect_default("a");
	/* For another engine, too; and for one that was opened anew. */
	network_open(CRI_NETWORK_CNI, false);
	network_expect_ready(true, "10-a.conf: it is no JSON object");
	expect_default("a");
	/* The other one goes on changing. */
	add("20-b.conf", "c");
	network_add_configuration("10-a.conf", "");
	expect_default("a");
	assert_true(network_try(NULL, "rm '%s/10-a.conf'", net.configuration));
	expect_default("c");
	network_expect_ready(true, "");
	/* None at all. */
	network_configure("10-a.conf", NULL);
	network_expect_ready(true, "the last good configuration stays in force: ");
	network_expect_ready(true, "it has no configuration");
	expect_default("c");
	add("10-a.conf", "d");
	expect_default("d");
	network_expect_ready(true, "");
	/* One that was never good takes nobody's place. */
	network_add_configuration("05-new.conf", "[]");
	network_expect_ready(true, "05-new.conf: it is no JSON object");
	expect_default("d");
}

/* Changed without a trace in size and name, as quickly as can be. */
static void test_quick_changes(void **state)
{
	static const char *const names[] = { "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7" };

	(void)state;
	network_configure("10-a.conf", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		add("10-a.conf", names[i]);
		expect_default(names[i]);
	}
}

static void test_reload(void **state)
{
	const char *directories[] = { net.plugins, "/usr/lib/cni" };
	cri_engine_options options = fixture_options(net.fixture);
	char other[128];

	(void)state;
	network_configure("10-a.conf", NULL);
	add("10-a.conf", "a");
	expect_default("a");
	snprintf(other, sizeof(other), "%s/other.d", net.fixture->directory);
	options.network_plugin = CRI_NETWORK_CNI;
	options.cni_config_directory = other;
	options.cni_plugin_directories = directories;
	options.n_cni_plugin_directories = 2;
	expect_ok(net.fixture, cri_engine_reload(net.fixture->engine, &options, net.fixture->call));
	network_expect_ready(true, "other.d: it does not exist");
	expect_default("a");
	assert_true(network_try(NULL, "mkdir '%s'", other));
	assert_true(network_try(NULL, "sed 's/\"a\"/\"b\"/' '%s/10-a.conf' >'%s/10-b.conf'", net.configuration, other));
	/* A reload reads; what breaks after it was read stays in force. */
	expect_ok(net.fixture, cri_engine_reload(net.fixture->engine, &options, net.fixture->call));
	assert_true(network_try(NULL, "rm '%s/10-b.conf'", other));
	expect_default("b");
	options.network_plugin = CRI_NETWORK_NATIVE;
	expect_code(net.fixture, CRI_EINVAL, cri_engine_reload(net.fixture->engine, &options, net.fixture->call));
}

/* What people are told in the verbose status. */
static void test_information(void **state)
{
	char *json = NULL;

	(void)state;
	network_open(CRI_NETWORK_CNI, false);
	network_configure("10-a.conf", NULL);
	add("10-a.conf", "a");
	expect_ok(net.fixture, cri_engine_info_json(net.fixture->engine, &json, net.fixture->call));
	assert_non_null(strstr(json,
			       "\"network\":{\"plugin\":\"cni\",\"networks\":[{\"list\":{\"cniVersion\":\"1.0.0\","
			       "\"name\":\"a\""));
	assert_non_null(strstr(json, net.plugins));
	cri_free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_good),    cmocka_unit_test(test_last_good),
		cmocka_unit_test(test_quick_changes), cmocka_unit_test(test_reload),
		cmocka_unit_test(test_information),
	};

	return cmocka_run_group_tests_name("CNI configuration", tests, network_set_up, network_tear_down);
}
