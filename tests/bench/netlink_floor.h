/* SPDX-License-Identifier: Apache-2.0 */
/* The bare netlink messages of a pod's interface: what nothing on this machine can be quicker than by much. */
#ifndef LIBCRI_TESTS_BENCH_NETLINK_FLOOR_H
#define LIBCRI_TESTS_BENCH_NETLINK_FLOOR_H

#include "samples.h"

/* In a network namespace that is made for it, which is not measured: a veth between it and the bridge "floor0" (made
 * the first time), up, an address, a default route. `samples` may be NULL. -1 and a message on failure. */
int netlink_floor(int number, struct samples *samples);

#endif
