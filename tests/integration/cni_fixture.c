/* SPDX-License-Identifier: Apache-2.0 */
#include "cni_fixture.h"

#include "network/network_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct cni_scene scene;

/* A plugin that passes on what came before, and keeps what it was given. */
static const char record_plugin[] =
	"#!/usr/bin/python3\n"
	"import json, os, sys\n"
	"given = json.load(sys.stdin)\n"
	"with open(os.path.dirname(sys.argv[0]) + '/../record', 'a') as record:\n"
	"    environment = {k: v for k, v in os.environ.items() if k.startswith('CNI_') and k != 'CNI_PATH'}\n"
	"    record.write(json.dumps([environment, given], sort_keys=True) + '\\n')\n"
	"if os.environ['CNI_COMMAND'] == 'ADD':\n"
	"    print(json.dumps(given['prevResult']))\n";

void cni_plugin(const char *name, const char *script)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scene.plugins, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(script, 1, strlen(script), file), strlen(script));
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

int cni_set_up(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("integration tests need root\n");
		return -1;
	}
	snprintf(scene.directory, sizeof(scene.directory), "/tmp/libcri-test.XXXXXX");
	if (!mkdtemp(scene.directory))
		return -1;
	snprintf(scene.plugins, sizeof(scene.plugins), "%s/plugins", scene.directory);
	snprintf(scene.data, sizeof(scene.data), "%s/data", scene.directory);
	snprintf(scene.record, sizeof(scene.record), "%s/record", scene.directory);
	if (mkdir(scene.plugins, 0755) < 0)
		return -1;
	cni_plugin("record", record_plugin);
	/* Mounts of the tests are seen by nobody else. */
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -1 : 0;
}

int cni_tear_down(void **state)
{
	(void)state;
	return network_try(NULL, "rm -rf '%s'", scene.directory) ? 0 : -1;
}

int cni_fresh(void **state)
{
	(void)state;
	network_end_servers();
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	/* A new namespace takes its settings from the machine's first, which others may have changed. */
	return network_try(NULL,
			   "rm -rf '%s' '%s'; ip link set lo up; cd /proc/sys/net && echo 0 >ipv4/ip_forward && "
			   "echo 0 >ipv6/conf/all/forwarding && "
			   "for i in all default; do echo 0 >ipv4/conf/$i/route_localnet; done",
			   scene.data, scene.record)
		       ? 0
		       : -1;
}

struct cni_pod cni_pod(const char *id)
{
	struct cni_pod pod = { .keeper = network_keep_namespace() };

	assert_true(pod.keeper > 0);
	snprintf(pod.id, sizeof(pod.id), "%s", id);
	snprintf(pod.netns, sizeof(pod.netns), "/proc/%d/ns/net", pod.keeper);
	return pod;
}

void cni_drop(struct cni_pod *pod)
{
	network_end(pod->keeper);
	pod->netns[0] = '\0';
	pod->keeper = 0;
}

struct cni_pod cni_outside(void)
{
	struct cni_pod outside = cni_pod("outside");

	assert_true(network_try(NULL,
				"ip link add up0 type veth peer name eth9 netns %d && ip link set up0 up && "
				"ip addr add 192.0.2.1/24 dev up0 && ip addr add 2001:db8::1/64 dev up0 nodad",
				outside.keeper));
	assert_true(network_try(outside.netns,
				"ip link set eth9 up && ip link set lo up && ip addr add 192.0.2.2/24 dev eth9 && "
				"ip addr add 2001:db8::2/64 dev eth9 nodad"));
	return outside;
}

static cJSON *parse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static cJSON *parse(const char *format, ...)
{
	static char text[65536];
	va_list arguments;
	cJSON *json;

	va_start(arguments, format);
	assert_in_range(vsnprintf(text, sizeof(text), format, arguments), 1, sizeof(text) - 1);
	va_end(arguments);
	json = cJSON_Parse(text);
	if (!json)
		print_error("no JSON: %s\n", text);
	assert_non_null(json);
	return json;
}

static const char *either(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

/* The question as JSON, in a memfd. */
static int write_question(const struct cni_question *question)
{
	int fd = memfd_create("question", MFD_CLOEXEC);
	static char plugins[32768];
	cJSON *json, *attachment;
	char *text;

	plugins[0] = '\0';
	for (const char *at = question->plugins, *mark; *at; at = mark ? mark + 6 : at + strlen(at)) {
		size_t length = strlen(plugins);

		mark = strstr(at, "@DATA@");
		snprintf(plugins + length, sizeof(plugins) - length, "%.*s%s",
			 (int)(mark ? (size_t)(mark - at) : strlen(at)), at, mark ? scene.data : "");
	}
	json = parse(
		"{\"command\":\"%s\",\"id\":\"%s\",\"netns\":\"%s\",\"host\":\"/proc/%d/ns/net\",\"lock\":\"%s/lock\","
		"\"timeout\":%d,\"args\":\"%s\",\"path\":[\"%s\",\"%s\"],\"inProcess\":%s,\"valid\":%s,"
		"\"attachments\":[{\"interface\":\"%s\",\"capabilities\":%s,\"list\":{\"cniVersion\":\"%s\","
		"\"name\":\"%s\",\"plugins\":[%s]}}]}",
		either(question->command, "ADD"), question->pod->id, question->pod->netns, getpid(), scene.directory,
		question->timeout ? question->timeout : 20000, either(question->args, ""), scene.plugins,
		question->no_programs ? scene.plugins : "/usr/lib/cni", question->exec ? "false" : "true",
		either(question->valid, "{}"), either(question->interface, "eth0"),
		either(question->capabilities, "{}"), either(question->version, "1.0.0"),
		either(question->network, "test"), plugins);
	if (question->no_path)
		cJSON_ReplaceItemInObject(json, "path", cJSON_CreateArray());
	if (question->early)
		cJSON_AddBoolToObject(json, "early", true);
	attachment = cJSON_GetObjectItem(json, "attachments")->child;
	if (question->result)
		cJSON_AddItemToObject(attachment, "result", cJSON_Duplicate(question->result, true));
	text = cJSON_PrintUnformatted(json);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	cJSON_free(text);
	cJSON_Delete(json);
	return fd;
}

struct cni_asking cni_begin(const struct cni_question *question, void (*prepare)(void))
{
	struct cni_asking asking = { .answer = memfd_create("answer", MFD_CLOEXEC) };
	const char *helpers = getenv("LIBCRI_HELPER_DIRECTORY");
	int input = write_question(question), sockets[2];
	char name[512], path[PATH_MAX];

	snprintf(name, sizeof(name), "%s/cri-network", either(helpers, "build/libexec/libcri"));
	assert_non_null(realpath(name, path));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	asking.control = sockets[0];
	if (!question->unasked)
		cni_go(&asking);
	asking.pid = fork();
	if (asking.pid == 0) {
		int theirs = fcntl(sockets[1], F_DUPFD, 10);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (prepare)
			prepare();
		if (chdir("/") == 0 && dup2(input, 0) == 0 && dup2(asking.answer, 1) == 1 &&
		    dup3(theirs, NETWORK_CONTROL_FD, O_CLOEXEC) == NETWORK_CONTROL_FD && close(theirs) == 0 &&
		    fcntl(NETWORK_CONTROL_FD, F_SETFD, 0) == 0)
			execl(path, "cri-network", (char *)NULL);
		_exit(126);
	}
	assert_true(asking.pid > 0);
	close(sockets[1]);
	close(input);
	return asking;
}

void cni_go(const struct cni_asking *asking)
{
	assert_int_equal(send(asking->control, "", 1, MSG_NOSIGNAL), 1);
}

char *cni_end_killed(struct cni_asking *asking)
{
	const size_t size = 1 << 20;
	char *text = malloc(size);
	ssize_t n;

	assert_non_null(text);
	assert_int_equal(waitpid(asking->pid, NULL, 0), asking->pid);
	close(asking->control);
	n = pread(asking->answer, text, size - 1, 0);
	close(asking->answer);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

cJSON *cni_end(struct cni_asking *asking)
{
	char *text = cni_end_killed(asking);
	cJSON *answer = cJSON_Parse(text);

	if (!answer)
		print_error("cri-network answered: %s\n", text);
	assert_non_null(answer);
	free(text);
	return answer;
}

cJSON *cni_ask(const struct cni_question *question)
{
	struct cni_asking asking = cni_begin(question, NULL);

	return cni_end(&asking);
}

cJSON *cni_expect_result(const struct cni_question *question)
{
	cJSON *answer = cni_ask(question), *result;
	const cJSON *error = cJSON_GetObjectItem(answer, "error");

	if (error)
		print_error("%s: %s\n", question->exec ? "exec" : "in-process", error->valuestring);
	assert_null(error);
	result = cJSON_DetachItemFromArray(cJSON_GetObjectItem(answer, "results"), 0);
	assert_non_null(result);
	cJSON_Delete(answer);
	return result;
}

void cni_expect_done(const struct cni_question *question)
{
	cJSON_Delete(cni_expect_result(question));
}

void cni_expect_error_in(cJSON *answer, int code, const char *text)
{
	const cJSON *error = cJSON_GetObjectItem(answer, "error");

	assert_non_null(error);
	if (!strstr(error->valuestring, text) || cJSON_GetObjectItem(answer, "code")->valueint != code)
		print_error("%s (%d), expected %s (%d)\n", error->valuestring,
			    cJSON_GetObjectItem(answer, "code")->valueint, text, code);
	assert_non_null(strstr(error->valuestring, text));
	assert_int_equal(cJSON_GetObjectItem(answer, "code")->valueint, code);
	cJSON_Delete(answer);
}

void cni_expect_error(const struct cni_question *question, int code, const char *text)
{
	cni_expect_error_in(cni_ask(question), code, text);
}

const char *cni_address(const cJSON *result, int index)
{
	static char addresses[8][64];
	static unsigned next;
	char *address = addresses[next++ % 8];
	const cJSON *ip = cJSON_GetArrayItem(cJSON_GetObjectItem(result, "ips"), index);

	assert_non_null(ip);
	snprintf(address, sizeof(addresses[0]), "%s", cJSON_GetObjectItem(ip, "address")->valuestring);
	address[strcspn(address, "/")] = '\0';
	return address;
}

static void replace_all(char *text, const char *pattern, const char *name)
{
	const size_t length = strlen(name);
	regmatch_t match;
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
	while (regexec(&regex, text, 1, &match, 0) == 0) {
		char *at = text + match.rm_so, *end = text + match.rm_eo;

		assert_true((size_t)(end - at) > length);
		for (size_t i = 0; i < length; i++)
			at[i] = name[i];
		memmove(at + length, end, strlen(end) + 1);
		text = at + length;
	}
	regfree(&regex);
}

void cni_normalise(char *text)
{
	replace_all(text, "veth[0-9a-f]{8}", "VETH");
	replace_all(text, "([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC");
	replace_all(text, "/proc/[0-9]+/ns/net", "NETNS");
}

/* Numbers of interfaces, states that come and go, and how an address is spared duplicate detection: by its flag or by
 * a setting. The programs' veths have a queue of no length, for which there is no reason. */
#define SED                                                                                                            \
	"sed -E 's/^[0-9]+: //; s/^([^ :]+)@[^ :]+/\\1@IF/; s/ (nodad|tentative)//; s/ qlen [0-9]+//; s/ "             \
	"link-netns(id)? [^ "                                                                                          \
	"]+//; /fe80:/d; "                                                                                             \
	"s/(valid|preferred)_lft [^ ]+//g; s/[ \\]+/ /g' | LC_ALL=C sort"

char *cni_host_text(void)
{
	char *text = network_shell(
		NULL,
		"ip -o addr show | " SED
		"; ip -o link show type bridge | sed -E 's/(NO-CARRIER,|,LOWER_UP| state [A-Z]+)//g' | " SED
		"; ip -o link show type veth | " SED "; "
		"(ip route show; ip -6 route show | grep -v ^fe80) | sed 's/ linkdown//'; bridge -d link show | " SED
		"; "
		"cd /proc/sys/net && grep . ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/*/route_localnet "
		"ipv6/conf/cni0/accept_ra; "
		"cd '%s' 2>/dev/null && find . -printf '%%M %%p\\n' | LC_ALL=C sort && "
		"find . -type f | LC_ALL=C sort | xargs -I{} sh -c 'echo {}; od -c {}'",
		scene.data);

	cni_normalise(text);
	return text;
}

char *cni_pod_text(const struct cni_pod *pod)
{
	char *text = network_shell(
		pod->netns, "ip -o addr show | " SED "; ip -o link show | " SED "; ip route show; "
			    "ip -6 route show | grep -v ^fe80; cd /proc/sys/net; "
			    "grep . ipv6/conf/eth0/accept_dad ipv4/conf/eth0/arp_notify ipv6/conf/*/disable_ipv6");

	cni_normalise(text);
	return text;
}

char *cni_records(void)
{
	char *text = network_shell(NULL, "cat '%s' 2>/dev/null; rm -f '%s'", scene.record, scene.record);

	cni_normalise(text);
	return text;
}

void cni_assert_nothing_left(void)
{
	char command[512];

	snprintf(command, sizeof(command), "find '%s' -type f 2>/dev/null | grep -v 'last_reserved\\|lock$'",
		 scene.data);
	assert_true(network_wait_for_none(command));
	assert_true(network_wait_for_none("nft list ruleset 2>/dev/null | grep 'elements\\|CNI-[0-9a-f]\\|CNI-DN'"));
	assert_true(network_wait_for_none("ip -o link show type veth | grep -v ' up0@'"));
}

void cni_refuse_netfilter(unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(125);
}
