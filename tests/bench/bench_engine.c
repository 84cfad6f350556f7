/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod costs: every step of its life beside the floor of the same run, lists and stats of many, memory a pod.
 *
 *     bench_engine DIRECTORY IMAGE.tar [ROUNDS [PART…]]
 *
 * Parts: alone (the steps of one pod), parallel (8 pods at once), memory (50 pods), lists (100 and 200 pods), beside
 * (the steps beside 200 pods). None named: all. DIRECTORY should be on a fresh file system (tests/bench/run.sh mounts
 * one).
 */
#include "libcri/libcri.h"

#include "life.h"
#include "samples.h"

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 8
#define PODS 200
#define LOOKS 20

static const char *const parts[] = { "alone", "parallel", "memory", "lists", "beside" };
#define N_PARTS (sizeof(parts) / sizeof(*parts))

struct bench {
	cri_engine *engine;
	cri_call *call;
	char root[512], state[512], lower[512], scratch[512];
	int rounds;
	int n_wanted;
	char **wanted;
	char *sandboxes[PODS];
	unsigned n_sandboxes;
};

static bool wants(const struct bench *bench, const char *part)
{
	for (int i = 0; i < bench->n_wanted; i++) {
		if (!strcmp(bench->wanted[i], part))
			return true;
	}
	return bench->n_wanted == 0;
}

struct worker {
	const struct bench *bench;
	pthread_t thread;
	unsigned number;
	int cycles;
};

static void *work(void *data)
{
	struct worker *worker = data;
	cri_call *call;
	char name[32];

	bench_check(cri_call_new(&call), NULL, "call");
	snprintf(name, sizeof(name), "worker-%u", worker->number);
	for (int i = 0; i < worker->cycles; i++)
		bench_life(worker->bench->engine, name, (unsigned)i, NULL, call);
	cri_call_free(call);
	return NULL;
}

static void bench_parallel(const struct bench *bench)
{
	struct worker workers[WORKERS];
	double begun = now_milliseconds(), rate;
	int cycles = bench->rounds / 4 + 1;

	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .bench = bench, .number = i, .cycles = cycles };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(1);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	rate = (double)WORKERS * cycles * 1e3 / (now_milliseconds() - begun);
	printf("\n%d pods at once: %.1f cycles per second  at least 75: %s\n", WORKERS, rate,
	       rate >= 75 ? "met" : "MISSED");
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

static void bench_memory(const struct bench *bench)
{
	int processes;
	long pss = helpers_pss(bench, &processes) / bench->n_sandboxes;

	printf("\nmemory: %ld kB PSS a pod with one container (%d processes of %u pods)  at most 600: %s\n", pss,
	       processes, bench->n_sandboxes, pss <= 600 ? "met" : "MISSED");
}

static void bench_lists(const struct bench *bench)
{
	static const struct budget three = { .p50 = 3 }, five = { .p50 = 5 };
	struct samples listed = { 0 }, status = { 0 }, stats = { 0 }, counted = { 0 };
	const unsigned n = bench->n_sandboxes;
	cri_call *call = bench->call;
	char title[64];

	for (int i = 0; i < LOOKS; i++) {
		double at = now_milliseconds();
		cri_list *list, *one;

		bench_check(cri_container_list(bench->engine, NULL, &list, call), call, "list");
		at = bench_lap(&listed, at);
		for (size_t j = 0; j < cri_list_count(list); j++) {
			const cri_container_info *info = cri_container_at(list, j);

			bench_check(cri_container_status_get(bench->engine, info->id, &one, call), call, "status");
			cri_list_free(one);
		}
		at = bench_lap(&status, at);
		cri_list_free(list);
		bench_check(cri_container_stats_list(bench->engine, NULL, &list, call), call, "stats");
		samples_add(&stats, (now_milliseconds() - at) * 100 / n);
		at = now_milliseconds();
		/* Writable layers too: a list takes those of the last ten seconds. */
		for (size_t j = 0; j < cri_list_count(list); j++) {
			const char *id = cri_container_stats_at(list, j)->info.id;

			bench_check(cri_container_stats_get(bench->engine, id, &one, call), call, "stats");
			cri_list_free(one);
		}
		samples_add(&counted, (now_milliseconds() - at) * 100 / n);
		cri_list_free(list);
	}
	snprintf(title, sizeof(title), "with %u containers", n);
	samples_print_head(title);
	samples_print("list", &listed, NULL, n == 200 ? &three : NULL);
	samples_print("status of each", &status, NULL, n == 200 ? &three : NULL);
	samples_print("stats, of every 100", &stats, NULL, &five);
	samples_print("stats of each, of 100", &counted, NULL, NULL);
	samples_free(&listed);
	samples_free(&status);
	samples_free(&stats);
	samples_free(&counted);
}

static void grow(struct bench *bench, unsigned n)
{
	for (; bench->n_sandboxes < n; bench->n_sandboxes++)
		bench->sandboxes[bench->n_sandboxes] = bench_up(bench->engine, "many", bench->n_sandboxes, bench->call);
}

static void bench_many(struct bench *bench)
{
	if (wants(bench, "memory")) {
		grow(bench, 50);
		bench_memory(bench);
	}
	for (unsigned n = 100; n <= PODS && wants(bench, "lists"); n += 100) {
		grow(bench, n);
		bench_lists(bench);
	}
	if (wants(bench, "beside")) {
		grow(bench, PODS);
		bench_lives(bench->engine, bench->lower, bench->scratch, bench->rounds / 2 + 1, "200 pods beside it",
			    bench->call);
	}
	for (unsigned i = 0; i < bench->n_sandboxes; i++) {
		bench_check(cri_sandbox_remove(bench->engine, bench->sandboxes[i], bench->call), bench->call, "remove");
		cri_free(bench->sandboxes[i]);
	}
}

static int open_engine(struct bench *bench, const char *directory, const char *image)
{
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .cgroup_parent = "/libcri-bench",
				       .network_plugin = CRI_NETWORK_NONE };
	char command[2048];
	cri_list *images;

	snprintf(bench->root, sizeof(bench->root), "%s/root", directory);
	snprintf(bench->state, sizeof(bench->state), "%s/state", directory);
	snprintf(bench->lower, sizeof(bench->lower), "%s/lower", directory);
	snprintf(bench->scratch, sizeof(bench->scratch), "%s/scratch", directory);
	snprintf(command, sizeof(command), "mkdir -p '%s/bin' '%s' && cp /bin/busybox '%s/bin/'", bench->lower,
		 bench->scratch, bench->lower);
	if (system(command) != 0)
		return -1;
	options.root = bench->root;
	options.state = bench->state;
	bench_check(cri_call_new(&bench->call), NULL, "call");
	bench_check(cri_engine_open(&options, &bench->engine, bench->call), bench->call, "open");
	bench_check(cri_image_import(bench->engine, image, NULL, &images, bench->call), bench->call, "import");
	cri_list_free(images);
	return 0;
}

static bool knows(const char *part)
{
	for (size_t i = 0; i < N_PARTS; i++) {
		if (!strcmp(parts[i], part))
			return true;
	}
	fprintf(stderr, "bench: \"%s\" is no part\n", part);
	return false;
}

int main(int argc, char **argv)
{
	struct bench bench = { .rounds = argc > 3 ? atoi(argv[3]) : 100 };

	if (argc < 3 || strlen(argv[1]) > 400 || bench.rounds < 1)
		return 2;
	if (argc > 4) {
		bench.wanted = argv + 4;
		bench.n_wanted = argc - 4;
	}
	for (int i = 0; i < bench.n_wanted; i++) {
		if (!knows(bench.wanted[i]))
			return 2;
	}
	if (open_engine(&bench, argv[1], argv[2]) < 0)
		return 1;
	if (wants(&bench, "alone"))
		bench_lives(bench.engine, bench.lower, bench.scratch, bench.rounds, "nothing beside it", bench.call);
	if (wants(&bench, "parallel"))
		bench_parallel(&bench);
	bench_many(&bench);
	cri_engine_close(bench.engine);
	cri_call_free(bench.call);
	return 0;
}
