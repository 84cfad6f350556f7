/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that calls liblxc. */
#ifndef LIBCRI_HELPERS_SHIM_LXC_H
#define LIBCRI_HELPERS_SHIM_LXC_H

#include "order.h"

/* In the container's directory; lxc_config.c says so to liblxc. */
#define LXC_LOG_FILE "lxc.log"

/* Loads the library; apart, so that it can be done while the shim is busy. */
int lxc_load(struct failure *failure);

/* Runs the container with `program` as its first process until it has ended. *status is liblxc's: exit code << 8, or
 * signal << 8 | 0x7f. */
int lxc_run(struct order *order, const char *program, int *status, struct failure *failure);

#endif
