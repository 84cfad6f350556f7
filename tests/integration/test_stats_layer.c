/* SPDX-License-Identifier: Apache-2.0 */
/* What writable layers occupy, and what one that cannot be counted does to the others. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Blocks, not lengths; a file with two names once; the file system is the root's. */
static void test_writable_layer(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "disk");
	char *container = fixture_start(fixture, id, "disk", "sleep 1000");
	cri_list *list, *images;
	uint64_t bytes, inodes;
	const cri_filesystem_usage *usage;

	expect_ok(fixture, cri_container_stats_get(fixture->engine, container, &list, fixture->call));
	usage = &cri_container_stats_at(list, 0)->writable_layer;
	bytes = usage->used_bytes;
	inodes = usage->inodes_used;
	cri_list_free(list);
	cri_free(fixture_exec(fixture, container,
			      "dd if=/dev/urandom of=/full bs=1M count=2 && ln /full /again && "
			      "dd if=/dev/zero of=/sparse bs=1 count=1 seek=100M && sync",
			      NULL));
	expect_ok(fixture, cri_container_stats_get(fixture->engine, container, &list, fixture->call));
	usage = &cri_container_stats_at(list, 0)->writable_layer;
	assert_int_equal(usage->inodes_used, inodes + 2);
	assert_in_range(usage->used_bytes - bytes, 2 << 20, (2 << 20) + (64 << 10));
	expect_ok(fixture, cri_image_filesystem_usage(fixture->engine, &images, fixture->call));
	assert_string_equal(usage->mountpoint, cri_filesystem_usage_at(images, 1)->mountpoint);
	assert_string_equal(usage->uuid, cri_filesystem_usage_at(images, 1)->uuid);
	cri_list_free(images);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(container);
	cri_free(id);
}

/* Below a container's root, as it might make it. */
static void make_deep(struct fixture *fixture, const char *container)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/c/%s/upper", fixture->root, container);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 2100; i++) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
}

static size_t count_metrics(struct fixture *fixture, const char *name, const char *container)
{
	cri_list *list;
	size_t n = 0;

	expect_ok(fixture, cri_metrics(fixture->engine, &list, fixture->call));
	for (size_t i = 0; i < cri_list_count(list); i++) {
		const cri_metric *metric = cri_metric_at(list, i);

		n += !strcmp(metric->name, name) && !strcmp(metric->container_id, container);
	}
	cri_list_free(list);
	return n;
}

static void assert_only_known(const cri_container_stats *stats, const char *good)
{
	assert_int_equal(stats->writable_layer.known, !strcmp(stats->info.id, good));
	assert_int_equal(stats->writable_layer.inodes_used > 0, stats->writable_layer.known);
	assert_int_equal(stats->writable_layer.used_bytes > 0, stats->writable_layer.known);
	assert_true(stats->cpu.usage_core_nanoseconds.known && stats->memory.usage_bytes.known);
}

/* One container's tree costs the others nothing, and itself nothing but the figures of its tree. */
static void test_a_tree_that_cannot_be_counted(void **state)
{
	struct fixture *fixture = *state;
	char *id = fixture_run_sandbox(fixture, "deep");
	char *bad = fixture_start(fixture, id, "bad", "sleep 1000");
	char *good = fixture_start(fixture, id, "good", "sleep 1000");
	cri_container_filter filter = { CRI_CONTAINER_FILTER_INIT, .sandbox_id = id };
	const cri_engine_options options = fixture_options(fixture);
	cri_engine *other;
	cri_list *list;

	make_deep(fixture, bad);
	expect_ok(fixture, cri_container_stats_get(fixture->engine, bad, &list, fixture->call));
	assert_only_known(cri_container_stats_at(list, 0), good);
	cri_list_free(list);
	expect_ok(fixture, cri_container_stats_list(fixture->engine, &filter, &list, fixture->call));
	assert_int_equal(cri_list_count(list), 2);
	for (size_t i = 0; i < 2; i++)
		assert_only_known(cri_container_stats_at(list, i), good);
	cri_list_free(list);
	expect_ok(fixture, cri_sandbox_stats_get(fixture->engine, id, &list, fixture->call));
	for (size_t i = 0; i < 2; i++)
		assert_only_known(cri_sandbox_stats_at(list, 0)->containers[i], good);
	cri_list_free(list);
	assert_int_equal(count_metrics(fixture, "container_fs_usage_bytes", good), 1);
	assert_int_equal(count_metrics(fixture, "container_fs_usage_bytes", bad), 0);
	assert_int_equal(count_metrics(fixture, "container_fs_limit_bytes", bad), 1);
	/* An engine that has seen nothing yet. */
	expect_ok(fixture, cri_engine_open(&options, &other, fixture->call));
	expect_ok(fixture, cri_image_filesystem_usage(other, &list, fixture->call));
	assert_true(cri_filesystem_usage_at(list, 0)->known);
	assert_false(cri_filesystem_usage_at(list, 1)->known);
	cri_list_free(list);
	cri_engine_close(other);
	expect_ok(fixture, cri_sandbox_remove(fixture->engine, id, fixture->call));
	cri_free(good);
	cri_free(bad);
	cri_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_writable_layer),
		fixture_test(test_a_tree_that_cannot_be_counted),
	};

	return cmocka_run_group_tests_name("stats layer", tests, fixture_set_up, fixture_tear_down);
}
