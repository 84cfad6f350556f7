/* SPDX-License-Identifier: Apache-2.0 */
/* What libcri.so says to a shim that is to create a container, until it has its answer: runtime/shim_protocol.h. Parts
 * of it are handed on to the monitor. */
#ifndef LIBCRI_HELPERS_SHIM_GO_H
#define LIBCRI_HELPERS_SHIM_GO_H

#include "failure.h"

#include <stdbool.h>

/* SHIM_ENTER, the first message: this process moves into the monitors' cgroup. *zygote: it is to fork shims.
 * CRI_ECANCELED: the other side is gone. */
int go_enter(int fd, bool *zygote, struct failure *failure);

/* SHIM_ORDER, which brings the socket that becomes `fd` in the place of the present one; that stays open as *begun,
 * whose end tells the other side of this process's. CRI_ECANCELED: the other side is gone. */
int go_await_order(int fd, int *begun, struct failure *failure);

/* Waits for the message. CRI_ECANCELED: the other side is gone. */
int go_await(int fd, const char *message, struct failure *failure);

/* 0, also when the other side is gone: that shows elsewhere. */
int go_send(int fd, const char *message, struct failure *failure);

#endif
