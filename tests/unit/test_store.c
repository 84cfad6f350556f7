/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, settings, and what a database does that is busy, full, damaged or not ours. */
#include "store_fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int syncs;

/* Before libc's, for SQLite too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	__atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED);
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	__atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED);
	return (int)syscall(SYS_fsync, fd);
}

static void settings_are_kept(void **state)
{
	struct fixture *f = *state;
	const char *value = "untouched";

	ASSERT_SILENT(&f->call, store_setting_get(f->store, &f->arena, "k", &value, &f->call), CRI_ENOTFOUND);
	assert_string_equal(value, "untouched");
	assert_int_equal(store_setting_set(f->store, "k", "v", &f->call), 0);
	assert_int_equal(store_setting_set(f->store, "o'k\"%_;--", "w'\xc3\xa4\n", &f->call), 0);
	assert_int_equal(store_setting_set(f->store, "k", "v2", &f->call), 0);
	fixture_reopen(f, MAX_EVENTS);
	assert_int_equal(store_setting_get(f->store, &f->arena, "k", &value, &f->call), 0);
	assert_string_equal(value, "v2");
	assert_int_equal(store_setting_get(f->store, &f->arena, "o'k\"%_;--", &value, &f->call), 0);
	assert_string_equal(value, "w'\xc3\xa4\n");
	assert_int_equal(store_setting_set(f->store, "k", NULL, &f->call), 0);
	assert_int_equal(store_setting_set(f->store, "k", NULL, &f->call), 0);
	ASSERT_SILENT(&f->call, store_setting_get(f->store, &f->arena, "k", &value, &f->call), CRI_ENOTFOUND);
}

static void assert_mode(const struct fixture *f, const char *suffix)
{
	char path[128];
	struct stat status;

	snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
}

static void files_are_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 0277 };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before;

		store_close(f->store);
		f->store = NULL;
		assert_int_equal(unlink(f->path), 0);
		before = umask(masks[i]);
		assert_int_equal(store_open(f->path, MAX_EVENTS, &f->store, &f->call), 0);
		assert_int_equal(store_setting_set(f->store, "a", "b", &f->call), 0);
		assert_int_equal(umask(before), masks[i]);
		assert_mode(f, "");
		assert_mode(f, "-wal");
		assert_mode(f, "-shm");
	}
}

static void configured_as_promised(void **state)
{
	struct fixture *f = *state;
	char answer[32];

	fixture_sql(f, "PRAGMA journal_mode", answer, sizeof(answer));
	assert_string_equal(answer, "wal");
	fixture_sql(f, "PRAGMA user_version", answer, sizeof(answer));
	assert_string_equal(answer, "2");
	fixture_sql(f, "PRAGMA integrity_check", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
}

static void only_image_commits_are_synced(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row sandbox = fixture_sandbox("aaaa", "a");
	struct image_row image = { .id = "sha256:1234", .config = "{}" };
	bool changed;
	int before = __atomic_load_n(&syncs, __ATOMIC_RELAXED);
	int64_t layer;

	assert_int_equal(store_sandbox_insert(f->store, &sandbox, &f->call), 0);
	assert_int_equal(store_sandbox_set_state(f->store, "aaaa", SANDBOX_CREATING, SANDBOX_READY, &changed, &f->call),
			 0);
	assert_int_equal(store_layer_begin(f->store, "sha256:d", &layer, &f->call), 0);
	assert_int_equal(syncs, before);
	assert_int_equal(store_layer_commit(f->store, &layer, "sha256:d", "", 1, 1, &f->call), 0);
	assert_true(syncs > before);
	before = syncs;
	assert_int_equal(store_image_commit(f->store, &image, NULL, NULL, &f->call), 0);
	assert_true(syncs > before);
	before = syncs;
	assert_int_equal(store_setting_set(f->store, "a", "b", &f->call), 0);
	assert_int_equal(syncs, before);
	assert_int_equal(store_image_delete(f->store, image.id, &f->call), 0);
	assert_true(syncs > before);
}

static void another_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	char answer[32];

	fixture_sql(f, "PRAGMA user_version = 3", NULL, 0);
	ASSERT_FAILED(&f->call, store_open(f->path, 10, &store, &f->call), CRI_EPRECONDITION, f->path, "version 3",
		      "newer");
	fixture_sql(f, "PRAGMA user_version = -5", NULL, 0);
	ASSERT_FAILED(&f->call, store_open(f->path, 10, &store, &f->call), CRI_EPRECONDITION, "version -5");
	fixture_sql(f, "PRAGMA user_version", answer, sizeof(answer));
	assert_string_equal(answer, "-5");
	fixture_sql(f, "PRAGMA user_version = 0", NULL, 0);
	ASSERT_FAILED(&f->call, store_open(f->path, 10, &store, &f->call), CRI_EPRECONDITION, "another program");
	assert_null(store);
}

static void bad_paths(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/no/libcri.db", f->directory);
	ASSERT_FAILED(&f->call, store_open(path, 10, &store, &f->call), CRI_ENOTFOUND, path);
	assert_true(store_open(f->directory, 10, &store, &f->call) < 0);
	assert_non_null(strstr(f->call.message, f->directory));
	assert_null(store);
	store_close(NULL);
}

static void overwrite(const char *path, off_t from, size_t length)
{
	char *noise = malloc(length);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_non_null(noise);
	assert_true(fd >= 0);
	memset(noise, 0xa5, length);
	assert_int_equal(pwrite(fd, noise, length, from), length);
	close(fd);
	free(noise);
}

static void damage_is_reported_with_a_remedy(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row *rows = NULL;
	struct store *store = NULL;
	size_t n_rows;
	char root_page[32];
	char id[65];

	for (unsigned i = 0; i < 50; i++)
		fixture_ready_sandbox(f, fixture_id(id, i), id);
	fixture_sql(f, "SELECT rootpage FROM sqlite_schema WHERE name = 'sandbox'", root_page, sizeof(root_page));
	store_close(f->store);
	f->store = NULL;
	overwrite(f->path, (atoi(root_page) - 1) * 4096L, 4096);
	assert_int_equal(store_open(f->path, 10, &f->store, &f->call), 0);
	ASSERT_FAILED(&f->call, store_sandbox_list(f->store, &f->arena, NULL, STATES_ALL, &rows, &n_rows, &f->call),
		      CRI_ECORRUPT, f->path, "damaged", ".recover");
	store_close(f->store);
	f->store = NULL;
	overwrite(f->path, 0, 4096);
	ASSERT_FAILED(&f->call, store_open(f->path, 10, &store, &f->call), CRI_ECORRUPT, f->path, "damaged");
	assert_int_equal(truncate(f->path, 50), 0);
	ASSERT_FAILED(&f->call, store_open(f->path, 10, &store, &f->call), CRI_ECORRUPT, f->path, "damaged");
}

static void a_full_disk_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const size_t length = 1024 * 1024;
	char *large = malloc(length + 1);
	const char *value;

	assert_non_null(large);
	memset(large, 'x', length);
	large[length] = '\0';
	/* As SQLite answers it for ENOSPC. */
	assert_int_equal(sqlite3_exec(f->store->writer.handle, "PRAGMA max_page_count = 60", NULL, NULL, NULL),
			 SQLITE_OK);
	ASSERT_FAILED(&f->call, store_setting_set(f->store, "large", large, &f->call), CRI_EEXHAUSTED, f->path,
		      "space");
	ASSERT_SILENT(&f->call, store_setting_get(f->store, &f->arena, "large", &value, &f->call), CRI_ENOTFOUND);
	assert_int_equal(store_setting_set(f->store, "small", "x", &f->call), 0);
	assert_int_equal(sqlite3_exec(f->store->writer.handle, "PRAGMA max_page_count = 100000", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(store_setting_set(f->store, "large", large, &f->call), 0);
	assert_int_equal(store_setting_get(f->store, &f->arena, "large", &value, &f->call), 0);
	assert_string_equal(value, large);
	free(large);
}

/* --- a database that another program keeps busy --- */

static sqlite3 *hold(struct fixture *f)
{
	sqlite3 *handle = NULL;

	assert_int_equal(sqlite3_open_v2(f->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return handle;
}

static void let_go(sqlite3 *handle)
{
	assert_int_equal(sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void *set_patiently(void *argument)
{
	struct fixture *f = argument;
	cri_call call;

	call_init(&call);
	return (void *)(intptr_t)store_setting_set(f->store, "patient", "1", &call);
}

static void busy_writers_wait_until_their_deadline(void **state)
{
	struct fixture *f = *state;
	sqlite3 *holder = hold(f);
	int64_t begin;
	int64_t took;
	pthread_t thread;
	void *result = NULL;
	const char *value;

	assert_int_equal(pthread_create(&thread, NULL, set_patiently, f), 0);
	begin = clock_boot();
	f->call.deadline = begin + 60 * NANOSECONDS_PER_MILLISECOND;
	ASSERT_FAILED(&f->call, store_setting_set(f->store, "k", "v", &f->call), CRI_ETIMEDOUT,
		      "wait for the database");
	took = clock_boot() - begin;
	assert_true(took >= 60 * NANOSECONDS_PER_MILLISECOND);
	assert_true(took < 2000 * NANOSECONDS_PER_MILLISECOND);
	f->call.deadline = CALL_NO_DEADLINE;
	let_go(holder);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(store_setting_get(f->store, &f->arena, "patient", &value, &f->call), 0);
	assert_int_equal(store_setting_set(f->store, "k", "v", &f->call), 0);
}

static void a_cancelled_call_stops_waiting(void **state)
{
	struct fixture *f = *state;
	sqlite3 *holder = hold(f);
	cri_call *call = NULL;

	assert_int_equal(cri_call_new(&call), 0);
	cri_call_cancel(call);
	ASSERT_FAILED(call, store_setting_set(f->store, "k", "v", call), CRI_ECANCELED, "wait for the database");
	cri_call_free(call);
	let_go(holder);
}

static void lists_do_not_wait_for_writers(void **state)
{
	struct fixture *f = *state;
	struct sandbox_row *rows;
	size_t n_rows;
	sqlite3 *holder;

	fixture_ready_sandbox(f, "aaaa", "a");
	holder = hold(f);
	/* And not for a thread of this process either. */
	pthread_mutex_lock(&f->store->writer.mutex);
	f->call.deadline = clock_boot();
	assert_int_equal(store_sandbox_list(f->store, &f->arena, NULL, STATES_ALL, &rows, &n_rows, &f->call), 0);
	assert_int_equal(n_rows, 1);
	pthread_mutex_unlock(&f->store->writer.mutex);
	let_go(holder);
}

static void a_forked_child_leaves_the_database_alone(void **state)
{
	struct fixture *f = *state;
	const char *value;
	pid_t child;
	int status;

	assert_int_equal(store_setting_set(f->store, "k", "v", &f->call), 0);
	child = fork();
	if (child == 0) {
		store_close(f->store);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_mode(f, "-wal");
	assert_int_equal(store_setting_set(f->store, "k", "w", &f->call), 0);
	fixture_reopen(f, MAX_EVENTS);
	assert_int_equal(store_setting_get(f->store, &f->arena, "k", &value, &f->call), 0);
	assert_string_equal(value, "w");
}

static void descriptors_are_closed_on_exec(void **state)
{
	struct fixture *f = *state;
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	int found = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		char target[PATH_MAX] = "";
		int fd = atoi(entry->d_name);

		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) < 0 ||
		    strncmp(target, f->directory, strlen(f->directory)) != 0)
			continue;
		found++;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	closedir(directory);
	assert_true(found >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_are_kept, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(files_are_private_whatever_the_umask, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(configured_as_promised, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(only_image_commits_are_synced, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(another_schema_is_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bad_paths, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(damage_is_reported_with_a_remedy, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(busy_writers_wait_until_their_deadline, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_cancelled_call_stops_waiting, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(lists_do_not_wait_for_writers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_forked_child_leaves_the_database_alone, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_closed_on_exec, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
