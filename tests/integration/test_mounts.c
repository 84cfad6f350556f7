/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted in a container, seen from inside and from the host. */
#include "fixture.h"
#include "image_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_mounts(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "mounts");
	char volume[128], file[160], missing[160];
	cri_mount mounts[5] = {
		{ CRI_MOUNT_INIT, .container_path = "/a/b/inner", .host_path = file },
		{ CRI_MOUNT_INIT, .container_path = "/a", .host_path = volume },
		{ CRI_MOUNT_INIT, .container_path = "/readonly", .host_path = volume, .readonly = true },
		/* /var/run is a link to /run in many images; made in this one by the first container. */
		{ CRI_MOUNT_INIT, .container_path = "/var/run/secrets/token", .host_path = file },
		{ CRI_MOUNT_INIT, .container_path = "/gone", .host_path = missing },
	};
	const cri_mount *const list[] = { &mounts[0], &mounts[1], &mounts[2], &mounts[3], &mounts[4] };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "mounts", .mounts = list, .n_mounts = 4 };
	const cri_container_status *status;
	cri_list *result;
	char *id, *refused = NULL;

	snprintf(volume, sizeof(volume), "%s/volume with blank", fixture->directory);
	snprintf(file, sizeof(file), "%s/file", volume);
	snprintf(missing, sizeof(missing), "%s/missing", volume);
	assert_int_equal(mkdir(volume, 0755), 0);
	snprintf(missing, sizeof(missing), "%s/b", volume);
	assert_int_equal(mkdir(missing, 0755), 0);
	snprintf(missing, sizeof(missing), "%s/missing", volume);
	write_text(file, "content\n");
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, "cat /a/file /a/b/inner /var/run/secrets/token /readonly/file",
			      "content\ncontent\ncontent\ncontent\n");
	fixture_assert_output(fixture, id, "echo new >/a/new; cat /readonly/new", "new\n");
	fixture_assert_output(fixture, id, "(echo x >/readonly/x) 2>&1 | grep -c 'Read-only file system'", "1\n");
	expect_ok(fixture, cri_container_status_get(fixture->engine, id, &result, fixture->call));
	status = cri_container_status_at(result, 0);
	assert_int_equal(status->n_mounts, 4);
	assert_string_equal(status->mounts[2]->host_path, volume);
	assert_true(status->mounts[2]->readonly);
	cri_list_free(result);
	config.name = "missing";
	config.n_mounts = 5;
	config.image = IMAGE;
	expect_code(fixture, CRI_EINVAL,
		    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
	assert_non_null(strstr(cri_call_message(fixture->call), missing));
	/* Where nothing can be mounted: on a file as if it were a directory, in a file system that has no such place.
	 */
	for (int i = 0; i < 2; i++) {
		mounts[4].host_path = volume;
		mounts[4].container_path = i ? "/sys/volume" : "/etc/passwd/volume";
		expect_code(fixture, CRI_EINVAL,
			    cri_container_create(fixture->engine, sandbox, &config, &refused, fixture->call));
		assert_non_null(strstr(cri_call_message(fixture->call), mounts[4].container_path));
	}
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

/* What is mounted on one side afterwards is or is not seen on the other. */
static void test_propagation(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "propagation");
	char volume[3][128], path[3][160];
	cri_mount mounts[3];
	const cri_mount *const list[] = { &mounts[0], &mounts[1], &mounts[2] };
	const char *const add[] = { "SYS_ADMIN" };
	cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = "propagation",   .mounts = list, .n_mounts = 3,
		.add_capabilities = add,   .n_add_capabilities = 1,
	};
	char *id;

	for (int i = 0; i < 3; i++) {
		static const char *const targets[] = { "/private", "/slave", "/shared" };

		snprintf(volume[i], sizeof(volume[i]), "%s/propagation-%d", fixture->directory, i);
		assert_int_equal(mkdir(volume[i], 0755), 0);
		assert_int_equal(mount("tmpfs", volume[i], "tmpfs", 0, NULL), 0);
		assert_int_equal(mount(NULL, volume[i], NULL, MS_SHARED, NULL), 0);
		snprintf(path[i], sizeof(path[i]), "%s/mounted", volume[i]);
		assert_int_equal(mkdir(path[i], 0755), 0);
		mounts[i] = (cri_mount){
			CRI_MOUNT_INIT,
			.container_path = targets[i],
			.host_path = volume[i],
			.propagation = (cri_mount_propagation)i,
		};
	}
	id = fixture_start_with(fixture, sandbox, &config);
	for (int i = 0; i < 3; i++) {
		char file[512];

		assert_int_equal(mount("tmpfs", path[i], "tmpfs", 0, NULL), 0);
		snprintf(file, sizeof(file), "%s/seen", path[i]);
		write_text(file, "");
	}
	fixture_assert_output(fixture, id, "ls /private/mounted /slave/mounted /shared/mounted",
			      "/private/mounted:\n\n/shared/mounted:\nseen\n\n/slave/mounted:\nseen\n");
	for (int i = 0; i < 3; i++)
		assert_int_equal(umount2(path[i], MNT_DETACH), 0);
	/* And the other way: only a bidirectional mount shows the host what the container mounts. */
	free(fixture_exec(fixture, id,
			  "for d in private slave shared; do mount -t tmpfs t /$d/mounted && "
			  "echo x >/$d/mounted/inside; done",
			  NULL));
	for (int i = 0; i < 3; i++) {
		char file[512];

		snprintf(file, sizeof(file), "%s/inside", path[i]);
		assert_int_equal(access(file, F_OK), i == CRI_PROPAGATION_BIDIRECTIONAL ? 0 : -1);
		umount2(path[i], MNT_DETACH);
	}
	fixture_remove_sandbox(fixture, sandbox);
	for (int i = 0; i < 3; i++)
		assert_int_equal(umount2(volume[i], MNT_DETACH), 0);
	cri_free(id);
}

/* The kernel attaches no bound mount namespace in a younger one: the rest of a volume that has one is there all the
 * same. The engine's own state directory has one, too. */
static void test_bound_mount_namespaces(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "bound");
	char volume[128], path[256], command[600];
	const cri_mount mounts[] = {
		{ CRI_MOUNT_INIT, .container_path = "/volume", .host_path = volume },
		{ CRI_MOUNT_INIT, .container_path = "/fixture", .host_path = fixture->directory },
		{ CRI_MOUNT_INIT, .container_path = "/host", .host_path = "/", .readonly = true },
	};
	const cri_mount *const list[] = { &mounts[0], &mounts[1], &mounts[2] };
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "bound", .mounts = list,
					      .n_mounts = 3 };
	char *id;

	snprintf(volume, sizeof(volume), "%s/volume of namespaces", fixture->directory);
	assert_int_equal(mkdir(volume, 0755), 0);
	assert_int_equal(mount("tmpfs", volume, "tmpfs", 0, NULL), 0);
	assert_int_equal(mount(NULL, volume, NULL, MS_PRIVATE, NULL), 0);
	snprintf(path, sizeof(path), "%s/below", volume);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
	snprintf(path, sizeof(path), "%s/below/seen", volume);
	write_text(path, "");
	snprintf(path, sizeof(path), "%s/bound", volume);
	write_text(path, "a file\n");
	snprintf(command, sizeof(command), "unshare --mount='%s' true", path);
	assert_int_equal(system(command), 0);
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, "ls /volume/below; cat /volume/bound", "seen\na file\n");
	fixture_assert_output(fixture, id, "ls -d /fixture/state/ns/monitors /host/proc | wc -l", "2\n");
	/* The host's stays as it was. */
	snprintf(command, sizeof(command),
		 "test \"$(findmnt -n -o FSTYPE,PROPAGATION '%s' | tr -s ' ')\" = 'nsfs private'", path);
	assert_int_equal(system(command), 0);
	fixture_remove_sandbox(fixture, sandbox);
	assert_int_equal(umount2(volume, MNT_DETACH), 0);
	cri_free(id);
}

static void test_masks_and_read_only(void **state)
{
	struct fixture *fixture = *state;
	char *sandbox = fixture_run_sandbox(fixture, "masks");
	const char *const masked[] = { "/etc/passwd" };
	const char *const readonly[] = { "/etc" };
	cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "default" };
	char *id = fixture_start_with(fixture, sandbox, &config);

	fixture_assert_output(fixture, id, "cat /proc/kcore | wc -c; ls /proc/scsi | wc -l", "0\n0\n");
	fixture_assert_output(fixture, id, "(echo 1 >/proc/sys/kernel/domainname) 2>&1 | grep -c 'Read-only'", "1\n");
	fixture_assert_output(fixture, id, "(echo 1 >/sys/kernel/profiling) 2>&1 | grep -c 'Read-only'", "1\n");
	fixture_assert_output(fixture, id, "echo x >/written && sync && cat /written", "x\n");
	/* Or its end would wait until the whole file system below is written out. */
	fixture_assert_output(fixture, id, "grep ' / overlay ' /proc/mounts | grep -c volatile", "1\n");
	cri_free(id);
	config = (cri_container_config){
		CRI_CONTAINER_CONFIG_INIT,  .name = "own",         .has_masked_paths = true,
		.masked_paths = masked,     .n_masked_paths = 1,   .has_readonly_paths = true,
		.readonly_paths = readonly, .n_readonly_paths = 1, .readonly_rootfs = true,
	};
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id, "cat /etc/passwd | wc -c; (echo x >/etc/x) 2>&1 | grep -c Read-only",
			      "0\n1\n");
	fixture_assert_output(fixture, id, "(echo x >/x) 2>&1 | grep -c Read-only; echo x >/dev/shm/x && echo fine",
			      "1\nfine\n");
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
}

/* With the option what a container syncs is on the disk. */
static void test_synced_layer(void **state)
{
	struct fixture *fixture = *state;
	cri_engine_options options = fixture_options(fixture);
	const cri_container_config config = { CRI_CONTAINER_CONFIG_INIT, .name = "synced" };
	char *sandbox, *id;

	fixture_close(fixture);
	options.sync_writable_layers = true;
	expect_ok(fixture, cri_engine_open(&options, &fixture->engine, fixture->call));
	sandbox = fixture_run_sandbox(fixture, "synced");
	id = fixture_start_with(fixture, sandbox, &config);
	fixture_assert_output(fixture, id,
			      "echo x >/written && sync && cat /written; "
			      "grep ' / overlay ' /proc/mounts | grep -c volatile",
			      "x\n0\n");
	fixture_remove_sandbox(fixture, sandbox);
	cri_free(id);
	fixture_close(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_mounts),
		fixture_test(test_propagation),
		fixture_test(test_bound_mount_namespaces),
		fixture_test(test_masks_and_read_only),
		fixture_test(test_synced_layer),
	};

	return cmocka_run_group_tests_name("mounts", tests, fixture_set_up, fixture_tear_down);
}
