/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in network: what pods reach, what reaches them, and what is left. */
#include "network_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fresh(void **state)
{
	(void)state;
	network_fresh(CRI_NETWORK_NATIVE, false);
	return 0;
}

#define PORT(protocol_, host, container, address)                                                                      \
	{                                                                                                              \
		CRI_PORT_MAPPING_INIT, .protocol = (protocol_), .host_port = (host), .container_port = (container),    \
				       .host_ip = (address)                                                            \
	}

static void expect_answer(const char *from, int protocol, const char *address, uint16_t port, const char *name)
{
	char *answer = network_ask(from, protocol, address, port);

	if (strncmp(answer, name, strlen(name)) != 0)
		print_error("%s port %u answers \"%s\", not \"%s\"\n", address, port, answer, name);
	assert_int_equal(strncmp(answer, name, strlen(name)), 0);
	if (!*name)
		assert_string_equal(answer, "");
	free(answer);
}

static void test_addresses(void **state)
{
	char *pod = network_pod("one", NULL, 0, NULL, NULL);
	char *four = network_address(pod, 0, 0), *six = network_address(pod, 0, 1), *hosts;
	cri_list *list = NULL;
	const cri_sandbox_status *status;

	(void)state;
	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	status = cri_sandbox_status_at(list, 0);
	assert_int_equal(status->n_networks, 1);
	assert_string_equal(status->networks[0]->interface_name, "eth0");
	assert_string_equal(status->networks[0]->network, "cri0");
	assert_string_equal(status->ip, four);
	assert_int_equal(status->n_additional_ips, 1);
	assert_string_equal(status->additional_ips[0], six);
	cri_list_free(list);
	assert_int_equal(strncmp(four, "10.88.", 6), 0);
	assert_int_equal(strncmp(six, "fd", 2), 0);
	hosts = network_shell(NULL, "cat '%s/sandboxes/%s/hosts'", net.fixture->state, pod);
	assert_non_null(strstr(hosts, "\tpod-host\n"));
	assert_non_null(strstr(hosts, four));
	assert_non_null(strstr(hosts, six));
	assert_true(network_try(network_namespace(pod), "ip route get 192.0.2.2 | grep -q 'via 10.88.0.1'"));
	/* After a restart of the program all is as before; after a stop there is nothing. */
	network_open(CRI_NETWORK_NATIVE, false);
	free(six);
	six = network_address(pod, 0, 0);
	assert_string_equal(four, six);
	expect_ok(net.fixture, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	expect_ok(net.fixture, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	assert_null(network_address(pod, 0, 0));
	network_assert_nothing_left();
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	free(four);
	free(six);
	free(hosts);
	cri_free(pod);
}

/* Pods, the host, the world outside; with both families. */
static void test_reach(void **state)
{
	char *one = network_pod("one", NULL, 0, NULL, NULL), *two = network_pod("two", NULL, 0, NULL, NULL);
	const pid_t servers[] = {
		network_serve(network_namespace(one), IPPROTO_TCP, 7000, "one"),
		network_serve(NULL, IPPROTO_TCP, 7001, "host"),
		network_serve(OUTSIDE, IPPROTO_TCP, 7002, "outside 192.0.2.1"),
		network_serve(OUTSIDE, IPPROTO_UDP, 7003, "outside"),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *address = network_address(one, 0, i), *its = network_address(two, 0, i), *answer;

		answer = network_ask(network_namespace(two), IPPROTO_TCP, address, 7000);
		/* Unchanged: pods see each other's own addresses. */
		assert_non_null(strstr(answer, its));
		free(answer);
		expect_answer(NULL, IPPROTO_TCP, address, 7000, "one");
		free(address);
		free(its);
	}
	expect_answer(network_namespace(two), IPPROTO_TCP, "10.88.0.1", 7001, "host");
	/* The outside knows no route back: only masqueraded packets are answered. */
	expect_answer(network_namespace(two), IPPROTO_TCP, "192.0.2.2", 7002, "outside 192.0.2.1");
	expect_answer(network_namespace(two), IPPROTO_TCP, "2001:db8::2", 7002, "outside");
	expect_answer(network_namespace(two), IPPROTO_UDP, "192.0.2.2", 7003, "outside 192.0.2.1");
	expect_answer(network_namespace(two), IPPROTO_UDP, "2001:db8::2", 7003, "outside 2001:db8::1");
	for (size_t i = 0; i < 4; i++)
		network_end(servers[i]);
	cri_free(one);
	cri_free(two);
}

static void test_ports(void **state)
{
	const cri_port_mapping tcp = PORT(CRI_TCP, 8080, 80, ""), udp = PORT(CRI_UDP, 8080, 53, ""),
			       sctp = PORT(CRI_SCTP, 8080, 132, ""), bound = PORT(CRI_TCP, 8081, 80, "192.0.2.1"),
			       none = PORT(CRI_TCP, 0, 81, "");
	const cri_port_mapping *const ports[] = { &tcp, &udp, &sctp, &bound, &none };
	char *pod = network_pod("one", ports, 5, NULL, NULL), *other = network_pod("two", NULL, 0, NULL, NULL);
	const pid_t servers[] = {
		network_serve(network_namespace(pod), IPPROTO_TCP, 80, "tcp"),
		network_serve(network_namespace(pod), IPPROTO_UDP, 53, "udp"),
		network_serve(network_namespace(pod), IPPROTO_SCTP, 132, "sctp"),
	};

	(void)state;
	/* From outside, with the client's own address. */
	expect_answer(OUTSIDE, IPPROTO_TCP, "192.0.2.1", 8080, "tcp 192.0.2.2");
	expect_answer(OUTSIDE, IPPROTO_TCP, "2001:db8::1", 8080, "tcp 2001:db8::2");
	expect_answer(OUTSIDE, IPPROTO_UDP, "192.0.2.1", 8080, "udp 192.0.2.2");
	if (servers[2])
		expect_answer(OUTSIDE, IPPROTO_SCTP, "192.0.2.1", 8080, "sctp");
	else
		print_message("the kernel has no SCTP: only its rule is looked at\n");
	assert_true(network_try(NULL, "nft list map inet libcri ports4 | grep -q 'sctp . 8080'"));
	/* From the host, by any of its addresses; from another pod; from the pod itself. */
	expect_answer(NULL, IPPROTO_TCP, "127.0.0.1", 8080, "tcp");
	expect_answer(NULL, IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
	expect_answer(NULL, IPPROTO_UDP, "127.0.0.1", 8080, "udp");
	expect_answer(network_namespace(other), IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
	expect_answer(network_namespace(other), IPPROTO_TCP, "10.88.0.1", 8080, "tcp");
	expect_answer(network_namespace(pod), IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
	/* Bound to one address. */
	expect_answer(OUTSIDE, IPPROTO_TCP, "192.0.2.1", 8081, "tcp");
	expect_answer(NULL, IPPROTO_TCP, "10.88.0.1", 8081, "");
	expect_ok(net.fixture, cri_sandbox_stop(net.fixture->engine, pod, net.fixture->call));
	expect_answer(OUTSIDE, IPPROTO_TCP, "192.0.2.1", 8080, "");
	for (size_t i = 0; i < 3; i++)
		network_end(servers[i]);
	cri_free(pod);
	cri_free(other);
}

/* A client that goes on sending is led to the pod that has the port now. */
static void test_udp_moves(void **state)
{
	const cri_port_mapping udp = PORT(CRI_UDP, 8053, 53, "");
	const cri_port_mapping *const ports[] = { &udp };
	char *first = network_pod("one", ports, 1, NULL, NULL), *second, *answer;
	pid_t server = network_serve(network_namespace(first), IPPROTO_UDP, 53, "first");

	(void)state;
	answer = network_ask_from(OUTSIDE, IPPROTO_UDP, 5555, "192.0.2.1", 8053);
	assert_non_null(strstr(answer, "first"));
	free(answer);
	network_end(server);
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, first, net.fixture->call));
	second = network_pod("two", ports, 1, NULL, NULL);
	server = network_serve(network_namespace(second), IPPROTO_UDP, 53, "second");
	answer = network_ask_from(OUTSIDE, IPPROTO_UDP, 5555, "192.0.2.1", 8053);
	assert_non_null(strstr(answer, "second"));
	free(answer);
	network_end(server);
	cri_free(first);
	cri_free(second);
}

static void test_conflict(void **state)
{
	const cri_port_mapping port = PORT(CRI_TCP, 8080, 80, ""), other = PORT(CRI_TCP, 9090, 80, "");
	const cri_port_mapping *const ports[] = { &other, &port };
	char *pod = network_pod("one", ports + 1, 1, NULL, NULL), *second = NULL, *left;
	pid_t server = network_serve(network_namespace(pod), IPPROTO_TCP, 80, "one");

	(void)state;
	expect_code(net.fixture, CRI_EEXIST, network_try_pod("two", ports, 2, NULL, NULL, &second));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "host port 8080/tcp is taken"));
	assert_null(second);
	/* The first has lost nothing, of the second nothing is left. */
	expect_answer(OUTSIDE, IPPROTO_TCP, "192.0.2.1", 8080, "one");
	left = network_shell(NULL, "nft list ruleset | grep 9090; ls /run/libcri-networks/cri0 | grep -c '10.88'");
	assert_string_equal(left, "1\n");
	free(left);
	network_end(server);
	cri_free(pod);
}

/* An address that is used again is found at once, although its neighbours knew another interface by it. */
static void test_address_again(void **state)
{
	static const char annotation[] = "network.alpha.kubernetes.io/network";
	static const char value[] = "[{\"interface\":\"eth0\",\"ips\":[\"10.88.7.7\"]}]";
	char *other = network_pod("other", NULL, 0, NULL, NULL);

	(void)state;
	for (int i = 0; i < 5; i++) {
		char *address, *pod;
		pid_t server;

		/* No configuration of the native network has capability "ips": what is not offered is not given. */
		pod = network_pod("one", NULL, 0, annotation, value);
		address = network_address(pod, 0, 0);
		server = network_serve(network_namespace(pod), IPPROTO_TCP, 80, "one");
		expect_answer(network_namespace(other), IPPROTO_TCP, address, 80, "one");
		expect_answer(NULL, IPPROTO_TCP, address, 80, "one");
		network_end(server);
		expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
		/* The next search begins where this one did. */
		assert_true(network_try(NULL, "rm /run/libcri-networks/cri0/last_reserved_ip.0"));
		free(address);
		cri_free(pod);
	}
	cri_free(other);
}

/* Never stopped: removing cleans up all the same. And so does removing when the namespace is gone already. */
static void test_remove(void **state)
{
	const cri_port_mapping port = PORT(CRI_TCP, 8080, 80, "");
	const cri_port_mapping *const ports[] = { &port };
	char *pod = network_pod("one", ports, 1, NULL, NULL);

	(void)state;
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	network_assert_nothing_left();
	cri_free(pod);
	pod = network_pod("one", ports, 1, NULL, NULL);
	/* Lazily: cri-network, which has the namespace open, answers just before it ends. */
	assert_true(network_try(NULL, "umount -l '%s'; rm '%s'", network_namespace(pod), network_namespace(pod)));
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, pod, net.fixture->call));
	network_assert_nothing_left();
	cri_free(pod);
}

/* Somebody flushed all rules while pods run: the next pod has its own again, and the old ones can go. */
static void test_flushed(void **state)
{
	const cri_port_mapping port = PORT(CRI_TCP, 8080, 80, "");
	const cri_port_mapping *const ports[] = { &port };
	char *old = network_pod("old", NULL, 0, NULL, NULL), *pod;
	pid_t server;

	(void)state;
	assert_true(network_try(NULL, "nft flush ruleset"));
	pod = network_pod("one", ports, 1, NULL, NULL);
	server = network_serve(network_namespace(pod), IPPROTO_TCP, 80, "one");
	expect_answer(OUTSIDE, IPPROTO_TCP, "192.0.2.1", 8080, "one");
	network_end(server);
	expect_ok(net.fixture, cri_sandbox_remove(net.fixture->engine, old, net.fixture->call));
	cri_free(old);
	cri_free(pod);
}

static void test_obstacles(void **state)
{
	char *pod = NULL;

	(void)state;
	assert_true(network_try(NULL, "ip link del cri0 2>/dev/null; ip link add cri0 type veth peer name other0"));
	expect_code(net.fixture, CRI_EPRECONDITION, network_try_pod("one", NULL, 0, NULL, NULL, &pod));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "cri0 exists and is no bridge"));
	assert_true(
		network_try(NULL, "ip link del cri0; ip link add cri0 type bridge; ip addr add 10.88.0.9/16 dev cri0"));
	expect_code(net.fixture, CRI_EPRECONDITION, network_try_pod("one", NULL, 0, NULL, NULL, &pod));
	assert_non_null(strstr(cri_call_message(net.fixture->call), "10.88.0.9/16, where 10.88.0.1/16 is wanted"));
	assert_true(network_try(NULL, "ip link del cri0"));
	network_assert_nothing_left();
	assert_null(pod);
}

/* In containers: their own programs, over the same network. */
static void test_containers(void **state)
{
	const cri_port_mapping port = PORT(CRI_TCP, 8080, 80, "");
	const cri_port_mapping *const ports[] = { &port };
	char *pod = network_pod("one", ports, 1, NULL, NULL), *other = network_pod("two", NULL, 0, NULL, NULL);
	char *server =
		fixture_start(net.fixture, pod, "server", "echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp");
	char *client = fixture_start(net.fixture, other, "client", "exec sleep 1000");
	char *address = network_address(pod, 0, 0), *output = NULL;
	char script[128];
	int32_t status = 1;

	(void)state;
	snprintf(script, sizeof(script), "wget -q -O - http://%s/ && wget -q -O - http://192.0.2.1:8080/", address);
	for (int i = 0; i < 50 && status; i++) {
		free(output);
		output = fixture_exec(net.fixture, client, script, &status);
	}
	assert_string_equal(output, "hello\nhello\n");
	free(output);
	output = fixture_exec(net.fixture, server, "cat /etc/hosts", &status);
	assert_non_null(strstr(output, address));
	free(output);
	free(address);
	cri_free(server);
	cri_free(client);
	cri_free(pod);
	cri_free(other);
}

static void test_status(void **state)
{
	cri_list *list = NULL;
	const cri_engine_status *status;

	(void)state;
	expect_ok(net.fixture, cri_engine_status_get(net.fixture->engine, &list, net.fixture->call));
	status = cri_engine_status_at(list, 0);
	assert_string_equal(status->conditions[1]->type, "NetworkReady");
	assert_true(status->conditions[1]->status);
	assert_non_null(strstr(status->conditions[1]->message, "cri0"));
	cri_list_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_addresses, fresh), cmocka_unit_test_setup(test_reach, fresh),
		cmocka_unit_test_setup(test_ports, fresh),     cmocka_unit_test_setup(test_udp_moves, fresh),
		cmocka_unit_test_setup(test_conflict, fresh),  cmocka_unit_test_setup(test_address_again, fresh),
		cmocka_unit_test_setup(test_remove, fresh),    cmocka_unit_test_setup(test_flushed, fresh),
		cmocka_unit_test_setup(test_obstacles, fresh), cmocka_unit_test_setup(test_containers, fresh),
		cmocka_unit_test_setup(test_status, fresh),
	};

	network_need_rules("native networks");
	return cmocka_run_group_tests(tests, network_set_up, network_tear_down);
}
