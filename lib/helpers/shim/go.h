/* SPDX-License-Identifier: Apache-2.0 */
/* SHIM_ORDER and SHIM_GO, which come from libcri.so to the shim; it hands SHIM_GO on to the monitor. */
#ifndef LIBCRI_HELPERS_SHIM_GO_H
#define LIBCRI_HELPERS_SHIM_GO_H

#include "failure.h"

/* Waits for the message. CRI_ECANCELED: the other side is gone. */
int go_await(int fd, const char *message, struct failure *failure);

/* SHIM_GO. 0, also when the other side is gone: that shows elsewhere. */
int go_send(int fd, struct failure *failure);

#endif
