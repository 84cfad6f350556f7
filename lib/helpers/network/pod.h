/* SPDX-License-Identifier: Apache-2.0 */
/* What cri-network is asked to do, and for whom. */
#ifndef LIBCRI_HELPERS_NETWORK_POD_H
#define LIBCRI_HELPERS_NETWORK_POD_H

#include "helpers/network/failure.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum command { COMMAND_ADD, COMMAND_DEL, COMMAND_CHECK, COMMAND_STATUS, COMMAND_GC, COMMAND_COUNT };
extern const char *const command_names[COMMAND_COUNT];

struct pod {
	enum command command;
	const char *id;
	const char *namespace_path; /* "": it is gone */
	const char *args;           /* CNI_ARGS */
	const cJSON *path;          /* directories of plugins */
	const cJSON *valid;         /* GC: cni.dev/valid-attachments by network name */
	bool in_process;
	bool early;        /* its namespace may not be there yet: pod_await_namespace */
	bool undoing;      /* DEL of what has just been added: nothing may be left to the kernel */
	int control;       /* the socket to libcri: hung up when nobody wants the answer any more */
	int64_t deadline;  /* clock_boot() */
	struct nets *nets; /* the netlink sockets, opened when first needed */
};

/* Before the first use of the namespace: waits until libcri says that it is there. */
int pod_await_namespace(struct pod *pod, struct failure *failure);

/* A network on one interface of the pod. */
struct attachment {
	const cJSON *list; /* {"cniVersion","name","plugins"} */
	const char *name, *version;
	const char *interface;
	const cJSON *capabilities; /* arguments by capability, or NULL */
	cJSON *result;             /* what ADD answered, or NULL; owned */
	bool keep_addresses;       /* DEL: ports are still mapped to them */
};

/* ADD of every plugin of a list; what was added is deleted again when one fails, `*undone` tells whether that worked.
 */
int attachment_add(struct pod *pod, struct attachment *attachment, bool *undone, struct failure *failure);
/* DEL of every plugin, the last first, also when one fails. */
int attachment_delete(struct pod *pod, struct attachment *attachment, struct failure *failure);
/* CHECK (from 0.4.0 on), STATUS and GC (from 1.1.0 on); nothing for older lists. */
int attachment_ask(struct pod *pod, struct attachment *attachment, struct failure *failure);

#endif
