/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#define BUSYBOX "docker.io/library/busybox"

static struct image_row commit(struct fixture *f, const struct image_row *row)
{
	struct image_row stored;

	assert_int_equal(store_image_commit(f->store, row, &f->arena, &stored, &f->call), 0);
	return stored;
}

static struct image_row get(struct fixture *f, const char *reference)
{
	struct image_row row;

	assert_int_equal(store_image_get(f->store, &f->arena, reference, &row, &f->call), 0);
	return row;
}

static size_t unused(struct fixture *f, int64_t **ids)
{
	size_t n_ids = 99;

	assert_int_equal(store_layer_unused(f->store, &f->arena, ids, &n_ids, &f->call), 0);
	return n_ids;
}

static void a_row_comes_back_as_it_was(void **state)
{
	static const char *const tags[] = { BUSYBOX ":z", BUSYBOX ":a'\"%_" };
	static const char *const digests[] = { BUSYBOX "@sha256:77" };
	struct fixture *f = *state;
	const int64_t layers[] = { fixture_layer(f, "sha256:l2", ""), fixture_layer(f, "sha256:l1", "") };
	struct image_row row = {
		.id = "sha256:abcd1234",
		.config = "{\"c\":\"'\"}",
		.manifest_digest = "sha256:77",
		.manifest = "{\"m\":\n1}",
		.bytes = UINT64_C(5000000000),
		.pinned = true,
		.embedded = true,
		.tags = tags,
		.n_tags = 2,
		.digests = digests,
		.n_digests = 1,
		.layers = layers,
		.n_layers = 2,
	};
	struct image_row read, stored = commit(f, &row);

	read = get(f, row.id);
	assert_string_equal(read.id, row.id);
	assert_string_equal(read.config, row.config);
	assert_string_equal(read.manifest_digest, row.manifest_digest);
	assert_string_equal(read.manifest, row.manifest);
	assert_int_equal(read.bytes, row.bytes);
	assert_true(read.pinned);
	assert_true(read.embedded);
	assert_int_equal(read.created_at, stored.created_at);
	assert_int_equal(read.n_tags, 2);
	assert_string_equal(read.tags[0], tags[1]);
	assert_string_equal(read.tags[1], tags[0]);
	assert_int_equal(read.n_digests, 1);
	assert_string_equal(read.digests[0], digests[0]);
	assert_int_equal(read.n_layers, 2);
	assert_memory_equal(read.layers, layers, sizeof(layers));
}

static void found_by_every_name(void **state)
{
	static const char *const tag[] = { BUSYBOX ":1" };
	static const char *const digest[] = { BUSYBOX "@sha256:77" };
	struct fixture *f = *state;
	struct image_row one = { .id = "sha256:abcd11", .config = "{}", .tags = tag, .n_tags = 1 };
	struct image_row two = { .id = "sha256:abcd22", .config = "{}", .digests = digest, .n_digests = 1 };
	struct image_row row;

	one.digests = digest;
	one.n_digests = 1;
	commit(f, &one);
	commit(f, &two);
	assert_string_equal(get(f, BUSYBOX ":1").id, one.id);
	/* The digest of an index, of which two platforms are here. */
	assert_string_equal(get(f, BUSYBOX "@sha256:77").id, two.id);
	assert_string_equal(get(f, "sha256:abcd11").id, one.id);
	assert_string_equal(get(f, "abcd2").id, two.id);
	assert_string_equal(get(f, "sha256:abcd1").id, one.id);
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, "abcd", &row, &f->call), CRI_EINVAL, "abcd",
		      "more than one image");
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, "abc", &row, &f->call), CRI_ENOTFOUND, "abc");
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, "sha256:", &row, &f->call), CRI_ENOTFOUND,
		      "sha256:");
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, BUSYBOX ":2", &row, &f->call), CRI_ENOTFOUND,
		      BUSYBOX ":2");
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, "", &row, &f->call), CRI_EINVAL, "image");
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, NULL, &row, &f->call), CRI_EINVAL, "image");
	assert_int_equal(store_image_delete(f->store, two.id, &f->call), 0);
	assert_string_equal(get(f, "abcd").id, one.id);
	assert_string_equal(get(f, BUSYBOX "@sha256:77").id, one.id);
}

static void tags_move_and_digests_stay(void **state)
{
	static const char *const tags[] = { BUSYBOX ":latest", BUSYBOX ":old" };
	static const char *const digest_one[] = { BUSYBOX "@sha256:01" };
	static const char *const digest_two[] = { BUSYBOX "@sha256:02" };
	struct fixture *f = *state;
	struct image_row one = { .id = "sha256:1111", .config = "{}", .tags = tags, .n_tags = 2 };
	struct image_row two = { .id = "sha256:2222", .config = "{}", .tags = tags, .n_tags = 1 };
	struct image_row *rows;
	size_t n_rows;

	one.digests = digest_one;
	one.n_digests = 1;
	two.digests = digest_two;
	two.n_digests = 1;
	commit(f, &one);
	commit(f, &two);
	assert_string_equal(get(f, BUSYBOX ":latest").id, two.id);
	assert_string_equal(get(f, BUSYBOX ":old").id, one.id);
	assert_int_equal(get(f, one.id).n_tags, 1);
	assert_int_equal(get(f, one.id).n_digests, 1);
	/* Without any name left it is listed still. */
	two.tags = &tags[1];
	two.digests = digest_one;
	commit(f, &two);
	assert_int_equal(get(f, one.id).n_tags, 0);
	assert_int_equal(get(f, two.id).n_tags, 2);
	assert_int_equal(get(f, two.id).n_digests, 2);
	assert_int_equal(store_image_list(f->store, &f->arena, &rows, &n_rows, &f->call), 0);
	assert_int_equal(n_rows, 2);
	assert_string_equal(rows[0].id, two.id);
	assert_string_equal(rows[1].id, one.id);
	assert_true(rows[0].created_at > rows[1].created_at);
	assert_int_equal(store_image_delete(f->store, two.id, &f->call), 0);
	assert_int_equal(store_image_delete(f->store, two.id, &f->call), 0);
	assert_int_equal(store_image_list(f->store, &f->arena, &rows, &n_rows, &f->call), 0);
	assert_int_equal(n_rows, 1);
	ASSERT_FAILED(&f->call, store_image_get(f->store, &f->arena, BUSYBOX ":latest", rows, &f->call), CRI_ENOTFOUND,
		      "latest");
}

static void a_refresh_keeps_what_it_must(void **state)
{
	struct fixture *f = *state;
	int64_t layers[] = { fixture_layer(f, "sha256:l1", ""), fixture_layer(f, "sha256:l2", "") };
	struct image_row row = { .id = "sha256:1111",
				 .config = "{}",
				 .manifest = "{}",
				 .manifest_digest = "sha256:01",
				 .pinned = true,
				 .layers = layers,
				 .n_layers = 1,
				 .bytes = 10 };
	struct image_row again = {
		.id = "sha256:1111", .config = "{}", .layers = &layers[1], .n_layers = 1, .bytes = 20
	};
	struct image_row read, stored;
	int64_t *ids;

	read = commit(f, &row);
	stored = commit(f, &again);
	assert_int_equal(stored.created_at, read.created_at);
	/* As one would read it now, when nobody has removed it. */
	assert_true(stored.pinned);
	assert_string_equal(stored.manifest, "{}");
	assert_int_equal(stored.bytes, 20);
	assert_int_equal(stored.n_layers, 1);
	assert_int_equal(stored.layers[0], layers[1]);
	read = get(f, row.id);
	assert_string_equal(read.manifest, "{}");
	assert_string_equal(read.manifest_digest, "sha256:01");
	assert_int_equal(read.bytes, 20);
	assert_int_equal(read.n_layers, 1);
	assert_int_equal(read.layers[0], layers[1]);
	assert_int_equal(unused(f, &ids), 1);
	assert_int_equal(ids[0], layers[0]);
	/* A layer that is gone: nothing is changed. */
	again.layers = layers;
	again.bytes = 30;
	ASSERT_FAILED(&f->call, store_image_commit(f->store, &again, NULL, NULL, &f->call), CRI_ENOTFOUND,
		      "sha256:1111", "layer");
	assert_int_equal(get(f, row.id).bytes, 20);
	assert_int_equal(get(f, row.id).n_layers, 1);
}

static void layers_by_diff_id_and_by_chain_id(void **state)
{
	struct fixture *f = *state;
	struct layer_row row;
	uint64_t bytes;
	uint64_t inodes;
	int64_t id = 0;
	int64_t other = 0;
	int64_t shared;
	bool garbage;

	ASSERT_SILENT(&f->call, store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c1", &row, &f->call),
		      CRI_ENOTFOUND);
	assert_int_equal(store_layer_begin(f->store, "sha256:d", &id, &f->call), 0);
	assert_int_equal(store_layer_begin(f->store, "sha256:d", &other, &f->call), 0);
	assert_int_not_equal(id, other);
	ASSERT_SILENT(&f->call, store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c1", &row, &f->call),
		      CRI_ENOTFOUND);
	shared = id;
	assert_int_equal(store_layer_commit(f->store, &id, "sha256:d", "sha256:c1", 7, 3, &f->call), 0);
	assert_int_equal(id, shared);
	ASSERT_FAILED(&f->call, store_layer_commit(f->store, &id, "sha256:d", "sha256:c1", 7, 3, &f->call),
		      CRI_ENOTFOUND, "sha256:d");
	/* Another process was quicker. */
	shared = other;
	ASSERT_SILENT(&f->call, store_layer_commit(f->store, &shared, "sha256:d", "sha256:c1", 7, 3, &f->call),
		      CRI_EEXIST);
	assert_int_equal(shared, id);
	assert_int_equal(store_layer_is_garbage(f->store, other, &garbage, &f->call), 0);
	assert_true(garbage);
	assert_int_equal(store_layer_is_garbage(f->store, id, &garbage, &f->call), 0);
	assert_false(garbage);
	assert_int_equal(store_layer_delete(f->store, other, &f->call), 0);
	assert_int_equal(store_layer_delete(f->store, other, &f->call), 0);
	assert_int_equal(store_layer_is_garbage(f->store, other, &garbage, &f->call), 0);
	assert_false(garbage);
	ASSERT_FAILED(&f->call, store_layer_delete(f->store, id, &f->call), CRI_EPRECONDITION, "ready");
	/* One stored by chain id stands nowhere else; one stored by diff id anywhere, and first. */
	assert_int_equal(store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c1", &row, &f->call), 0);
	assert_int_equal(row.id, id);
	assert_string_equal(row.chain_id, "sha256:c1");
	assert_int_equal(row.bytes, 7);
	assert_int_equal(row.inodes, 3);
	assert_true(row.ready);
	ASSERT_SILENT(&f->call, store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c2", &row, &f->call),
		      CRI_ENOTFOUND);
	shared = fixture_layer(f, "sha256:d", "");
	assert_int_equal(store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c2", &row, &f->call), 0);
	assert_int_equal(row.id, shared);
	assert_int_equal(store_layer_find(f->store, &f->arena, "sha256:d", "sha256:c1", &row, &f->call), 0);
	assert_int_equal(row.id, shared);
	assert_int_equal(store_layer_usage(f->store, &bytes, &inodes, &f->call), 0);
	assert_int_equal(bytes, 1007);
	assert_int_equal(inodes, 13);
	/* Ids name directories: none comes twice. */
	assert_int_equal(store_layer_begin(f->store, "sha256:e", &id, &f->call), 0);
	assert_int_equal(store_layer_delete(f->store, id, &f->call), 0);
	assert_int_equal(store_layer_begin(f->store, "sha256:e", &other, &f->call), 0);
	assert_true(other > id);
}

static void layers_live_as_long_as_they_are_used(void **state)
{
	struct fixture *f = *state;
	int64_t layers[] = { fixture_layer(f, "sha256:base", ""), fixture_layer(f, "sha256:one", ""),
			     fixture_layer(f, "sha256:two", "") };
	struct image_row one = { .id = "sha256:1111", .config = "{}", .layers = layers, .n_layers = 2 };
	struct image_row two = { .id = "sha256:2222", .config = "{}", .n_layers = 2 };
	const int64_t two_layers[] = { layers[0], layers[2] };
	struct container_row container = fixture_container("cccc", "aaaa", "c");
	struct layer_row row;
	int64_t *ids;
	int64_t begun;

	two.layers = two_layers;
	commit(f, &one);
	commit(f, &two);
	fixture_ready_sandbox(f, "aaaa", "a");
	container.layers = layers;
	container.n_layers = 2;
	assert_int_equal(store_container_insert(f->store, &container, &f->call), 0);
	assert_int_equal(unused(f, &ids), 0);
	assert_int_equal(store_image_delete(f->store, one.id, &f->call), 0);
	assert_int_equal(unused(f, &ids), 0);
	assert_int_equal(store_image_delete(f->store, two.id, &f->call), 0);
	assert_int_equal(unused(f, &ids), 1);
	assert_int_equal(ids[0], layers[2]);
	/* No longer to be had, and told again until somebody deletes it. */
	ASSERT_SILENT(&f->call, store_layer_find(f->store, &f->arena, "sha256:two", "", &row, &f->call), CRI_ENOTFOUND);
	ASSERT_FAILED(&f->call, store_image_commit(f->store, &two, NULL, NULL, &f->call), CRI_ENOTFOUND, "sha256:2222");
	assert_int_equal(unused(f, &ids), 1);
	assert_int_equal(store_layer_delete(f->store, layers[2], &f->call), 0);
	assert_int_equal(store_layer_begin(f->store, "sha256:two", &begun, &f->call), 0);
	assert_int_equal(store_container_delete(f->store, "cccc", &f->call), 0);
	assert_int_equal(unused(f, &ids), 3);
	assert_int_equal(ids[0], layers[0]);
	assert_int_equal(ids[1], layers[1]);
	assert_int_equal(ids[2], begun);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(store_layer_delete(f->store, ids[i], &f->call), 0);
	assert_int_equal(unused(f, &ids), 0);
}

static void the_same_layer_may_stand_twice(void **state)
{
	struct fixture *f = *state;
	int64_t layer = fixture_layer(f, "sha256:empty", "");
	const int64_t layers[] = { layer, layer };
	struct image_row row = { .id = "sha256:1111", .config = "{}", .layers = layers, .n_layers = 2 };

	commit(f, &row);
	assert_int_equal(get(f, row.id).n_layers, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_comes_back_as_it_was, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(found_by_every_name, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(tags_move_and_digests_stay, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_refresh_keeps_what_it_must, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(layers_by_diff_id_and_by_chain_id, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(layers_live_as_long_as_they_are_used, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_same_layer_may_stand_twice, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
