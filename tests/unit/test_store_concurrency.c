/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads, handles and processes on one database, and processes that are killed. */
#include "store_fixture.h"

#include "base/random.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define THREADS 8
#define ROUNDS 15

/* A pod with a container from nothing to nothing; the first failure, described in `call`. */
static int live(struct store *store, const char *name, cri_call *call)
{
	const struct container_exit exit = { .finished_at = 9, .exit_code = 1 };
	char sandbox_id[ID_LENGTH + 1];
	char container_id[ID_LENGTH + 1];
	struct sandbox_row sandbox = fixture_sandbox(sandbox_id, name);
	struct container_row container = fixture_container(container_id, sandbox_id, "c");
	bool changed = true;
	int result = random_id(sandbox_id) < 0 || random_id(container_id) < 0 ? CRI_EINTERNAL : 0;

	if (result == 0)
		result = store_sandbox_insert(store, &sandbox, call);
	if (result == 0)
		result = store_sandbox_set_state(store, sandbox_id, SANDBOX_CREATING, SANDBOX_READY, &changed, call);
	if (result == 0)
		result = store_container_insert(store, &container, call);
	if (result == 0)
		result = store_container_created(store, container_id, "", 1, call);
	if (result == 0)
		result = store_container_started(store, container_id, 5, call);
	if (result == 0 && changed)
		result = store_container_exited(store, container_id, &exit, &changed, call);
	if (result == 0 && changed)
		result = store_container_removing(store, container_id, &changed, call);
	if (result == 0)
		result = store_container_delete(store, container_id, call);
	if (result == 0 && changed)
		result = store_sandbox_set_state(store, sandbox_id, SANDBOX_READY, SANDBOX_REMOVING, &changed, call);
	if (result == 0)
		result = store_sandbox_delete(store, sandbox_id, call);
	return result == 0 && !changed ? call_fail(call, CRI_EINTERNAL, "live", "a state was not as left") : result;
}

/* Lists hold whole rows, in order. */
static int look(struct store *store, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct container_row *rows;
	size_t n_rows;
	int result = store_container_list(store, &arena, NULL, NULL, STATES_ALL, false, &rows, &n_rows, call);

	for (size_t i = 0; result == 0 && i < n_rows; i++) {
		if (strcmp(rows[i].config, "{\"k\":1}") != 0 || (i && rows[i].created_at >= rows[i - 1].created_at))
			result = call_fail(call, CRI_EINTERNAL, "look", "row %zu is wrong", i);
	}
	return result;
}

struct worker {
	struct store *store;
	int number;
	char failure[512];
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	cri_call call;
	char name[32];

	call_init(&call);
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "w%d-%d", worker->number, i);
		if (live(worker->store, name, &call) < 0 || look(worker->store, &call) < 0) {
			memcpy(worker->failure, call.message, sizeof(worker->failure));
			break;
		}
	}
	return NULL;
}

static void assert_empty_and_whole(struct fixture *f, int64_t n_events)
{
	struct sandbox_row *rows;
	size_t n_rows;
	char answer[64] = "";

	assert_int_equal(store_sandbox_list(f->store, &f->arena, NULL, STATES_ALL, &rows, &n_rows, &f->call), 0);
	assert_int_equal(n_rows, 0);
	assert_int_equal(fixture_last_event(f), n_events);
	fixture_sql(f, "PRAGMA integrity_check", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
	strcpy(answer, "");
	fixture_sql(f, "SELECT \"table\" FROM pragma_foreign_key_check", answer, sizeof(answer));
	assert_string_equal(answer, "");
}

/* A sandbox gives three events, since it is never stopped, a container four. */
#define EVENTS_A_LIFE 7

static void threads_and_handles(void **state)
{
	struct fixture *f = *state;
	struct worker workers[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct store *second = NULL;

	assert_int_equal(store_open(f->path, MAX_EVENTS, &second, &f->call), 0);
	for (int i = 0; i < THREADS; i++) {
		workers[i].store = i % 2 ? second : f->store;
		workers[i].number = i;
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_string_equal(workers[i].failure, "");
	store_close(second);
	assert_empty_and_whole(f, THREADS * ROUNDS * EVENTS_A_LIFE);
}

/* --- exactly one end --- */

struct racer {
	struct store *store;
	pthread_barrier_t *barrier;
	int n_changed;
	int failed;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	cri_call call;
	char id[65];

	call_init(&call);
	for (unsigned i = 0; i < 30; i++) {
		const struct container_exit exit = { .finished_at = 9, .exit_code = (int32_t)i };
		bool changed = false;

		pthread_barrier_wait(racer->barrier);
		if (store_container_exited(racer->store, fixture_id(id, i), &exit, &changed, &call) < 0)
			racer->failed++;
		racer->n_changed += changed;
	}
	return NULL;
}

static void an_end_is_folded_once(void **state)
{
	struct fixture *f = *state;
	struct racer racers[4] = { 0 };
	pthread_t threads[4];
	pthread_barrier_t barrier;
	struct store *second = NULL;
	int64_t last;
	int n_changed = 0;
	char id[65];

	assert_int_equal(store_open(f->path, MAX_EVENTS, &second, &f->call), 0);
	fixture_ready_sandbox(f, "aaaa", "a");
	for (unsigned i = 0; i < 30; i++) {
		struct container_row row = fixture_container(fixture_id(id, i), "aaaa", id);

		assert_int_equal(store_container_insert(f->store, &row, &f->call), 0);
		assert_int_equal(store_container_created(f->store, id, "", 1, &f->call), 0);
		assert_int_equal(store_container_started(f->store, id, 1, &f->call), 0);
	}
	last = fixture_last_event(f);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (int i = 0; i < 4; i++) {
		racers[i].store = i % 2 ? second : f->store;
		racers[i].barrier = &barrier;
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(racers[i].failed, 0);
		n_changed += racers[i].n_changed;
	}
	pthread_barrier_destroy(&barrier);
	store_close(second);
	assert_int_equal(n_changed, 30);
	assert_int_equal(fixture_last_event(f), last + 30);
}

/* --- processes: this program again, as "test_store_concurrency live|die PATH NAME" --- */

static pid_t run(const char *what, const char *path, const char *name)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/proc/self/exe", "test_store_concurrency", what, path, name, (char *)NULL);
		_exit(127);
	}
	assert_true(child > 0);
	return child;
}

static int run_as_program(char **argv)
{
	const char *what = argv[1];
	struct store *store;
	char name[64];
	cri_call call;
	int result;

	call_init(&call);
	result = store_open(argv[2], MAX_EVENTS, &store, &call);
	for (int i = 0; result == 0 && (i < ROUNDS || strcmp(what, "die") == 0); i++) {
		snprintf(name, sizeof(name), "%s-%d", argv[3], i);
		result = live(store, name, &call);
	}
	if (result < 0) {
		fprintf(stderr, "%s\n", call.message);
		return 1;
	}
	store_close(store);
	return 0;
}

static void two_processes(void **state)
{
	struct fixture *f = *state;
	pid_t children[2] = { run("live", f->path, "p0"), run("live", f->path, "p1") };
	struct worker worker = { .store = f->store, .number = 99 };
	int status;

	work(&worker);
	assert_string_equal(worker.failure, "");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_empty_and_whole(f, 3 * ROUNDS * EVENTS_A_LIFE);
}

static void processes_make_it_together(void **state)
{
	struct fixture *f = *state;
	pid_t children[3];
	int status;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(unlink(f->path), 0);
	for (int i = 0; i < 3; i++)
		children[i] = run("live", f->path, i == 0 ? "p0" : i == 1 ? "p1" : "p2");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(store_open(f->path, MAX_EVENTS, &f->store, &f->call), 0);
	assert_empty_and_whole(f, 3 * ROUNDS * EVENTS_A_LIFE);
}

/* What a killed process leaves is whole rows in some state: each step was done or not. */
static void a_writer_is_killed(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row *rows;
	size_t n_rows;
	int64_t last = 0;

	for (int i = 0; i < 12; i++) {
		/* Half of them with nobody else who has it open. */
		bool alone = i % 2;
		char name[16];
		char answer[64] = "";
		pid_t child;
		int status;

		if (alone) {
			store_close(f->store);
			f->store = NULL;
		}
		snprintf(name, sizeof(name), "k%d", i);
		child = run("die", f->path, name);
		usleep(15000 + (useconds_t)i * 2711);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		if (alone)
			assert_int_equal(store_open(f->path, MAX_EVENTS, &f->store, &f->call), 0);
		fixture_sql(f, "PRAGMA integrity_check", answer, sizeof(answer));
		assert_string_equal(answer, "ok");
		assert_int_equal(store_sandbox_list(f->store, &f->arena, NULL, STATES_ALL, &rows, &n_rows, &f->call),
				 0);
		assert_in_range(n_rows, 0, i + 1);
		assert_true(fixture_last_event(f) >= last);
		last = fixture_last_event(f);
		assert_int_equal(live(f->store, "after", &f->call), 0);
	}
	assert_true(last > 12 * EVENTS_A_LIFE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_and_handles, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_end_is_folded_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(two_processes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(processes_make_it_together, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_writer_is_killed, fixture_setup, fixture_teardown),
	};

	if (argc == 4)
		return run_as_program(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
