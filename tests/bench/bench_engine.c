/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod costs: every step of its life beside the floor of the same run, lists and stats of many, memory a pod.
 *
 *     bench_engine DIRECTORY IMAGE.tar [ROUNDS]
 *
 * DIRECTORY should be on a fresh file system (tests/bench/run.sh mounts one).
 */
#include "libcri/libcri.h"

#include "floor.h"
#include "samples.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMAGE "docker.io/library/busybox:latest"

enum step { RUN, CREATE, START, UP, EXEC, STATUS, STOP, REMOVE, STOP_POD, REMOVE_POD, CYCLE, N_STEPS };

struct bench {
	cri_engine *engine;
	char root[512], state[512];
	struct samples steps[N_STEPS];
	struct samples floor_up, floor_cycle;
	struct samples no_floor;
};

static const char *const names[N_STEPS] = {
	[RUN] = "run sandbox",           [CREATE] = "create container", [START] = "start container",
	[UP] = "up (run+create+start)",  [EXEC] = "exec_sync true",     [STATUS] = "container status",
	[STOP] = "stop container",       [REMOVE] = "remove container", [STOP_POD] = "stop sandbox",
	[REMOVE_POD] = "remove sandbox", [CYCLE] = "whole cycle",
};
static const double budgets[N_STEPS] = { [UP] = 10, [EXEC] = 2.5, [CYCLE] = 15 };

static void check(int result, const cri_call *call, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, call ? cri_call_message(call) : cri_code_name(result));
	exit(1);
}

static char *run_sandbox(struct bench *bench, const char *name, unsigned attempt, cri_call *call)
{
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT, .name = name, .uid = "bench", .namespace_ = "bench", .attempt = attempt,
	};
	char *id;

	check(cri_sandbox_run(bench->engine, &config, NULL, &id, call), call, "run");
	return id;
}

static char *create(struct bench *bench, const char *sandbox, cri_call *call)
{
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "bench", .image = IMAGE, .command = command, .n_command = 2,
	};
	char *id;

	check(cri_container_create(bench->engine, sandbox, &config, &id, call), call, "create");
	return id;
}

static double lap(struct samples *samples, double since)
{
	double now = now_milliseconds();

	samples_add(samples, now - since);
	return now;
}

static void one_cycle(struct bench *bench, unsigned number, cri_call *call)
{
	static const char *const command[] = { "/bin/true" };
	const cri_exec_options exec = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 1 };
	double begun = now_milliseconds(), at = begun, up;
	cri_exec_result *result;
	cri_list *list;
	char *sandbox = run_sandbox(bench, "cycle", number, call);
	char *container;

	at = lap(&bench->steps[RUN], at);
	container = create(bench, sandbox, call);
	at = lap(&bench->steps[CREATE], at);
	check(cri_container_start(bench->engine, container, call), call, "start");
	at = lap(&bench->steps[START], at);
	samples_add(&bench->steps[UP], at - begun);
	up = at - begun;
	check(cri_container_exec_sync(bench->engine, container, &exec, &result, call), call, "exec");
	at = lap(&bench->steps[EXEC], at);
	cri_free(result);
	check(cri_container_status_get(bench->engine, container, &list, call), call, "status");
	at = lap(&bench->steps[STATUS], at);
	cri_list_free(list);
	begun = at;
	check(cri_container_stop(bench->engine, container, 0, call), call, "stop");
	at = lap(&bench->steps[STOP], at);
	check(cri_container_remove(bench->engine, container, call), call, "remove");
	at = lap(&bench->steps[REMOVE], at);
	check(cri_sandbox_stop(bench->engine, sandbox, call), call, "stop sandbox");
	at = lap(&bench->steps[STOP_POD], at);
	check(cri_sandbox_remove(bench->engine, sandbox, call), call, "remove sandbox");
	at = lap(&bench->steps[REMOVE_POD], at);
	samples_add(&bench->steps[CYCLE], up + at - begun);
	cri_free(container);
	cri_free(sandbox);
}

static void rounds(struct bench *bench, const char *lower, const char *scratch, int n, cri_call *call,
		   const char *title)
{
	for (int i = 0; i < n + 3; i++) {
		double up, cycle;

		if (floor_cycle(lower, scratch, i, &up, &cycle) < 0)
			exit(1);
		one_cycle(bench, (unsigned)i, call);
		/* The first rounds fill caches. */
		if (i == 2) {
			for (int step = 0; step < N_STEPS; step++)
				bench->steps[step].n = 0;
			bench->floor_up.n = bench->floor_cycle.n = 0;
		}
		if (i > 2) {
			samples_add(&bench->floor_up, up);
			samples_add(&bench->floor_cycle, cycle);
		}
	}
	printf("\n%s\n%-34s %8s %8s  %6s %6s  %6s\n", title, "", "p50 ms", "p95 ms", "/floor", "/floor", "budget");
	samples_print(&bench->floor_up, &bench->no_floor, 0);
	samples_print(&bench->floor_cycle, &bench->no_floor, 0);
	for (int step = 0; step < N_STEPS; step++) {
		struct samples *floor = step == UP      ? &bench->floor_up
					: step == CYCLE ? &bench->floor_cycle
							: &bench->no_floor;

		bench->steps[step].name = names[step];
		samples_print(&bench->steps[step], floor, budgets[step]);
	}
	for (int step = 0; step < N_STEPS; step++)
		bench->steps[step].n = 0;
	bench->floor_up.n = bench->floor_cycle.n = 0;
}

struct worker {
	struct bench *bench;
	pthread_t thread;
	unsigned number;
	int cycles;
};

static void *work(void *data)
{
	struct worker *worker = data;
	struct bench *bench = worker->bench;
	cri_call *call;
	char name[32];

	check(cri_call_new(&call), NULL, "call");
	snprintf(name, sizeof(name), "worker-%u", worker->number);
	for (int i = 0; i < worker->cycles; i++) {
		char *sandbox = run_sandbox(bench, name, (unsigned)i, call);
		char *container = create(bench, sandbox, call);

		check(cri_container_start(bench->engine, container, call), call, "start");
		check(cri_container_stop(bench->engine, container, 0, call), call, "stop");
		check(cri_container_remove(bench->engine, container, call), call, "remove");
		check(cri_sandbox_stop(bench->engine, sandbox, call), call, "stop sandbox");
		check(cri_sandbox_remove(bench->engine, sandbox, call), call, "remove sandbox");
		cri_free(container);
		cri_free(sandbox);
	}
	cri_call_free(call);
	return NULL;
}

static void parallel(struct bench *bench, int cycles)
{
	struct worker workers[8];
	double begun = now_milliseconds(), rate;

	for (unsigned i = 0; i < 8; i++) {
		workers[i] = (struct worker){ .bench = bench, .number = i, .cycles = cycles };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(1);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(workers[i].thread, NULL);
	rate = 8.0 * cycles * 1e3 / (now_milliseconds() - begun);
	printf("\n8 pods at once: %.1f cycles per second (budget 75: %s)\n", rate, rate >= 75 ? "met" : "MISSED");
}

/* kB of proportional set size of every process that names the state directory in its command line. */
static long helpers_pss(const struct bench *bench, int *processes)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	long total = 0;

	*processes = 0;
	while (proc && (entry = readdir(proc))) {
		char path[300], text[4096];
		FILE *file;
		size_t n;
		long kb;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || atoi(entry->d_name) == getpid() ||
		    !(file = fopen(path, "re")))
			continue;
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		for (size_t i = 0; i < n; i++)
			text[i] = text[i] ? text[i] : ' ';
		text[n] = '\0';
		if (!strstr(text, bench->state))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(text, sizeof(text), file)) {
			if (sscanf(text, "Pss: %ld kB", &kb) == 1) {
				total += kb;
				(*processes)++;
			}
		}
		if (file)
			fclose(file);
	}
	if (proc)
		closedir(proc);
	return total;
}

static void bench_lists(struct bench *bench, int n, cri_call *call)
{
	struct samples list_samples = { .name = "list containers" }, status_samples = { .name = "status of each" };
	struct samples stats_samples = { .name = "stats of 100 (scaled)" };

	for (int i = 0; i < 20; i++) {
		double at = now_milliseconds();
		cri_list *list, *one;

		check(cri_container_list(bench->engine, NULL, &list, call), call, "list");
		at = lap(&list_samples, at);
		for (size_t j = 0; j < cri_list_count(list); j++) {
			check(cri_container_status_get(bench->engine, cri_container_at(list, j)->id, &one, call), call,
			      "status");
			cri_list_free(one);
		}
		at = lap(&status_samples, at);
		cri_list_free(list);
		check(cri_container_stats_list(bench->engine, NULL, &list, call), call, "stats");
		samples_add(&stats_samples, (now_milliseconds() - at) * 100 / n);
		cri_list_free(list);
	}
	printf("\nwith %d containers\n", n);
	samples_print(&list_samples, &bench->no_floor, n == 200 ? 3 : 0);
	samples_print(&status_samples, &bench->no_floor, 0);
	samples_print(&stats_samples, &bench->no_floor, 5);
	samples_free(&list_samples);
	samples_free(&status_samples);
	samples_free(&stats_samples);
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.floor_up.name = "floor: up",
		.floor_cycle.name = "floor: whole cycle",
	};
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .cgroup_parent = "/libcri-bench" };
	char lower[600], scratch[600], command[2048];
	int n = argc > 3 ? atoi(argv[3]) : 100, processes;
	char *sandboxes[200];
	cri_list *images;
	cri_call *call;
	long pss;

	if (argc < 3 || strlen(argv[1]) > 400)
		return 2;
	snprintf(bench.root, sizeof(bench.root), "%s/root", argv[1]);
	snprintf(bench.state, sizeof(bench.state), "%s/state", argv[1]);
	snprintf(lower, sizeof(lower), "%s/lower", argv[1]);
	snprintf(scratch, sizeof(scratch), "%s/scratch", argv[1]);
	snprintf(command, sizeof(command), "mkdir -p '%s/bin' '%s' && cp /bin/busybox '%s/bin/'", lower, scratch,
		 lower);
	if (system(command) != 0)
		return 1;
	options.root = bench.root;
	options.state = bench.state;
	check(cri_call_new(&call), NULL, "call");
	check(cri_engine_open(&options, &bench.engine, call), call, "open");
	check(cri_image_import(bench.engine, argv[2], NULL, &images, call), call, "import");
	cri_list_free(images);
	rounds(&bench, lower, scratch, n, call, "nothing beside it");
	parallel(&bench, n / 4 + 1);
	for (unsigned i = 0; i < 200; i++) {
		char *container;

		sandboxes[i] = run_sandbox(&bench, "many", i, call);
		container = create(&bench, sandboxes[i], call);
		check(cri_container_start(bench.engine, container, call), call, "start");
		cri_free(container);
		if (i == 49) {
			pss = helpers_pss(&bench, &processes);
			printf("\nmemory: %ld kB PSS a pod with one container (%d processes, 50 pods; budget 600: "
			       "%s)\n",
			       pss / 50, processes, pss / 50 <= 600 ? "met" : "MISSED");
		}
		if (i == 99)
			bench_lists(&bench, 100, call);
	}
	bench_lists(&bench, 200, call);
	rounds(&bench, lower, scratch, n / 2 + 1, call, "200 pods beside it");
	for (int i = 0; i < 200; i++) {
		check(cri_sandbox_remove(bench.engine, sandboxes[i], call), call, "remove");
		cri_free(sandboxes[i]);
	}
	cri_engine_close(bench.engine);
	cri_call_free(call);
	for (int step = 0; step < N_STEPS; step++)
		samples_free(&bench.steps[step]);
	samples_free(&bench.floor_up);
	samples_free(&bench.floor_cycle);
	return 0;
}
