/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcri.so asks of `cri-sandbox pin FLAGS`, and its answer, over a SEQPACKET socket (descriptor PIN_SOCKET_FD of
 * the helper). FLAGS, a decimal number, is what to make: the namespaces are made at once, and nothing shows of them
 * before the request is read. Without one, at the end of the file, and after the answer the helper exits.
 *
 * A request is a struct pin_request and `length` bytes of texts, each with its NUL: the directory, the hostname ("":
 * none), then a path below /proc/sys and a value for each sysctl; with PIN_MONITORS the directory and the engine's
 * root.
 */
#ifndef LIBCRI_NETWORK_PIN_PROTOCOL_H
#define LIBCRI_NETWORK_PIN_PROTOCOL_H

#include <stdint.h>

#define PIN_SOCKET_FD 3
#define PIN_MESSAGE_MAX 65536

/* What to make; each is pinned as a file of this name in the directory. */
#define PIN_NETWORK 0x1u /* "net": loopback is up */
#define PIN_IPC 0x2u     /* "ipc" */
#define PIN_UTS 0x4u     /* "uts" */
#define PIN_EMPTY 0x8u   /* "empty": a network namespace in which nothing is up; alone */
/* "monitors": the mount namespace that monitors start containers from; alone. Starting a container copies its monitor's
 * mounts, so it has few: /proc, /sys and /dev without what is mounted below them (no cgroups, which liblxc would use),
 * the engine's root, and a tmpfs with PIN_ROOTFS, where liblxc mounts root file systems, and PIN_NO_LAYERS, an empty
 * one. Nothing else of the host is held by it: what the host unmounts is unmounted. */
#define PIN_MONITORS 0x10u
#define PIN_LXC_PATH "/run/lxc"
#define PIN_ROOTFS PIN_LXC_PATH "/rootfs"
#define PIN_NO_LAYERS PIN_LXC_PATH "/no-layers"

struct pin_request {
	uint32_t length;
};

enum pin_step {
	PIN_DONE = 0,
	PIN_STEP_REQUEST,
	PIN_STEP_UNSHARE,
	PIN_STEP_HOSTNAME,
	PIN_STEP_LOOPBACK,
	PIN_STEP_SYSCTL,
	PIN_STEP_FILE,
	PIN_STEP_MOUNT,
	PIN_STEP_MONITORS,
};

struct pin_answer {
	uint32_t step;  /* that failed, or PIN_DONE */
	int32_t error;  /* an errno */
	uint32_t index; /* which of the sysctls */
};

#endif
