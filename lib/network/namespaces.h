/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned namespaces: bind mounts that keep a pod's namespaces alive without a process, made by the helper
 * cri-sandbox. */
#ifndef LIBCRI_NETWORK_NAMESPACES_H
#define LIBCRI_NETWORK_NAMESPACES_H

#include "core/engine.h"

struct namespace_request {
	const char *directory;               /* exists; net, ipc and uts are pinned as files of these names in it */
	bool network, ipc, uts;              /* which to make */
	const char *hostname;                /* of the UTS namespace; "" leaves it */
	const cri_key_value *const *sysctls; /* written inside, after loopback is up */
	size_t n_sysctls;
};

/* The helper that does it. */
struct namespace_pinning {
	int socket, pidfd;
};
#define NAMESPACE_PINNING_NONE                                                                                         \
	{                                                                                                              \
		-1, -1                                                                                                 \
	}

/* Begins to make them; of the request only says which. Nothing shows before namespaces_pin_begin. What is begun must be
 * ended or abandoned, whatever else fails meanwhile. */
int namespaces_begin(cri_engine *engine, const struct namespace_request *request, struct namespace_pinning *pinning,
		     cri_call *call);
/* Nothing to do for one that did not begin, or was ended. */
void namespaces_abandon(struct namespace_pinning *pinning);

/* Begins to pin what was begun. */
int namespaces_pin_begin(const struct namespace_request *request, struct namespace_pinning *pinning, cri_call *call);

/* Waits until it is done. On failure what was pinned is unpinned again. A sysctl that does not belong to a namespace
 * that is made, or that the kernel lacks, is CRI_EINVAL naming it. */
int namespaces_pin_end(const struct namespace_request *request, struct namespace_pinning *pinning, cri_call *call);

/* All three. */
int namespaces_pin(cri_engine *engine, const struct namespace_request *request, cri_call *call);

/* Unpins net, ipc and uts in a directory; what is not there is a success. The kernel tears the namespaces down in its
 * own time. */
int namespaces_unpin(const char *directory, cri_call *call);

/* Pins an empty network namespace, in which not even loopback is up, as the file "empty". */
int namespaces_pin_empty(cri_engine *engine, const char *directory, cri_call *call);

/* Pins the mount namespace of the monitors (pin_protocol.h) as the file "monitors". */
int namespaces_pin_monitors(cri_engine *engine, const char *directory, cri_call *call);

/* At open, under the recovery lock: `<state>` is a private tmpfs mount, ns/empty an empty network namespace, ns/host
 * a pin of this process's, ns/monitors the mount namespace of the monitors. Idempotent: what is pinned already stays.
 */
int namespaces_prepare_state(cri_engine *engine, cri_call *call);

#endif
