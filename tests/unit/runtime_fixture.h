/* SPDX-License-Identifier: Apache-2.0 */
/* An engine whose cgroups are only named, and a container. */
#ifndef TESTS_UNIT_RUNTIME_FIXTURE_H
#define TESTS_UNIT_RUNTIME_FIXTURE_H

#include "core_fixture.h"

#include "cgroup/cgroup.h"
#include "runtime/container.h"

static struct cgroup_system layout_v2 = {
	.hierarchies = { { .mountpoint = (char *)"/sys/fs/cgroup",
			   .controllers = (char *)",cpu,io,memory,pids,",
			   .v2 = true } },
	.n_hierarchies = 1,
	.unified = true,
};

/* The state directory is fixed: what is rendered is compared, nothing is written. */
static void runtime_engine(cri_engine *engine, struct cgroup_system *layout)
{
	memset(engine, 0, sizeof(*engine));
	engine->root = "/var/lib/libcri";
	engine->state = "/run/libcri";
	engine->helpers = "/usr/libexec/libcri";
	engine->cgroups = layout;
}

static const char *const runtime_layers[] = { "/var/lib/libcri/l/1/fs", "/var/lib/libcri/l/2/fs",
					      "/var/lib/libcri/l/a/fs" };
static const char *const runtime_arguments[] = { "/bin/true" };

#define RUNTIME_CONTAINER                                                                                              \
	{                                                                                                              \
		.id = "c1", .sandbox_id = "p1", .handler = "lxc", .layers = runtime_layers, .n_layers = 3,             \
		.writable = "/var/lib/libcri/c/c1", .hostname = "", .log = "",                                         \
		.network_namespace = "/run/libcri/sandboxes/p1/net", .ipc_namespace = "/run/libcri/sandboxes/p1/ipc",  \
		.uts_namespace = "/run/libcri/sandboxes/p1/uts", .pid_namespace = "", .cgroup = "/libcri/p1/c1",       \
		.process = {                                                                                           \
			.arguments = runtime_arguments,                                                                \
			.n_arguments = 1,                                                                              \
			.directory = "/",                                                                              \
			.user = "",                                                                                    \
		},                                                                                                     \
	}

#endif
