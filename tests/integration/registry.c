/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void wait_for_port(const struct server *server)
{
	const struct sockaddr_in address = loopback(server->port);

	for (int i = 0; i < 1000; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int result = connect(fd, (const struct sockaddr *)&address, sizeof(address));

		close(fd);
		if (result == 0)
			return;
		assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	fail_msg("nobody listens on port %d", server->port);
}

static void start(struct server *server, char *const argv[])
{
	const pid_t parent = getpid();
	char output[200];

	snprintf(server->host, sizeof(server->host), "127.0.0.1:%d", server->port);
	snprintf(output, sizeof(output), "%s/output", server->directory);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		int fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);

		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || fd < 0 || dup2(fd, 1) < 0 ||
		    dup2(fd, 2) < 0)
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	wait_for_port(server);
}

static void make_directory(struct server *server, const char *parent, const char *name)
{
	snprintf(server->directory, sizeof(server->directory), "%s/%s", parent, name);
	if (mkdir(server->directory, 0700))
		assert_int_equal(errno, EEXIST);
}

void registry_start(struct server *server, const char *parent, const char *name, int port, const char *http,
		    const char *auth)
{
	char path[200], text[2048];
	char *argv[] = { (char[]){ "docker-registry" }, (char[]){ "serve" }, path, NULL };

	make_directory(server, parent, name);
	server->port = port;
	snprintf(path, sizeof(path), "%s/config.yml", server->directory);
	snprintf(text, sizeof(text),
		 "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: %s/data\n"
		 "http:\n  addr: 127.0.0.1:%d\n%s%s%s",
		 server->directory, port, http, *auth ? "auth:\n" : "", auth);
	write_text(path, text);
	start(server, argv);
}

void proxy_start(struct server *server, const char *parent, const char *name, int upstream_port)
{
	char port[8], upstream[8], rules[200], log[200];
	char *argv[] = { (char[]){ "tests/fixtures/fault_proxy.py" }, port, upstream, rules, log, NULL };

	make_directory(server, parent, name);
	server->port = free_port();
	snprintf(port, sizeof(port), "%d", server->port);
	snprintf(upstream, sizeof(upstream), "%d", upstream_port);
	snprintf(rules, sizeof(rules), "%s/rules", server->directory);
	snprintf(log, sizeof(log), "%s/log", server->directory);
	start(server, argv);
}

void make_certificates(const char *parent, char directory[160])
{
	snprintf(directory, 160, "%s/certificates", parent);
	shell("mkdir '%s' && cd '%s' && exec 2>/dev/null && "
	      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt && "
	      "for who in server client; do "
	      "openssl req -newkey rsa:2048 -nodes -subj /CN=$who -keyout $who.key -out $who.csr && "
	      "printf 'subjectAltName=IP:127.0.0.1' >extensions && openssl x509 -req -days 2 -in $who.csr "
	      "-CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out $who.crt || exit 1; done",
	      directory, directory);
}

void h2_start(struct server *server, const char *parent, const char *name, int upstream_port, const char *certificates)
{
	char frontend[64], backend[64], log[200], key[200], certificate[200];
	char *argv[] = { (char[]){ "nghttpx" },
			 (char[]){ "--conf=/dev/null" },
			 (char[]){ "--single-process" },
			 (char[]){ "--single-thread" },
			 (char[]){ "--accesslog-format=$remote_port $alpn $request $status" },
			 frontend,
			 backend,
			 log,
			 key,
			 certificate,
			 NULL };

	make_directory(server, parent, name);
	server->port = free_port();
	snprintf(frontend, sizeof(frontend), "--frontend=127.0.0.1,%d", server->port);
	snprintf(backend, sizeof(backend), "--backend=127.0.0.1,%d", upstream_port);
	snprintf(log, sizeof(log), "--accesslog-file=%s/log", server->directory);
	snprintf(key, sizeof(key), "%s/server.key", certificates);
	snprintf(certificate, sizeof(certificate), "%s/server.crt", certificates);
	start(server, argv);
}

void token_server_start(struct server *server, const char *parent, int port)
{
	char text[8], log[200];
	char *argv[] = { (char[]){ "tests/fixtures/token_server.py" }, text, server->directory, log, NULL };

	make_directory(server, parent, "tokens");
	server->port = port;
	snprintf(text, sizeof(text), "%d", port);
	snprintf(log, sizeof(log), "%s/log", server->directory);
	shell("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout '%s/token.key' "
	      "-out '%s/token.crt' 2>/dev/null",
	      server->directory, server->directory);
	start(server, argv);
}

void odd_registry_start(struct server *server, const char *parent, const char *name, const char *layout,
			const char *certificates)
{
	char port[8], directory[256], log[200], certificate[200], key[200];
	char *argv[] = { (char[]){ "tests/fixtures/odd_registry.py" }, port, directory, log,
			 *certificates ? certificate : NULL,           key,  NULL };

	make_directory(server, parent, name);
	server->port = free_port();
	snprintf(port, sizeof(port), "%d", server->port);
	snprintf(directory, sizeof(directory), "%s", layout);
	snprintf(log, sizeof(log), "%s/log", server->directory);
	snprintf(certificate, sizeof(certificate), "%s/server.crt", certificates);
	snprintf(key, sizeof(key), "%s/server.key", certificates);
	start(server, argv);
}

void server_stop(struct server *server)
{
	if (server->pid <= 0)
		return;
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void proxy_rules(struct server *server, const char *format, ...)
{
	char path[200], new_path[220], text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/log", server->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/rules", server->directory);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	write_text(new_path, text);
	assert_int_equal(rename(new_path, path), 0);
}

/* `first`: each first word counts once. */
static int count_lines(const struct server *server, const char *expression, bool first)
{
	char path[200], line[1024], words[64][32];
	regex_t regex;
	FILE *file;
	int count = 0;

	snprintf(path, sizeof(path), "%s/log", server->directory);
	file = fopen(path, "re");
	if (!file)
		return 0;
	assert_int_equal(regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB), 0);
	while (fgets(line, sizeof(line), file)) {
		int known = 0;

		line[strcspn(line, "\n")] = '\0';
		if (regexec(&regex, line, 0, NULL, 0) != 0)
			continue;
		line[strcspn(line, " ")] = '\0';
		while (first && known < count && strcmp(words[known], line) != 0)
			known++;
		if (first && known < count)
			continue;
		if (first) {
			assert_true(count < 64);
			snprintf(words[count], sizeof(words[0]), "%.31s", line);
		}
		count++;
	}
	regfree(&regex);
	fclose(file);
	return count;
}

int log_count(const struct server *server, const char *expression)
{
	return count_lines(server, expression, false);
}

int log_count_first(const struct server *server, const char *expression)
{
	return count_lines(server, expression, true);
}

void push_document(const struct builder *builder, const char *url, const char *repository, const char *tag,
		   const char *digest, const char *media_type, const char *login)
{
	shell("tests/fixtures/push.py '%s' '%s' '%s' '%s' '%s' '%s' %s", url, repository, tag, builder->directory,
	      digest, media_type, login);
}

void push(const struct builder *builder, const char *url, const char *repository, const char *tag, const char *login)
{
	push_document(builder, url, repository, tag, builder->manifest_digest, OCI_MANIFEST, login);
}

void build_image(struct builder *builder, const char *parent, size_t n_layers, unsigned kilobytes)
{
	const size_t length = (size_t)kilobytes * 1024;
	char *bytes = malloc(length + 1), name[32];

	assert_non_null(bytes);
	builder_begin(builder, parent);
	for (size_t i = 0; i < n_layers; i++) {
		struct tar tar;

		for (size_t done = 0; done < length;) {
			ssize_t part = getrandom(bytes + done, length - done, 0);

			assert_true(part > 0);
			done += (size_t)part;
		}
		tar_begin(&tar, builder->directory);
		tar_directory(&tar, "./", 0755);
		snprintf(name, sizeof(name), "file%zu", i);
		tar_bytes(&tar, name, 0644, bytes, length);
		tar_end(&tar);
		builder_layer(builder, &tar, "gzip -1");
		assert_int_equal(unlink(tar.path), 0);
	}
	free(bytes);
	builder_manifest(builder, NULL);
}

size_t count_layers(const struct fixture *fixture)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof(path), "%s/l", fixture->root);
	assert_int_equal(stat(path, &status), 0);
	return status.st_nlink - 2;
}
