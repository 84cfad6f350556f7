/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the daemon itself, in Prometheus' text format. (Figures of pods are ListPodSandboxMetrics.) */
#ifndef CRI_SERVER_DAEMON_METRICS_H
#define CRI_SERVER_DAEMON_METRICS_H

#include "grpc/server.h"

/* Counts a call that is over. Any thread. */
void metrics_count(const struct grpc_finished *finished);

/* The text, to be freed with free(); NULL without memory. */
char *metrics_text(const struct grpc_figures *figures);

#endif
