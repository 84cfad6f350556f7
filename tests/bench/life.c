/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include "floor.h"

#include <stdio.h>
#include <stdlib.h>

/* They fill caches, and are not counted. */
#define FIRST_ROUNDS 3

static const char *const names[N_STEPS] = {
	[RUN] = "run sandbox",           [CREATE] = "create container", [START] = "start container",
	[UP] = "up (run+create+start)",  [EXEC] = "exec_sync true",     [STATUS] = "container status",
	[STOP] = "stop container",       [REMOVE] = "remove container", [STOP_POD] = "stop sandbox",
	[REMOVE_POD] = "remove sandbox", [CYCLE] = "whole cycle",
};
static const struct budget budgets[N_STEPS] = {
	[UP] = { .p50 = 10, .times_floor_p50 = 3, .times_floor_p95 = 2 },
	[EXEC] = { .p50 = 2.5 },
	[CYCLE] = { .p50 = 15, .times_floor_p95 = 2 },
};

void bench_check(int result, const cri_call *call, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, call ? cri_call_message(call) : cri_code_name(result));
	exit(1);
}

char *bench_run_sandbox(cri_engine *engine, const char *name, unsigned attempt, cri_call *call)
{
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT, .name = name, .uid = "bench", .namespace_ = "bench", .attempt = attempt,
	};
	char *id;

	bench_check(cri_sandbox_run(engine, &config, NULL, &id, call), call, "run");
	return id;
}

char *bench_create(cri_engine *engine, const char *sandbox, cri_call *call)
{
	static const char *const command[] = { "/bin/sleep", "1000" };
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "bench", .image = BENCH_IMAGE, .command = command, .n_command = 2,
	};
	char *id;

	bench_check(cri_container_create(engine, sandbox, &config, &id, call), call, "create");
	return id;
}

char *bench_up(cri_engine *engine, const char *name, unsigned attempt, cri_call *call)
{
	char *sandbox = bench_run_sandbox(engine, name, attempt, call);
	char *container = bench_create(engine, sandbox, call);

	bench_check(cri_container_start(engine, container, call), call, "start");
	cri_free(container);
	return sandbox;
}

double bench_lap(struct samples *samples, double since)
{
	double now = now_milliseconds();

	samples_add(samples, now - since);
	return now;
}

static double look_inside(cri_engine *engine, const char *container, struct life *life, double at, cri_call *call)
{
	static const char *const command[] = { "/bin/true" };
	const cri_exec_options exec = { CRI_EXEC_OPTIONS_INIT, .command = command, .n_command = 1 };
	cri_exec_result *result;
	cri_list *list;

	bench_check(cri_container_exec_sync(engine, container, &exec, &result, call), call, "exec");
	at = bench_lap(&life->steps[EXEC], at);
	cri_free(result);
	bench_check(cri_container_status_get(engine, container, &list, call), call, "status");
	at = bench_lap(&life->steps[STATUS], at);
	cri_list_free(list);
	return at;
}

void bench_life(cri_engine *engine, const char *name, unsigned number, struct life *life, cri_call *call)
{
	struct life ignored = { 0 };
	struct samples *steps = life ? life->steps : ignored.steps;
	double begun = now_milliseconds(), at = begun, up;
	char *sandbox = bench_run_sandbox(engine, name, number, call);
	char *container;

	at = bench_lap(&steps[RUN], at);
	container = bench_create(engine, sandbox, call);
	at = bench_lap(&steps[CREATE], at);
	bench_check(cri_container_start(engine, container, call), call, "start");
	at = bench_lap(&steps[START], at);
	samples_add(&steps[UP], at - begun);
	up = at - begun;
	if (life)
		at = look_inside(engine, container, life, at, call);
	begun = at;
	bench_check(cri_container_stop(engine, container, 0, call), call, "stop");
	at = bench_lap(&steps[STOP], at);
	bench_check(cri_container_remove(engine, container, call), call, "remove");
	at = bench_lap(&steps[REMOVE], at);
	bench_check(cri_sandbox_stop(engine, sandbox, call), call, "stop sandbox");
	at = bench_lap(&steps[STOP_POD], at);
	bench_check(cri_sandbox_remove(engine, sandbox, call), call, "remove sandbox");
	at = bench_lap(&steps[REMOVE_POD], at);
	samples_add(&steps[CYCLE], up + at - begun);
	cri_free(container);
	cri_free(sandbox);
	for (int step = 0; step < N_STEPS; step++)
		samples_free(&ignored.steps[step]);
}

static void forget(struct life *life, void (*end)(struct samples *))
{
	for (int step = 0; step < N_STEPS; step++)
		end(&life->steps[step]);
	end(&life->floor_up);
	end(&life->floor_cycle);
}

static void print(struct life *life, const char *title)
{
	samples_print_head(title);
	samples_print("floor: up", &life->floor_up, NULL, NULL);
	samples_print("floor: whole cycle", &life->floor_cycle, NULL, NULL);
	for (int step = 0; step < N_STEPS; step++) {
		struct samples *floor = step == UP ? &life->floor_up : step == CYCLE ? &life->floor_cycle : NULL;

		samples_print(names[step], &life->steps[step], floor, &budgets[step]);
	}
}

void bench_lives(cri_engine *engine, const char *lower, const char *scratch, int n, const char *title, cri_call *call)
{
	struct life life = { 0 };

	for (int i = 0; i < n + FIRST_ROUNDS; i++) {
		double up, cycle;

		if (i == FIRST_ROUNDS)
			forget(&life, samples_clear);
		if (floor_cycle(lower, scratch, i, &up, &cycle) < 0)
			exit(1);
		samples_add(&life.floor_up, up);
		samples_add(&life.floor_cycle, cycle);
		bench_life(engine, "cycle", (unsigned)i, &life, call);
	}
	print(&life, title);
	forget(&life, samples_free);
}
