/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters of a pod, and the namespaces they belong to. */
#ifndef LIBCRI_NETWORK_SYSCTL_H
#define LIBCRI_NETWORK_SYSCTL_H

#include <stddef.h>

enum sysctl_namespace { SYSCTL_NETWORK, SYSCTL_IPC, SYSCTL_UTS };

#define SYSCTL_PATH_MAX 256

/*
 * The path below /proc/sys of a name in either of the notations that sysctl(8) takes: "net.ipv4.conf.eth0/1.forwarding"
 * or "net/ipv4/conf/eth0.1/forwarding"; which one it is shows the first separator. *which is the namespace that the
 * parameter belongs to, as Kubernetes knows them: kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, net.*, and
 * kernel.domainname.
 * 0; -EINVAL: no name of a parameter ("..", an empty component, too long); -ENOTSUP: it belongs to no namespace.
 */
int sysctl_path(const char *name, char path[SYSCTL_PATH_MAX], enum sysctl_namespace *which);

#endif
