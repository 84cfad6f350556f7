/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of pulls share: a registry behind the fault proxy, and short ways to images. */
#ifndef LIBCRI_TESTS_INTEGRATION_PULL_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_PULL_FIXTURE_H

#include "registry.h"

extern struct server pull_server, pull_proxy;
extern char pull_url[64];
char *pull_image(struct fixture *fixture, const char *reference);

/* "127.0.0.1:1234/name", by the proxy. */
const char *pull_named(const char *name);
const cri_image_info *pull_status(struct fixture *fixture, const char *reference, cri_list **list);
void pull_remove(struct fixture *fixture, const char *reference);

/* Processes in a pull's cgroup below a pod's, in the hierarchies that have it; and its directories. */
size_t pull_count_charged(const char *parent, bool directories);
int pull_set_up(void **state);
int pull_tear_down(void **state);

#endif
