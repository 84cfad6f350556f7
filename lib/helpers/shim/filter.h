/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp profiles as programs of the kernel's. libseccomp is loaded, and a profile compiled, in a process of its own:
 * the shim, which lives as long as its container, keeps nothing of it.
 */
#ifndef LIBCRI_HELPERS_SHIM_FILTER_H
#define LIBCRI_HELPERS_SHIM_FILTER_H

#include "order.h"

/* Compiles the order's profile, if it has one, and appends the program to the process record, of which execs inherit
 * it. CRI_EINVAL: what of the profile is wrong. */
int filter_add(const struct order *order, struct failure *failure);

#endif
