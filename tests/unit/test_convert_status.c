/* SPDX-License-Identifier: Apache-2.0 */
/* What libcri tells of pods, containers, images and itself, as each dialect's clients read it. */
#include "convert_status_fixture.h"

static void a_pod_in_a_list(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, sandbox_to_wire(&fixture.conversion, &pod), &cri__pod_sandbox__descriptor,
	       " 1=\"p1\" 2{ 1=\"web\" 2=\"u\" 3=\"ns\" 4=2 } 3=1 4=1700000000123456789 5{ 1=\"l\" 2=\"v\" } "
	       "6{ 1=\"n\" } 7=\"lxc\"");
	begin(&fixture, RPC_2019);
	expect(&fixture, sandbox_to_wire(&fixture.conversion, &pod), &cri__pod_sandbox__descriptor,
	       " 1=\"p1\" 2{ 1=\"web\" 2=\"u\" 3=\"ns\" 4=2 } 3=1 4=1700000000123456789 5{ 1=\"l\" 2=\"v\" } "
	       "6{ 1=\"n\" }");
}

static cri_sandbox_status pod_status(void)
{
	static const cri_id_mapping map = { CRI_ID_MAPPING_INIT, .host_id = 9, .length = 5 };
	static const cri_id_mapping *const maps[] = { &map };
	static const cri_user_namespace user = { CRI_USER_NAMESPACE_INIT, .uids = maps, .n_uids = 1 };
	static const char *const ips[] = { "10.0.0.2", "fd00::2" }, *const second[] = { "10.1.0.2" };
	static const cri_sandbox_network eth0 = { "eth0", "main", ips, 2 }, eth1 = { "eth1", "extra", second, 1 };
	static const cri_sandbox_network *const networks[] = { &eth0, &eth1 };

	return (cri_sandbox_status){
		.info = pod,
		.ip = "10.0.0.2",
		.additional_ips = ips + 1,
		.n_additional_ips = 1,
		.networks = networks,
		.n_networks = 2,
		.network = CRI_NAMESPACE_NODE,
		.pid = CRI_NAMESPACE_CONTAINER,
		.ipc = CRI_NAMESPACE_POD,
		.user_namespace = &user,
	};
}

#define POD_STATUS " 1=\"p1\" 2{ 1=\"web\" 2=\"u\" 3=\"ns\" 4=2 } 3=1 4=1700000000123456789"

static void a_pods_status(void **state)
{
	const cri_sandbox_status status = pod_status();
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, sandbox_status_to_wire(&fixture.conversion, &status), &cri__pod_sandbox_status__descriptor,
	       POD_STATUS " 5{ 1=\"10.0.0.2\" 2{ 1=\"fd00::2\" } } 6{ 1{ 2{ 1=2 2=1 5{ 2{ 1=9 3=5 } } } } } "
			  "7{ 1=\"l\" 2=\"v\" } 8{ 1=\"n\" } 9=\"lxc\"");
}

/* An interface each, with its name and network; booleans for the namespaces; no user namespaces, no handler. */
static void a_pods_status_of_2019(void **state)
{
	const cri_sandbox_status status = pod_status();
	struct fixture fixture;
	Cri__PodSandboxStatus *message;
	ProtobufCMessageDescriptor as_2019 = cri__pod_sandbox_status__descriptor;
	ProtobufCFieldDescriptor fields[16];

	(void)state;
	/* The schema with field 5 as 2019 has it. */
	assert_in_range(as_2019.n_fields, 1, 16);
	memcpy(fields, as_2019.fields, as_2019.n_fields * sizeof(*fields));
	for (unsigned int i = 0; i < as_2019.n_fields; i++)
		if (fields[i].id == 5)
			fields[i].descriptor = &cri__pod_sandbox_network_status2019__descriptor;
	as_2019.fields = fields;
	begin(&fixture, RPC_2019);
	message = sandbox_status_to_wire(&fixture.conversion, &status);
	expect(&fixture, message, &as_2019,
	       POD_STATUS " 5{ 1=\"10.0.0.2\" 2=\"eth0\" 3=\"main\" } 5{ 1=\"10.1.0.2\" 2=\"eth1\" 3=\"extra\" } "
			  "6{ 1{ 2{ 1=1 } } } 7{ 1=\"l\" 2=\"v\" } 8{ 1=\"n\" }");
}

static cri_container_status container_status(void)
{
	static const cri_mount mount = {
		CRI_MOUNT_INIT,   .container_path = "/c",      .host_path = "/h",
		.readonly = true, .recursive_read_only = true,
	};
	static const cri_mount image = {
		CRI_MOUNT_INIT,        .container_path = "/d", .image = "data:1",
		.image_sub_path = "s", .mount_options = texts, .n_mount_options = 1,
	};
	static const cri_mount *const mounts[] = { &mount, &image };
	static const cri_resources resources = {
		CRI_RESOURCES_INIT,
		.cpu_shares = 3,
		.memory_limit_in_bytes = 4096,
		.cpuset_cpus = "0",
	};
	static const int64_t groups[] = { 0, 5 };

	return (cri_container_status){
		.info = container_info(),

		.started_at = 11,
		.finished_at = 12,
		.exit_code = 137,
		.reason = "OOMKilled",
		.message = "m",
		.log_path = "/l",
		.mounts = mounts,
		.n_mounts = 2,
		.resources = &resources,
		.has_user = true,
		.uid = 1000,
		.gid = 0,
		.supplemental_groups = groups,
		.n_supplemental_groups = 2,
		.stop_signal = "SIGTERM",
	};
}

static void a_container_in_a_list(void **state)
{
	const cri_container_status status = container_status();
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, container_to_wire(&fixture.conversion, &status.info), &cri__container__descriptor,
	       " 1=\"c1\" 2=\"p1\" 3{ 1=\"main\" 2=1 } 4{ 1=\"busybox\" 18=\"busybox:latest\" } 5=\"sha256:1\" 6=2 "
	       "7=10 "
	       "8{ 1=\"l\" 2=\"v\" } 9{ 1=\"n\" } 10=\"sha256:1\"");
	begin(&fixture, RPC_V1ALPHA2);
	expect(&fixture, container_to_wire(&fixture.conversion, &status.info), &cri__container__descriptor,
	       " 1=\"c1\" 2=\"p1\" 3{ 1=\"main\" 2=1 } 4{ 1=\"busybox\" } 5=\"sha256:1\" 6=2 7=10 "
	       "8{ 1=\"l\" 2=\"v\" } 9{ 1=\"n\" }");
}

#define CONTAINER_STATUS " 1=\"c1\" 2{ 1=\"main\" 2=1 } 3=2 4=10 5=11 6=12 7=137 8{ 1=\"busybox\""
#define CONTAINER_STATUS_2                                                                                             \
	" } 9=\"sha256:1\" 10=\"OOMKilled\" 11=\"m\" 12{ 1=\"l\" 2=\"v\" } 13{ 1=\"n\" } "                             \
	"14{ 1=\"/c\" 2=\"/h\" 3=1"
#define RESOURCES_STATUS " 16{ 1{ 3=3 4=4096 6=\"0\" } }"

static void a_containers_status(void **state)
{
	const cri_container_status status = container_status();
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, container_status_to_wire(&fixture.conversion, &status), &cri__container_status__descriptor,
	       CONTAINER_STATUS " 18=\"busybox:latest\"" CONTAINER_STATUS_2
				" 8=1 } 14{ 1=\"/d\" 9{ 1=\"data:1\" } 10=\"s\" 11=\"one\" } 15=\"/l\"" RESOURCES_STATUS
				" 17=\"sha256:1\" 18{ 1{ 1=1000 3=0 3=5 } } 19=23");
	begin(&fixture, RPC_V1ALPHA2);
	expect(&fixture, container_status_to_wire(&fixture.conversion, &status), &cri__container_status__descriptor,
	       CONTAINER_STATUS CONTAINER_STATUS_2 " } 14{ 1=\"/d\" } 15=\"/l\"" RESOURCES_STATUS);
	begin(&fixture, RPC_2019);
	expect(&fixture, container_status_to_wire(&fixture.conversion, &status), &cri__container_status__descriptor,
	       CONTAINER_STATUS CONTAINER_STATUS_2 " } 14{ 1=\"/d\" } 15=\"/l\"");
}

static void an_image(void **state)
{
	cri_image_info info = {
		.id = "sha256:1",
		.repo_tags = texts,
		.n_repo_tags = 2,
		.repo_digests = texts,
		.n_repo_digests = 1,
		.bytes = UINT64_C(1) << 40,
		.has_uid = true,
		.username = "bob",
		.pinned = true,
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, image_to_wire(&fixture.conversion, &info), &cri__image__descriptor,
	       " 1=\"sha256:1\" 2=\"one\" 2=\"two\" 3=\"one\" 4=1099511627776 5{ } 6=\"bob\" 7{ 1=\"one\" } 8=1");
	begin(&fixture, RPC_2019);
	info.has_uid = false;
	expect(&fixture, image_to_wire(&fixture.conversion, &info), &cri__image__descriptor,
	       " 1=\"sha256:1\" 2=\"one\" 2=\"two\" 3=\"one\" 4=1099511627776 6=\"bob\"");
}

static void the_runtimes_status(void **state)
{
	static const cri_condition ready = { "RuntimeReady", true, "", "" },
				   network = { "NetworkReady", false, "r", "m" };
	static const cri_condition *const conditions[] = { &ready, &network };
	static const cri_handler_status standard = { "", true, false }, other = { "lxc", false, true };
	static const cri_handler_status *const handlers[] = { &standard, &other };
	const cri_engine_status status = {
		.conditions = conditions,
		.n_conditions = 2,
		.handlers = handlers,
		.n_handlers = 2,
		.supplemental_groups_policy = true,
		.mount_options = true,
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	expect(&fixture, engine_status_to_wire(&fixture.conversion, &status), &cri__status_response__descriptor,
	       " 1{ 1{ 1=\"RuntimeReady\" 2=1 } 1{ 1=\"NetworkReady\" 3=\"r\" 4=\"m\" } } 3{ 2{ 1=1 } } "
	       "3{ 1=\"lxc\" 2{ 2=1 } } 4{ 1=1 3=1 }");
	begin(&fixture, RPC_V1ALPHA2);
	expect(&fixture, engine_status_to_wire(&fixture.conversion, &status), &cri__status_response__descriptor,
	       " 1{ 1{ 1=\"RuntimeReady\" 2=1 } 1{ 1=\"NetworkReady\" 3=\"r\" 4=\"m\" } }");
}

static void verbose_maps(void **state)
{
	static const char *const no_objects[] = { "", "[1]", "{}", " { } ", "{\"a\"", "{\"a\":", "{\"a\":1", "{a:1}" };
	Cri__StringPair **pairs = NULL;
	struct fixture fixture;

	(void)state;
	begin(&fixture, RPC_V1);
	assert_int_equal(
		json_to_wire(
			&fixture.conversion,
			" {\"at\": 1700000000123456789 ,\"s\":\"a,}\\\"\",\"o\":{\"x\":[1,{\"y\":\"}\"}],\"z\":null},"
			"\"e\":[]}",
			&pairs),
		4);
	assert_string_equal(pairs[0]->key, "at");
	assert_string_equal(pairs[0]->value, "1700000000123456789 ");
	assert_string_equal(pairs[1]->key, "s");
	assert_string_equal(pairs[1]->value, "\"a,}\\\"\"");
	assert_string_equal(pairs[2]->value, "{\"x\":[1,{\"y\":\"}\"}],\"z\":null}");
	assert_string_equal(pairs[3]->key, "e");
	assert_string_equal(pairs[3]->value, "[]");
	for (size_t i = 0; i < sizeof(no_objects) / sizeof(*no_objects); i++)
		assert_int_equal(json_to_wire(&fixture.conversion, no_objects[i], &pairs), 0);
	end(&fixture);
}

static void signals_by_number_and_name(void **state)
{
	(void)state;
	for (int number = 0; number <= CRI__SIGNAL__SIGNAL_SIGRTMAX; number++) {
		const char *name = signal_from_wire((Cri__Signal)number);

		assert_non_null(name);
		assert_int_equal(signal_to_wire(name), number);
	}
	assert_string_equal(signal_from_wire(CRI__SIGNAL__SIGNAL_SIGKILL), "SIGKILL");
	assert_string_equal(signal_from_wire(CRI__SIGNAL__SIGNAL_SIGXFSZ), "SIGXFSZ");
	assert_string_equal(signal_from_wire(CRI__SIGNAL__SIGNAL_SIGRTMINPLUS15), "SIGRTMIN+15");
	assert_string_equal(signal_from_wire(CRI__SIGNAL__SIGNAL_SIGRTMAXMINUS14), "SIGRTMAX-14");
	assert_null(signal_from_wire((Cri__Signal)66));
	assert_null(signal_from_wire((Cri__Signal)-1));
	/* As libcri names them, which counts from below. */
	assert_int_equal(signal_to_wire("SIGRTMIN+16"), CRI__SIGNAL__SIGNAL_SIGRTMAXMINUS14);
	assert_int_equal(signal_to_wire("SIGRTMIN+30"), CRI__SIGNAL__SIGNAL_SIGRTMAX);
	assert_int_equal(signal_to_wire("SIGRTMIN+31"), CRI__SIGNAL__SIGNAL_RUNTIME_DEFAULT);
	assert_int_equal(signal_to_wire("SIGNOTHING"), CRI__SIGNAL__SIGNAL_RUNTIME_DEFAULT);
	assert_int_equal(signal_to_wire(NULL), CRI__SIGNAL__SIGNAL_RUNTIME_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_in_a_list),
		cmocka_unit_test(a_pods_status),
		cmocka_unit_test(a_pods_status_of_2019),
		cmocka_unit_test(a_container_in_a_list),
		cmocka_unit_test(a_containers_status),
		cmocka_unit_test(an_image),
		cmocka_unit_test(the_runtimes_status),
		cmocka_unit_test(verbose_maps),
		cmocka_unit_test(signals_by_number_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
