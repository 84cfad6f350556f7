/* SPDX-License-Identifier: Apache-2.0 */
/* Names of signals. */
#ifndef LIBCRI_BASE_SIGNALS_H
#define LIBCRI_BASE_SIGNALS_H

/* "SIGTERM", "TERM", "term", "15", "RTMIN+3", "SIGRTMAX-2". The number, or -EINVAL. */
int signal_from_name(const char *name);

/* "SIGTERM"; "SIGRTMIN+3"; NULL for no signal. Static. */
const char *signal_name(int number);

#endif
