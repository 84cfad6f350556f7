/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of the program, or of cri-network, while a pod's networks are attached and detached, and a restart of the
 * machine: no address stays allocated, no interface, no rule.
 */
#include "network_fixture.h"

#include "core/test_point.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* At a time, and in all. */
#define PODS 8
#define ROUNDS 25
/* A pod comes and goes within so many milliseconds when nobody disturbs it. */
#define LIFE 60

#define CONFIGURATION                                                                                                  \
	"{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":["                                                     \
	"{\"type\":\"bridge\",\"bridge\":\"kill0\",\"isDefaultGateway\":true,\"ipMasq\":true,\"ipam\":"                \
	"{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}]]}},"              \
	"{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}]}"

static bool exec_all;

static int set_options(cri_engine_options *options)
{
	static const char *directories[2];

	*options = fixture_options(net.fixture);
	directories[0] = net.plugins;
	directories[1] = "/usr/lib/cni";
	options->network_plugin = CRI_NETWORK_CNI;
	options->cni_config_directory = net.configuration;
	options->cni_plugin_directories = directories;
	options->n_cni_plugin_directories = 2;
	options->cni_exec_all = exec_all;
	return 0;
}

/* A child's work. */
static int live(const char *name, uint16_t port)
{
	const cri_port_mapping mapping = { CRI_PORT_MAPPING_INIT, .protocol = CRI_TCP, .host_port = port,
					   .container_port = 80 };
	const cri_port_mapping *const ports[] = { &mapping };
	const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = name, .log_directory = net.fixture->logs,
					    .port_mappings = ports, .n_port_mappings = 1 };
	cri_engine_options options;
	cri_engine *engine = NULL;
	char *id = NULL;

	if (set_options(&options) || cri_engine_open(&options, &engine, NULL) < 0)
		return 1;
	if (cri_sandbox_run(engine, &config, NULL, &id, NULL) < 0)
		return 2;
	if (cri_sandbox_stop(engine, id, NULL) < 0 || cri_sandbox_remove(engine, id, NULL) < 0)
		return 3;
	cri_engine_close(engine);
	return 0;
}

static pid_t start(const char *name, uint16_t port, const char *point)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		test_point_wanted = point;
		_exit(live(name, port));
	}
	return pid;
}

static bool was_killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		print_error("the program ended with %d\n", WEXITSTATUS(status));
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void open_engine(void)
{
	cri_engine_options options;

	set_options(&options);
	expect_ok(net.fixture, cri_engine_open(&options, &net.fixture->engine, net.fixture->call));
}

static void pause_milliseconds(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void expect_nothing_left(void)
{
	open_engine();
	fixture_clear(net.fixture);
	for (int i = 0; fixture_has_pods(net.fixture); i++) {
		assert_in_range(i, 0, 500);
		pause_milliseconds(10);
		fixture_close(net.fixture);
		open_engine();
	}
	network_assert_nothing_left();
	fixture_close(net.fixture);
}

static int fresh(void **state)
{
	(void)state;
	exec_all = false;
	network_fresh(CRI_NETWORK_NONE, false);
	network_configure("10-net.conflist", CONFIGURATION);
	fixture_close(net.fixture);
	return 0;
}

static void test_points(void **state)
{
	static const char *const points[] = {
		"sandbox network planned",   "sandbox namespaces",       "sandbox network attached", "sandbox network",
		"sandbox network detaching", "sandbox network detached", "sandbox network gone",
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		exec_all = i;
		for (size_t j = 0; j < sizeof(points) / sizeof(*points); j++) {
			if (!was_killed(start("doomed", 8080, points[j])))
				print_error("%s was never reached\n", points[j]);
			expect_nothing_left();
		}
	}
}

/* 200 pods, each killed at another moment of its life. */
static void test_any_moment(void **state)
{
	unsigned seed = 1, killed = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[PODS];

		exec_all = round % 5 == 4;
		for (int i = 0; i < PODS; i++) {
			char name[32];

			snprintf(name, sizeof(name), "pod-%d-%d", round, i);
			pids[i] = start(name, (uint16_t)(9000 + i), NULL);
		}
		for (int i = 0; i < PODS; i++) {
			pause_milliseconds(rand_r(&seed) % (exec_all ? 4 * LIFE : LIFE));
			kill(pids[i], SIGKILL);
		}
		for (int i = 0; i < PODS; i++) {
			int status;

			/* One may find a host port still taken by a pod that was killed before it. */
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			killed += WIFSIGNALED(status);
		}
	}
	print_message("%u of %d were killed\n", killed, ROUNDS * PODS);
	assert_true(killed > 0);
	expect_nothing_left();
}

/* The cri-network that waits for a plugin of these tests, which is found by its environment; 0: none does. */
static pid_t find_helper(void)
{
	DIR *directory = opendir("/proc");
	pid_t found = 0;

	assert_non_null(directory);
	for (struct dirent *entry; !found && (entry = readdir(directory));) {
		char path[300], content[4096];
		size_t length;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/environ", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		length = fread(content, 1, sizeof(content), file);
		fclose(file);
		if (!memmem(content, length, net.plugins, strlen(net.plugins)) ||
		    !memmem(content, length, "CNI_COMMAND=ADD", 15))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %*c %d", &found) != 1)
			found = 0;
		fclose(file);
	}
	closedir(directory);
	return found;
}

/* The helper is killed while a plugin hangs in ADD, which goes with it. The pod fails, and nothing is left. */
static void test_helper(void **state)
{
	char *pod = NULL;
	pid_t killer;
	int status;

	(void)state;
	network_add_plugin("hangs", "#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\nexec sleep 1000\n");
	network_configure(
		"10-net.conflist",
		"{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":["
		"{\"type\":\"bridge\",\"bridge\":\"kill0\",\"ipMasq\":true,\"ipam\":{\"type\":\"host-local\","
		"\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}]]}},{\"type\":\"hangs\"}]}");
	open_engine();
	killer = fork();
	if (killer == 0) {
		for (int i = 0; i < 1000; i++) {
			const pid_t helper = find_helper();

			if (helper > 1)
				_exit(kill(helper, SIGKILL) ? 2 : 0);
			pause_milliseconds(10);
		}
		_exit(1);
	}
	cri_call_set_timeout(net.fixture->call, 60000);
	{
		const cri_sandbox_config config = { CRI_SANDBOX_CONFIG_INIT, .name = "one" };

		expect_code(net.fixture, CRI_EINTERNAL,
			    cri_sandbox_run(net.fixture->engine, &config, NULL, &pod, net.fixture->call));
	}
	assert_int_equal(waitpid(killer, &status, 0), killer);
	assert_int_equal(status, 0);
	assert_non_null(strstr(cri_call_message(net.fixture->call), "cri-network ended without an answer"));
	assert_int_equal(find_helper(), 0);
	assert_null(pod);
	network_assert_nothing_left();
	fixture_close(net.fixture);
}

/* The state directory is empty, and so are the machine's interfaces and rules; the files of addresses are still there.
 */
static void test_restart_of_the_machine(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		cri_list *list = NULL;
		char *pods[3], *files;

		exec_all = i;
		network_open(CRI_NETWORK_CNI, exec_all);
		for (int j = 0; j < 3; j++) {
			char name[16];

			snprintf(name, sizeof(name), "pod-%d", j);
			pods[j] = network_pod(name, NULL, 0, NULL, NULL);
		}
		fixture_close(net.fixture);
		assert_true(network_try(NULL,
					"cd '%s' && for pin in sandboxes/*/net sandboxes/*/ipc sandboxes/*/uts; do "
					"umount $pin; done",
					net.fixture->state));
		assert_int_equal(umount2(net.fixture->state, MNT_DETACH), 0);
		assert_true(network_try(NULL, "rm -rf '%s'/* && nft flush ruleset && ip link del kill0",
					net.fixture->state));
		network_open(CRI_NETWORK_CNI, exec_all);
		/* Given back at the open already. */
		files = network_shell(NULL, "ls '%s/net' | grep 10.77", net.addresses);
		assert_string_equal(files, "");
		free(files);
		for (int j = 0; j < 3; j++) {
			expect_ok(net.fixture,
				  cri_sandbox_status_get(net.fixture->engine, pods[j], &list, net.fixture->call));
			assert_int_equal(cri_sandbox_status_at(list, 0)->info.state, CRI_SANDBOX_NOTREADY);
			assert_string_equal(cri_sandbox_status_at(list, 0)->ip, "");
			cri_list_free(list);
			expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pods[j], net.fixture->call));
			cri_free(pods[j]);
		}
		network_assert_nothing_left();
		fixture_close(net.fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_points, fresh),
		cmocka_unit_test_setup(test_any_moment, fresh),
		cmocka_unit_test_setup(test_helper, fresh),
		cmocka_unit_test_setup(test_restart_of_the_machine, fresh),
	};

	network_need_rules("network kill points");
	return cmocka_run_group_tests_name("network kill points", tests, network_set_up, network_tear_down);
}
