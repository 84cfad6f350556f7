/* SPDX-License-Identifier: Apache-2.0 */
#include "network_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NATIVE_ADDRESSES "/run/libcri-networks"

struct network_fixture net;

/* Those of a failed test would keep its namespaces. */
static pid_t servers[64];

static void write_file(const char *directory, const char *name, const char *content, mode_t mode)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	/* Where addresses are kept is the test's. */
	for (const char *at = content, *mark; *at; at = mark ? mark + 6 : at + strlen(at)) {
		mark = strstr(at, "@DATA@");
		fwrite(at, 1, mark ? (size_t)(mark - at) : strlen(at), file);
		if (mark)
			fputs(net.addresses, file);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

void network_add_configuration(const char *name, const char *content)
{
	write_file(net.configuration, name, content, 0644);
}

void network_configure(const char *name, const char *content)
{
	assert_true(network_try(NULL, "rm -f '%s'/*", net.configuration));
	if (content)
		network_add_configuration(name, content);
}

void network_add_plugin(const char *name, const char *script)
{
	write_file(net.plugins, name, script, 0755);
}

pid_t network_keep_namespace(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

/* A network of its own, and a /run: the native network's addresses and the lock of iptables are the machine's. */
static int leave_machine(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -1;
	return mount("tests", "/run", "tmpfs", 0, "mode=0755");
}

void network_need_rules(const char *tests)
{
	if (system("unshare -n nft add table inet libcri-tests 2>&1 | grep -q 'not supported'"))
		return;
	printf("[  SKIPPED ] %s: the kernel has no nftables for addresses\n", tests);
	exit(0);
}

int network_set_up(void **state)
{
	if (leave_machine() < 0)
		return -1;
	net.outsider = network_keep_namespace();
	if (net.outsider < 0)
		return -1;
	snprintf(net.outside, sizeof(net.outside), "/proc/%d/ns/net", net.outsider);
	if (!network_try(NULL,
			 "ip link set lo up && ip link add up0 type veth peer name eth0 netns %d && "
			 "ip link set up0 up && ip addr add 192.0.2.1/24 dev up0 && "
			 "ip addr add 2001:db8::1/64 dev up0 nodad",
			 net.outsider) ||
	    !network_try(OUTSIDE, "ip link set eth0 up && ip link set lo up && ip addr add 192.0.2.2/24 dev eth0 && "
				  "ip addr add 2001:db8::2/64 dev eth0 nodad"))
		return -1;
	if (fixture_set_up(state) < 0)
		return -1;
	net.fixture = *state;
	snprintf(net.configuration, sizeof(net.configuration), "%s/net.d", net.fixture->directory);
	snprintf(net.plugins, sizeof(net.plugins), "%s/plugins", net.fixture->directory);
	snprintf(net.addresses, sizeof(net.addresses), "%s/addresses", net.fixture->directory);
	return mkdir(net.configuration, 0755) < 0 || mkdir(net.plugins, 0755) < 0 ? -1 : 0;
}

int network_tear_down(void **state)
{
	if (net.fixture->engine) {
		fixture_clear(net.fixture);
		network_assert_nothing_left();
	}
	network_end(net.outsider);
	return fixture_tear_down(state);
}

void network_open(cri_network_plugin plugin, bool exec_all)
{
	static const char *directories[2];
	cri_engine_options options = fixture_options(net.fixture);

	directories[0] = net.plugins;
	directories[1] = "/usr/lib/cni";
	options.network_plugin = plugin;
	options.cni_config_directory = net.configuration;
	options.cni_plugin_directories = directories;
	options.n_cni_plugin_directories = 2;
	options.cni_exec_all = exec_all;
	if (net.fixture->engine)
		fixture_close(net.fixture);
	cri_call_reset(net.fixture->call);
	expect_ok(net.fixture, cri_engine_open(&options, &net.fixture->engine, net.fixture->call));
}

int network_try_pod(const char *name, const cri_port_mapping *const *ports, size_t n_ports, const char *annotation,
		    const char *value, char **id)
{
	const cri_key_value pair = { CRI_KEY_VALUE_INIT, .key = annotation, .value = value };
	const cri_key_value *const annotations[] = { &pair };
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT,    .name = name,
		.uid = "uid-of-it",         .namespace_ = "tests",
		.hostname = "pod-host",     .log_directory = net.fixture->logs,
		.port_mappings = ports,     .n_port_mappings = n_ports,
		.annotations = annotations, .n_annotations = annotation ? 1 : 0,
	};

	cri_call_reset(net.fixture->call);
	if (net.timeout)
		cri_call_set_timeout(net.fixture->call, net.timeout);
	return cri_sandbox_run(net.fixture->engine, &config, NULL, id, net.fixture->call);
}

char *network_pod(const char *name, const cri_port_mapping *const *ports, size_t n_ports, const char *annotation,
		  const char *value)
{
	char *id = NULL;

	expect_ok(net.fixture, network_try_pod(name, ports, n_ports, annotation, value, &id));
	return id;
}

static cri_list *status_of(const char *pod)
{
	cri_list *list = NULL;

	expect_ok(net.fixture, cri_sandbox_status_get(net.fixture->engine, pod, &list, net.fixture->call));
	return list;
}

char *network_address(const char *pod, size_t interface, size_t index)
{
	cri_list *list = status_of(pod);
	const cri_sandbox_status *status = cri_sandbox_status_at(list, 0);
	char *address = NULL;

	if (interface < status->n_networks && index < status->networks[interface]->n_ips)
		address = strdup(status->networks[interface]->ips[index]);
	cri_list_free(list);
	return address;
}

const char *network_namespace(const char *pod)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	cri_list *list = status_of(pod);

	snprintf(path, sizeof(paths[0]), "%s", cri_sandbox_status_at(list, 0)->network_namespace);
	cri_list_free(list);
	return path;
}

static void enter(const char *namespace_path)
{
	int fd;

	if (!namespace_path)
		return;
	fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		_exit(99);
}

static char *shell(const char *namespace_path, const char *command, int *status)
{
	char *output = NULL;
	size_t size = 0, length = 0;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		enter(namespace_path);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(98);
	}
	close(fds[1]);
	for (ssize_t n = 1; n > 0;) {
		char *larger;

		size = length + 4096;
		larger = realloc(output, size + 1);
		assert_non_null(larger);
		output = larger;
		n = read(fds[0], output + length, size - length);
		length += n > 0 ? (size_t)n : 0;
	}
	close(fds[0]);
	output[length] = '\0';
	assert_int_equal(waitpid(pid, status, 0), pid);
	return output;
}

char *network_shell(const char *namespace_path, const char *format, ...)
{
	char command[4096];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return shell(namespace_path, command, &status);
}

bool network_try(const char *namespace_path, const char *format, ...)
{
	char command[4096];
	va_list arguments;
	int status;
	char *output;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	output = shell(namespace_path, command, &status);
	if (status)
		print_message("%s: %s\n", command, output);
	free(output);
	return status == 0;
}

static int socket_type(int protocol)
{
	return protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

/* "name address" to whoever comes. */
static void __attribute__((noreturn)) serve(int fd, int protocol, const char *name)
{
	for (;;) {
		struct sockaddr_in6 client;
		socklen_t size = sizeof(client);
		char text[128], address[INET6_ADDRSTRLEN], byte[16];
		int peer = fd;
		ssize_t n = 0;

		if (protocol == IPPROTO_UDP)
			n = recvfrom(fd, byte, sizeof(byte), 0, (struct sockaddr *)&client, &size);
		else
			peer = accept(fd, (struct sockaddr *)&client, &size);
		if (n < 0 || peer < 0)
			continue;
		inet_ntop(AF_INET6, &client.sin6_addr, address, sizeof(address));
		snprintf(text, sizeof(text), "%s %s", name, strncmp(address, "::ffff:", 7) ? address : address + 7);
		if (protocol == IPPROTO_UDP) {
			(void)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&client, size);
		} else {
			(void)send(peer, text, strlen(text), MSG_NOSIGNAL);
			close(peer);
		}
	}
}

pid_t network_serve(const char *namespace_path, int protocol, uint16_t port, const char *name)
{
	const struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int ready[2], one = 1, off = 0;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(namespace_path);
		fd = socket(AF_INET6, socket_type(protocol) | SOCK_CLOEXEC, protocol);
		byte = fd < 0 ? 'n' : 'y';
		if (fd >= 0 &&
		    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		     (protocol != IPPROTO_SCTP && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
		     bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		     (protocol != IPPROTO_UDP && listen(fd, 16) < 0)))
			byte = 'e';
		if (write(ready[1], &byte, 1) != 1 || byte != 'y')
			_exit(1);
		serve(fd, protocol, name);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	if (byte != 'y')
		waitpid(pid, NULL, 0);
	assert_int_not_equal(byte, 'e');
	for (size_t i = 0; byte == 'y' && i < sizeof(servers) / sizeof(*servers); i++) {
		if (!servers[i]) {
			servers[i] = pid;
			break;
		}
	}
	return byte == 'y' ? pid : 0;
}

void network_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		if (servers[i] == pid)
			servers[i] = 0;
	}
}

void network_end_servers(void)
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		network_end(servers[i]);
}

void network_fresh(cri_network_plugin plugin, bool exec_all)
{
	network_end_servers();
	network_open(plugin, exec_all);
	fixture_clear(net.fixture);
	network_assert_nothing_left();
}

/* In the child: the answer goes to standard output. */
static void __attribute__((noreturn))
ask(int protocol, uint16_t local_port, const char *address, uint16_t port, int output)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const bool is_six = inet_pton(AF_INET, address, &four.sin_addr) != 1;
	const struct timeval patience = { .tv_sec = 2 };
	char text[128];
	ssize_t n = -1;
	int fd;

	if (is_six)
		inet_pton(AF_INET6, address, &six.sin6_addr);
	fd = socket(is_six ? AF_INET6 : AF_INET, socket_type(protocol), protocol);
	if (fd < 0)
		_exit(1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (local_port) {
		const struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(local_port) };

		if (bind(fd, (const struct sockaddr *)&local, sizeof(local)) < 0)
			_exit(1);
	}
	if (connect(fd, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
		    is_six ? sizeof(six) : sizeof(four)) < 0)
		_exit(1);
	if (protocol != IPPROTO_UDP || send(fd, "?", 1, MSG_NOSIGNAL) == 1)
		n = recv(fd, text, sizeof(text), 0);
	_exit(n > 0 && write(output, text, (size_t)n) == n ? 0 : 1);
}

char *network_ask(const char *namespace_path, int protocol, const char *address, uint16_t port)
{
	return network_ask_from(namespace_path, protocol, 0, address, port);
}

char *network_ask_from(const char *namespace_path, int protocol, uint16_t local_port, const char *address,
		       uint16_t port)
{
	char text[129] = "";
	int fds[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		enter(namespace_path);
		ask(protocol, local_port, address, port, fds[1]);
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	waitpid(pid, NULL, 0);
	text[n > 0 ? n : 0] = '\0';
	return strdup(text);
}

bool network_wait_for_none(const char *command)
{
	for (int i = 0; i < 600; i++) {
		char *output = network_shell(NULL, "%s", command);
		const bool none = !*output;

		if (i == 599)
			print_message("left: %s\n", output);
		free(output);
		if (none)
			return true;
		usleep(50000);
	}
	return false;
}

void network_expect_ready(bool ready, const char *message)
{
	cri_list *list = NULL;
	const cri_condition *condition;

	expect_ok(net.fixture, cri_engine_status_get(net.fixture->engine, &list, net.fixture->call));
	condition = cri_engine_status_at(list, 0)->conditions[1];
	assert_string_equal(condition->type, "NetworkReady");
	if (condition->status != ready || !strstr(condition->message, message))
		print_error("NetworkReady is %d: %s\n", condition->status, condition->message);
	assert_int_equal(condition->status, ready);
	assert_non_null(strstr(condition->message, message));
	assert_string_equal(condition->reason, ready ? "" : "NetworkPluginNotReady");
	cri_list_free(list);
}

void network_assert_nothing_left(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "find '%s' " NATIVE_ADDRESSES " -type f 2>/dev/null | grep -v 'last_reserved\\|lock$'", net.addresses);
	assert_true(network_wait_for_none(command));
	assert_true(network_wait_for_none("nft list ruleset 2>/dev/null | grep 'elements\\|CNI-[0-9a-f]\\|CNI-DN'"));
	assert_true(network_wait_for_none("ip -o link show type veth | grep -v ' up0@'"));
}
