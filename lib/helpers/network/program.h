/* SPDX-License-Identifier: Apache-2.0 */
/* Running one CNI plugin as a program. */
#ifndef LIBCRI_HELPERS_NETWORK_PROGRAM_H
#define LIBCRI_HELPERS_NETWORK_PROGRAM_H

#include "base/buffer.h"
#include "helpers/network/pod.h"

#define PROGRAM_OUTPUT_MAX (1u << 20)
/* What is kept of stderr: its end, so much that it fits into the message of a call with what is before it. */
#define PROGRAM_ERRORS_MAX 200

/* Whether there is a program of this name. */
bool program_exists(const struct pod *pod, const char *type);

/*
 * Runs the plugin `type` with the configuration on its stdin and the CNI_ variables. `output` is what it printed. A
 * plugin that fails, is killed, prints too much, or is not done at the deadline or when libcri hangs up is a failure
 * with its own words, and is killed with everything it started.
 */
int program_run(const struct pod *pod, const char *type, const char *interface, const char *configuration,
		struct buffer *output, struct failure *failure);

#endif
