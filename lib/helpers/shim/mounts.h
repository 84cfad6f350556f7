/* SPDX-License-Identifier: Apache-2.0 */
/* The order's mounts: those of host paths are made here, detached; all are sent to cri-init, which knows where in the
 * container they go. */
#ifndef LIBCRI_HELPERS_SHIM_MOUNTS_H
#define LIBCRI_HELPERS_SHIM_MOUNTS_H

#include "order.h"

/* In the order's order. Waits when the socket is full. */
int mounts_send(const struct order *order, int init_socket, struct failure *failure);

#endif
