/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cri-shim that becomes no shim itself: it loads what all of them need, liblxc too, and forks one for each request
 * (runtime/shim_protocol.h). So that is loaded once for many, and lies in memory once. Nothing of a container is ever
 * in it.
 */
#ifndef LIBCRI_HELPERS_SHIM_ZYGOTE_H
#define LIBCRI_HELPERS_SHIM_ZYGOTE_H

#include "shim.h"

/* Serves requests on SHIM_STATUS_FD. True in each shim: its pair is in that place, and `argument`, which the process is
 * known by, is its directory; `shim` has cri-init. False when no request came for too long, or nobody is there to send
 * one. `broken`, unless its code is 0, is why there can be no shim, and is what is answered. */
bool zygote_serve(struct shim *shim, char *argument, const struct failure *broken);

#endif
