/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's network costs: the same configurations done in-process and by the plugins' programs, beside a pod
 * without a network and beside the bare netlink messages, round by round in one run.
 *
 *     bench_network DIRECTORY IMAGE.tar [ROUNDS]
 *
 * The host's network is one of its own. DIRECTORY should be on a fresh file system (tests/bench/run.sh mounts one).
 */
#include "libcri/libcri.h"

#include "netlink_floor.h"
#include "samples.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ADDED_BUDGET 3.0 /* milliseconds, of bridge and host-local in-process */
#define TIMES_BUDGET 8.0 /* what the programs take, of what it takes in-process */

enum { NONE, BRIDGE, BRIDGE_EXEC, ALL, ALL_EXEC, MODES };

static const struct mode {
	const char *name;
	bool exec, ports;
	const char *configuration;
} modes[MODES] = {
	[NONE] = { .name = "no network" },
	[BRIDGE] = { .name = "bridge, in-process",
		     .configuration = "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"plugins\":[{\"type\":\"bridge\","
				      "\"bridge\":\"bench-a\",\"isDefaultGateway\":true,\"ipam\":{\"type\":"
				      "\"host-local\",\"dataDir\":\"%s/addresses\",\"subnet\":\"10.101.0.0/16\"}}]}" },
	[BRIDGE_EXEC] = { .name = "bridge, exec",
			  .exec = true,
			  .configuration = "{\"cniVersion\":\"1.0.0\",\"name\":\"b\",\"plugins\":[{\"type\":\"bridge\","
					   "\"bridge\":\"bench-b\",\"isDefaultGateway\":true,\"ipam\":{\"type\":"
					   "\"host-local\",\"dataDir\":\"%s/addresses\",\"subnet\":"
					   "\"10.102.0.0/16\"}}]}" },
	[ALL] = { .name = "and ports, in-process",
		  .ports = true,
		  .configuration =
			  "{\"cniVersion\":\"1.0.0\",\"name\":\"c\",\"plugins\":[{\"type\":\"bridge\","
			  "\"bridge\":\"bench-c\",\"isDefaultGateway\":true,\"ipMasq\":true,\"ipam\":{"
			  "\"type\":\"host-local\",\"dataDir\":\"%s/addresses\",\"subnet\":"
			  "\"10.103.0.0/16\"}},{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}]}" },
	[ALL_EXEC] = { .name = "and ports, exec",
		       .exec = true,
		       .ports = true,
		       .configuration = "{\"cniVersion\":\"1.0.0\",\"name\":\"d\",\"plugins\":[{\"type\":\"bridge\","
					"\"bridge\":\"bench-d\",\"isDefaultGateway\":true,\"ipMasq\":true,\"ipam\":{"
					"\"type\":\"host-local\",\"dataDir\":\"%s/addresses\",\"subnet\":"
					"\"10.104.0.0/"
					"16\"}},{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}]}" },
};

struct measured {
	cri_engine *engine;
	struct samples run, stop;
};

static void check(int result, const cri_call *call, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, cri_call_message(call));
	exit(1);
}

static void write_configuration(const struct mode *mode, const char *directory)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/10-bench.conflist", directory);
	file = fopen(path, "we");
	if (!file) {
		perror(path);
		exit(1);
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the literals of the table */
	fprintf(file, mode->configuration, directory);
#pragma GCC diagnostic pop
	fclose(file);
}

static void open_engine(const struct mode *mode, int number, const char *directory, struct measured *measured,
			cri_call *call)
{
	static const char *const plugins[] = { "/usr/lib/cni" };
	char root[256], state[256], configuration[256];
	cri_engine_options options = {
		CRI_ENGINE_OPTIONS_INIT,
		.root = root,
		.state = state,
		.cgroup_parent = "/libcri-bench",
		.network_plugin = mode->configuration ? CRI_NETWORK_CNI : CRI_NETWORK_NONE,
		.cni_config_directory = configuration,
		.cni_plugin_directories = plugins,
		.n_cni_plugin_directories = 1,
		.cni_exec_all = mode->exec,
	};

	snprintf(root, sizeof(root), "%s/root-%d", directory, number);
	snprintf(state, sizeof(state), "%s/state-%d", directory, number);
	snprintf(configuration, sizeof(configuration), "%s/net-%d", directory, number);
	if (mkdir(configuration, 0755) < 0) {
		perror(configuration);
		exit(1);
	}
	if (mode->configuration)
		write_configuration(mode, configuration);
	check(cri_engine_open(&options, &measured->engine, call), call, "open");
}

static void measure(const struct mode *mode, struct measured *measured, int round, bool counts, cri_call *call)
{
	const cri_port_mapping port = { CRI_PORT_MAPPING_INIT, .protocol = CRI_TCP, .host_port = 8080,
					.container_port = 80 };
	const cri_port_mapping *const ports[] = { &port };
	char name[32];
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT, .name = name,           .uid = "uid",
		.namespace_ = "bench",   .port_mappings = ports, .n_port_mappings = mode->ports,
	};
	double begun = now_milliseconds(), done;
	char *id;

	snprintf(name, sizeof(name), "pod-%d", round);
	check(cri_sandbox_run(measured->engine, &config, NULL, &id, call), call, mode->name);
	done = now_milliseconds();
	if (counts)
		samples_add(&measured->run, done - begun);
	check(cri_sandbox_stop(measured->engine, id, call), call, mode->name);
	if (counts)
		samples_add(&measured->stop, now_milliseconds() - done);
	check(cri_sandbox_remove(measured->engine, id, call), call, mode->name);
	cri_free(id);
}

static double p50(struct samples *samples)
{
	return samples_percentile(samples, 50);
}

/* What the network adds to a pod, in-process and by the programs. A budget of 0: none. */
static void compare(const char *what, struct samples *none, struct samples *ours, struct samples *theirs, double floor,
		    double added_budget, double times_budget)
{
	const double added = p50(ours) - p50(none), exec = p50(theirs) - p50(none), times = exec / added;

	printf("%-24s %8.2f %8.2f   %6.1fx", what, added, exec, times);
	if (floor > 0)
		printf("   %6.2fx", added / floor);
	if (added_budget > 0)
		printf("   budget %g ms: %s", added_budget, added <= added_budget ? "met" : "MISSED");
	if (times_budget > 0)
		printf("   budget %gx: %s", times_budget, times >= times_budget ? "met" : "MISSED");
	printf("\n");
}

static void print(struct measured *measured, struct samples *floor)
{
	samples_print_head("RunPodSandbox");
	samples_print("netlink alone", floor, NULL, NULL);
	for (int i = 0; i < MODES; i++)
		samples_print(modes[i].name, &measured[i].run, NULL, NULL);
	samples_print_head("StopPodSandbox");
	for (int i = 0; i < MODES; i++)
		samples_print(modes[i].name, &measured[i].stop, NULL, NULL);
	printf("\n%-24s %8s %8s   %7s   %7s\n", "added to a pod, p50 ms", "ours", "exec", "exec", "netlink");
	compare("run: bridge", &measured[NONE].run, &measured[BRIDGE].run, &measured[BRIDGE_EXEC].run, p50(floor),
		ADDED_BUDGET, TIMES_BUDGET);
	compare("run: bridge and ports", &measured[NONE].run, &measured[ALL].run, &measured[ALL_EXEC].run, p50(floor),
		0, TIMES_BUDGET);
	compare("stop: bridge", &measured[NONE].stop, &measured[BRIDGE].stop, &measured[BRIDGE_EXEC].stop, 0, 0, 0);
	compare("stop: bridge and ports", &measured[NONE].stop, &measured[ALL].stop, &measured[ALL_EXEC].stop, 0, 0, 0);
}

int main(int argc, char **argv)
{
	const int rounds = argc > 3 ? atoi(argv[3]) : 40;
	struct measured measured[MODES] = { 0 };
	struct samples floor = { 0 };
	cri_call *call;

	if (argc < 3 || rounds < 1) {
		fprintf(stderr, "usage: bench_network DIRECTORY IMAGE.tar [ROUNDS]\n");
		return 2;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		perror("a network of its own");
		return 1;
	}
	check(cri_call_new(&call), NULL, "call");
	for (int i = 0; i < MODES; i++)
		open_engine(&modes[i], i, argv[1], &measured[i], call);
	/* The first of each makes the bridge and the table of rules. */
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < MODES; i++)
			measure(&modes[i], &measured[i], round, round >= 0, call);
		if (netlink_floor(round, round >= 0 ? &floor : NULL) < 0)
			return 1;
	}
	print(measured, &floor);
	for (int i = 0; i < MODES; i++) {
		cri_engine_close(measured[i].engine);
		samples_free(&measured[i].run);
		samples_free(&measured[i].stop);
	}
	samples_free(&floor);
	cri_call_free(call);
	return 0;
}
