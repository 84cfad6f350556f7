/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic: who reaches whom, over plain addresses and mapped ports, in-process and with the programs; and the bandwidth
 * plugin, which is a program always. */
#include "cni_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHAIN                                                                                                          \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipMasq\":true,\"hairpinMode\":true,"     \
	"\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"@DATA@\",\"ranges\":[[{\"subnet\":\"10.1.0.0/24\"}],"         \
	"[{\"subnet\":\"fd00:1::/64\"}]]}},{\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}}"
#define PORTS                                                                                                          \
	"{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"},"                            \
	"{\"hostPort\":8080,\"containerPort\":53,\"protocol\":\"udp\"},"                                               \
	"{\"hostPort\":8080,\"containerPort\":132,\"protocol\":\"sctp\"},"                                             \
	"{\"hostPort\":8081,\"containerPort\":80,\"protocol\":\"tcp\",\"hostIP\":\"192.0.2.1\"},"                      \
	"{\"hostPort\":8082,\"containerPort\":80,\"protocol\":\"tcp\",\"hostIP\":\"0.0.0.0\"}]}"

struct neighbourhood {
	struct cni_pod outside, server, client;
	cJSON *results[2];
	bool exec;
};

static void begin(struct neighbourhood *here, bool exec)
{
	struct cni_question question = { .plugins = CHAIN, .exec = exec };

	here->exec = exec;
	here->outside = cni_outside();
	here->server = cni_pod("server");
	here->client = cni_pod("client");
	question.pod = &here->client;
	here->results[1] = cni_expect_result(&question);
	question.pod = &here->server;
	question.capabilities = PORTS;
	here->results[0] = cni_expect_result(&question);
	assert_true(network_try(here->server.netns, "ip link set lo up"));
	/* The programs look for duplicates of the bridge's link-local address for two seconds. */
	assert_true(network_wait_for_none("ip -6 addr show tentative"));
}

static void end(struct neighbourhood *here, void **state)
{
	struct cni_question question = { .command = "DEL", .plugins = CHAIN, .exec = here->exec };

	question.pod = &here->client;
	question.result = here->results[1];
	cni_expect_done(&question);
	question.pod = &here->server;
	question.result = here->results[0];
	question.capabilities = PORTS;
	cni_expect_done(&question);
	cni_drop(&here->client);
	cni_drop(&here->server);
	cni_assert_nothing_left();
	cni_drop(&here->outside);
	cJSON_Delete(here->results[0]);
	cJSON_Delete(here->results[1]);
	assert_int_equal(cni_fresh(state), 0);
}

static void expect(const char *from, int protocol, const char *address, uint16_t port, const char *wanted)
{
	char *answer = network_ask(from, protocol, address, port);

	if (strncmp(answer, wanted, strlen(wanted)) != 0 || (!*wanted && *answer))
		print_error("%s port %u answers \"%s\", not \"%s\"\n", address, port, answer, wanted);
	assert_int_equal(strncmp(answer, wanted, strlen(wanted)), 0);
	assert_true(*wanted || !*answer);
	free(answer);
}

static void test_addresses(void **state)
{
	for (int exec = 0; exec < 2; exec++) {
		struct neighbourhood here;
		char wanted[96];

		begin(&here, exec);
		network_serve(here.server.netns, IPPROTO_TCP, 7000, "pod");
		network_serve(NULL, IPPROTO_TCP, 7001, "host");
		network_serve(here.outside.netns, IPPROTO_TCP, 7002, "outside");
		network_serve(here.outside.netns, IPPROTO_UDP, 7003, "outside");
		for (int family = 0; family < 2; family++) {
			const char *server = cni_address(here.results[0], family);

			/* Pods see each other's own addresses. */
			snprintf(wanted, sizeof(wanted), "pod %s", cni_address(here.results[1], family));
			expect(here.client.netns, IPPROTO_TCP, server, 7000, wanted);
			expect(here.server.netns, IPPROTO_TCP, server, 7000, "pod");
			expect(NULL, IPPROTO_TCP, server, 7000, family ? "pod fd00:1::1" : "pod 10.1.0.1");
			expect(here.client.netns, IPPROTO_TCP, family ? "fd00:1::1" : "10.1.0.1", 7001, "host");
			/* The outside has no way back: only what bears the host's address is answered. */
			expect(here.client.netns, IPPROTO_TCP, family ? "2001:db8::2" : "192.0.2.2", 7002,
			       family ? "outside 2001:db8::1" : "outside 192.0.2.1");
			expect(here.client.netns, IPPROTO_UDP, family ? "2001:db8::2" : "192.0.2.2", 7003,
			       family ? "outside 2001:db8::1" : "outside 192.0.2.1");
		}
		network_end_servers();
		end(&here, state);
	}
}

static void test_ports(void **state)
{
	for (int exec = 0; exec < 2; exec++) {
		struct neighbourhood here;

		begin(&here, exec);
		network_serve(here.server.netns, IPPROTO_TCP, 80, "tcp");
		network_serve(here.server.netns, IPPROTO_UDP, 53, "udp");
		/* From outside, with the client's own address. */
		expect(here.outside.netns, IPPROTO_TCP, "192.0.2.1", 8080, "tcp 192.0.2.2");
		expect(here.outside.netns, IPPROTO_TCP, "2001:db8::1", 8080, "tcp 2001:db8::2");
		expect(here.outside.netns, IPPROTO_UDP, "192.0.2.1", 8080, "udp 192.0.2.2");
		expect(here.outside.netns, IPPROTO_UDP, "2001:db8::1", 8080, "udp 2001:db8::2");
		/* From the host, also by its loopback; from another pod; from the pod to itself. */
		expect(NULL, IPPROTO_TCP, "127.0.0.1", 8080, "tcp");
		expect(NULL, IPPROTO_UDP, "127.0.0.1", 8080, "udp");
		expect(NULL, IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
		expect(NULL, IPPROTO_TCP, "2001:db8::1", 8080, "tcp");
		expect(here.client.netns, IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
		expect(here.client.netns, IPPROTO_UDP, "10.1.0.1", 8080, "udp");
		expect(here.client.netns, IPPROTO_TCP, "fd00:1::1", 8080, "tcp");
		expect(here.server.netns, IPPROTO_TCP, "192.0.2.1", 8080, "tcp");
		expect(here.server.netns, IPPROTO_UDP, "10.1.0.1", 8080, "udp");
		expect(here.server.netns, IPPROTO_TCP, "2001:db8::1", 8080, "tcp");
		/* Bound to an address, or to all of one family. */
		expect(here.outside.netns, IPPROTO_TCP, "192.0.2.1", 8081, "tcp 192.0.2.2");
		expect(here.client.netns, IPPROTO_TCP, "10.1.0.1", 8081, "");
		expect(here.outside.netns, IPPROTO_TCP, "2001:db8::1", 8081, "");
		expect(here.client.netns, IPPROTO_TCP, "10.1.0.1", 8082, "tcp");
		expect(here.outside.netns, IPPROTO_TCP, "2001:db8::1", 8082, "");
		/* The pod's own port is nobody else's. */
		expect(here.outside.netns, IPPROTO_TCP, "192.0.2.1", 80, "");
		network_end_servers();
		end(&here, state);
	}
}

static uint32_t crc32c(const uint8_t *bytes, size_t length)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* An association's first packet, sent by hand: the kernel that forwards it need not have SCTP itself. */
static void send_sctp_init(const char *address, uint16_t port)
{
	struct {
		uint16_t source, destination;
		uint32_t tag, checksum;
		uint8_t type, flags;
		uint16_t length;
		uint32_t initiate_tag, window;
		uint16_t outbound, inbound;
		uint32_t tsn;
	} packet = { htons(5000), htons(port),  0,        0,        1,       0, htons(20),
		     htonl(7),    htonl(65536), htons(1), htons(1), htonl(1) };
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);

	packet.checksum = htole32(crc32c((const uint8_t *)&packet, sizeof(packet)));
	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    sendto(fd, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) != sizeof(packet))
		_exit(1);
}

static void enter(const struct cni_pod *pod)
{
	int fd = open(pod->netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		_exit(99);
}

/* The destination port of the SCTP packet that comes within two seconds; 0: none does. */
static void report_sctp(int ready, int report)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t bytes[256];
	uint16_t port = 0;

	if (fd < 0 || write(ready, "", 1) != 1)
		_exit(1);
	if (poll(&poll_fd, 1, 2000) == 1 && recv(fd, bytes, sizeof(bytes), 0) > 24)
		memcpy(&port, bytes + (bytes[0] & 15) * 4 + 2, sizeof(port));
	port = ntohs(port);
	if (write(report, &port, sizeof(port)) != sizeof(port))
		_exit(1);
}

static uint16_t sctp_arrives_at(const struct neighbourhood *here, uint16_t host_port)
{
	int ready[2], report[2];
	uint16_t port = 0;
	char byte;
	pid_t receiver, sender;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	receiver = fork();
	if (receiver == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(&here->server);
		report_sctp(ready[1], report[1]);
		_exit(0);
	}
	close(ready[1]);
	close(report[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	sender = fork();
	if (sender == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(&here->outside);
		send_sctp_init("192.0.2.1", host_port);
		_exit(0);
	}
	assert_int_equal(read(report[0], &port, sizeof(port)), sizeof(port));
	waitpid(sender, NULL, 0);
	waitpid(receiver, NULL, 0);
	close(ready[0]);
	close(report[0]);
	return port;
}

static void test_sctp(void **state)
{
	for (int exec = 0; exec < 2; exec++) {
		struct neighbourhood here;

		begin(&here, exec);
		assert_int_equal(sctp_arrives_at(&here, 8080), 132);
		assert_int_equal(sctp_arrives_at(&here, 9999), 0);
		end(&here, state);
	}
}

#define RATE 16000000 /* bits a second */
#define BANDWIDTH                                                                                                      \
	"{\"type\":\"bridge\",\"bridge\":\"cni0\",\"isDefaultGateway\":true,\"ipam\":{\"type\":\"host-local\","        \
	"\"dataDir\":\"@DATA@\",\"subnet\":\"10.1.0.0/24\"}},"                                                         \
	"{\"type\":\"bandwidth\",\"capabilities\":{\"bandwidth\":true}}"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Swallows all that comes to a port. */
static pid_t sink(const struct cni_pod *where)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9000) };
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		static char bytes[65536];
		int fd, peer;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(where);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		peer = accept(fd, NULL, NULL);
		while (recv(peer, bytes, sizeof(bytes), 0) > 0)
			;
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* Sends until it is killed. */
static pid_t source(const struct cni_pod *where, const char *to)
{
	pid_t pid = fork();

	if (pid == 0) {
		static const char bytes[65536];
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9000) };
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(where);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || inet_pton(AF_INET, to, &address.sin_addr) != 1 ||
		    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
			_exit(1);
		while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	return pid;
}

static double received_bits(const struct cni_pod *pod)
{
	char *text = network_shell(pod->netns, "sed -n 's/.*eth0: *//p' /proc/net/dev"), *end;
	double bytes = strtod(text, &end);

	if (end == text)
		print_error("no counter: %s\n", text);
	assert_true(end != text);
	free(text);
	return bytes * 8;
}

/* Behind the burst, by the counters of the kernel: what a busy machine delays comes by the tokens that have gathered.
 */
static double rate_of(const struct cni_pod *from, const struct cni_pod *to, const char *address)
{
	pid_t receiver = sink(to), sender = source(from, address);
	double begun, before, rate;

	usleep(500000);
	begun = now();
	before = received_bits(to);
	usleep(2500000);
	rate = (received_bits(to) - before) / (now() - begun);
	network_end(sender);
	network_end(receiver);
	return rate;
}

static void test_bandwidth(void **state)
{
	struct cni_pod limited = cni_pod("limited"), free_one = cni_pod("free");
	struct cni_question question = { .pod = &free_one, .plugins = BANDWIDTH };
	char capabilities[256];
	cJSON *results[2];
	double rate;

	(void)state;
	snprintf(capabilities, sizeof(capabilities),
		 "{\"bandwidth\":{\"ingressRate\":%d,\"ingressBurst\":%d,\"egressRate\":%d,\"egressBurst\":%d}}", RATE,
		 RATE / 8, 2 * RATE, RATE / 8);
	results[0] = cni_expect_result(&question);
	question.pod = &limited;
	question.capabilities = capabilities;
	results[1] = cni_expect_result(&question);
	rate = rate_of(&free_one, &limited, cni_address(results[1], 0));
	print_message("into the pod: %.2f of %.2f Mbit/s\n", rate / 1e6, RATE / 1e6);
	assert_true(rate > 0.85 * RATE && rate < 1.15 * RATE);
	rate = rate_of(&limited, &free_one, cni_address(results[0], 0));
	print_message("out of the pod: %.2f of %.2f Mbit/s\n", rate / 1e6, 2 * RATE / 1e6);
	assert_true(rate > 0.85 * 2 * RATE && rate < 1.15 * 2 * RATE);
	question.command = "DEL";
	question.result = results[1];
	cni_expect_done(&question);
	question.pod = &free_one;
	question.capabilities = NULL;
	question.result = results[0];
	cni_expect_done(&question);
	assert_true(network_wait_for_none("ip -o link show type ifb"));
	cni_drop(&limited);
	cni_drop(&free_one);
	cni_assert_nothing_left();
	cJSON_Delete(results[0]);
	cJSON_Delete(results[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cni_test(test_addresses),
		cni_test(test_ports),
		cni_test(test_sctp),
		cni_test(test_bandwidth),
	};

	network_need_rules("reach");
	return cmocka_run_group_tests(tests, cni_set_up, cni_tear_down);
}
