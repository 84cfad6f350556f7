/* SPDX-License-Identifier: Apache-2.0 */
/* SHIM_GO, which comes from libcri.so to the shim, and from there to the monitor. */
#ifndef LIBCRI_HELPERS_SHIM_GO_H
#define LIBCRI_HELPERS_SHIM_GO_H

#include "failure.h"

/* Waits for it. CRI_ECANCELED: the other side is gone. */
int go_await(int fd, struct failure *failure);

/* 0, also when the other side is gone: that shows elsewhere. */
int go_send(int fd, struct failure *failure);

#endif
