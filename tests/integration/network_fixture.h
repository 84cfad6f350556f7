/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of the tests' own: the test program lives in a network namespace that it made, which the engine takes for
 * the host's, and has a /run of its own. "outside" is a machine beyond it, 192.0.2.2 and 2001:db8::2, behind the host's
 * 192.0.2.1 and 2001:db8::1.
 */
#ifndef LIBCRI_TESTS_INTEGRATION_NETWORK_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_NETWORK_FIXTURE_H

#include "fixture.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#define OUTSIDE net.outside

struct network_fixture {
	struct fixture *fixture;
	char configuration[96], plugins[96], addresses[96]; /* directories */
	char outside[64];                                   /* the path of its namespace */
	pid_t outsider;                                     /* keeps it */
	int64_t timeout;                                    /* of making a pod, in milliseconds; 0: none */
};
extern struct network_fixture net;

/* Ends a program of tests that cannot be without rules for addresses, saying that they are skipped, where the kernel
 * has no nftables for them, as that of user-mode Linux. */
void network_need_rules(const char *tests);

/* Group set-up and tear-down; the second fails when an address, a rule or an interface of a pod is left. */
int network_set_up(void **state);
int network_tear_down(void **state);

/* Opens the engine anew, with this plugin; `exec_all` as in the options. */
void network_open(cri_network_plugin plugin, bool exec_all);
/* The same before a test, with nothing left of the one before. */
void network_fresh(cri_network_plugin plugin, bool exec_all);
/* Replaces the files of the configuration directory by this one; NULL: leaves it empty. "@DATA@" in it becomes the
 * directory for addresses. */
void network_configure(const char *name, const char *content);
void network_add_configuration(const char *name, const char *content);
/* A plugin that is a shell script. */
void network_add_plugin(const char *name, const char *script);

/* Runs a pod; NULL config parts are left out. Fails the test unless it succeeds. */
char *network_pod(const char *name, const cri_port_mapping *const *ports, size_t n_ports, const char *annotation,
		  const char *value);
int network_try_pod(const char *name, const cri_port_mapping *const *ports, size_t n_ports, const char *annotation,
		    const char *value, char **id);
/* The pod's n-th address on its n-th interface, to be freed; NULL: it has none. */
char *network_address(const char *pod, size_t interface, size_t index);
/* The path of its namespace, in a static buffer. */
const char *network_namespace(const char *pod);

/* Runs a shell command in a namespace (NULL: the host's), and gives its output, to be freed. */
char *network_shell(const char *namespace_path, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True when the command succeeds. */
bool network_try(const char *namespace_path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A server in a namespace that answers every connection or datagram with its name and the client's address; ended by
 * network_end. 0: the kernel has no such protocol. */
pid_t network_serve(const char *namespace_path, int protocol, uint16_t port, const char *name);
void network_end(pid_t pid);
void network_end_servers(void);
/* A process that does nothing, in a network namespace of its own; ended by network_end. */
pid_t network_keep_namespace(void);
/* Whether the shell command prints nothing, now or within half a minute: the kernel deletes the interfaces of a
 * namespace in its own time, and those of all namespaces of the machine one after another. */
bool network_wait_for_none(const char *command);
/* What the server at an address answers, to be freed; "" when none does. */
char *network_ask(const char *namespace_path, int protocol, const char *address, uint16_t port);

/* From a port of its own, over IPv4. */
char *network_ask_from(const char *namespace_path, int protocol, uint16_t local_port, const char *address,
		       uint16_t port);

/* Fails the test unless NetworkReady is so, with a message that has this text in it. */
void network_expect_ready(bool ready, const char *message);

/* Fails the test when pods have left anything: files of addresses, elements of rules, interfaces. */
void network_assert_nothing_left(void);

#endif
