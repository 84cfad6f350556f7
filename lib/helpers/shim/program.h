/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init, opened so that no container can ever write to it. */
#ifndef LIBCRI_HELPERS_SHIM_PROGRAM_H
#define LIBCRI_HELPERS_SHIM_PROGRAM_H

#include "failure.h"

/* *mount must stay open as long as *program: closing it waits for an RCU grace period. */
int program_open(int *program, int *mount, struct failure *failure);

#endif
