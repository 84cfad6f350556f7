/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri-network alone, spoken to as libcri.so does (network/network_protocol.h). The test program lives in a network
 * namespace of its own, which cri-network takes for the host's; pods are namespaces with nothing in them.
 */
#ifndef LIBCRI_TESTS_INTEGRATION_CNI_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_CNI_FIXTURE_H

#include "network_fixture.h"

#include <cjson/cJSON.h>

struct cni_scene {
	char directory[64];
	char plugins[96]; /* a directory of plugins, looked into before Debian's */
	char data[96];    /* "@DATA@" in configurations */
	char record[96];  /* what the plugin "record" was given, a line a run */
};
extern struct cni_scene scene;

/* The group's, and each test's: a fresh host namespace with nothing in it, no addresses taken, no record. */
int cni_set_up(void **state);
int cni_tear_down(void **state);
int cni_fresh(void **state);
#define cni_test(function) cmocka_unit_test_setup(function, cni_fresh)

struct cni_pod {
	char id[65];
	char netns[96]; /* "": it is gone */
	pid_t keeper;
};
struct cni_pod cni_pod(const char *id);
/* Its namespace goes. */
void cni_drop(struct cni_pod *pod);
/* "up0" in the host, 192.0.2.1 and 2001:db8::1, leads to "eth9" of a machine outside, 192.0.2.2 and 2001:db8::2. */
struct cni_pod cni_outside(void);

struct cni_question {
	const char *command; /* NULL: ADD */
	bool exec;           /* by the programs, not in-process */
	bool no_programs;    /* Debian's are not installed */
	bool no_path;        /* there is no directory of plugins */
	bool unasked;        /* it is started and not asked */
	bool early;          /* before the pod's namespace is there: cni_go */
	const struct cni_pod *pod;
	const char *interface;    /* NULL: eth0 */
	const char *version;      /* of the list; NULL: 1.0.0 */
	const char *network;      /* its name; NULL: test */
	const char *plugins;      /* {…}, {…} */
	const char *capabilities; /* NULL: {} */
	const char *args;         /* NULL: "" */
	const char *valid;        /* for GC */
	const cJSON *result;      /* of ADD */
	int timeout;              /* milliseconds; 0: 20000 */
};

struct cni_asking {
	pid_t pid;
	int control, answer;
};
/* Starts cri-network. `prepare` runs in the child before exec; NULL: nothing does. */
struct cni_asking cni_begin(const struct cni_question *question, void (*prepare)(void));
/* The namespace is there. */
void cni_go(const struct cni_asking *asking);
/* Its answer, to be deleted. */
cJSON *cni_end(struct cni_asking *asking);
/* The text of one that may have died before, to be freed. */
char *cni_end_killed(struct cni_asking *asking);
cJSON *cni_ask(const struct cni_question *question);

/* The result of the attachment, to be deleted; fails the test with the error. */
cJSON *cni_expect_result(const struct cni_question *question);
void cni_expect_done(const struct cni_question *question);
/* Fails the test unless it fails with this code and the text is in the error. */
void cni_expect_error(const struct cni_question *question, int code, const char *text);
/* The same of an answer, which is deleted. */
void cni_expect_error_in(cJSON *answer, int code, const char *text);

/* An address of a result, without its prefix; in a static buffer. */
const char *cni_address(const cJSON *result, int index);

/* Puts names for what differs from run to run: MAC addresses, names of veths, paths of namespaces. */
void cni_normalise(char *text);
/* All that is to be seen in the host's namespace and directory of addresses, and in a pod's; normal, to be freed. */
char *cni_host_text(void);
char *cni_pod_text(const struct cni_pod *pod);
/* What "record" was given since the last call, normal, to be freed. */
char *cni_records(void);

/* Fails the test unless all addresses are free, no rule of a pod is there, and all veths but up0 are gone soon. */
void cni_assert_nothing_left(void);

/* In a process that is about to be cri-network: it gets no netfilter socket, but this error. */
void cni_refuse_netfilter(unsigned error);

/* A plugin of the tests: a program for the interpreter of its first line. */
void cni_plugin(const char *name, const char *script);

#endif
