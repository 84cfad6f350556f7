/* SPDX-License-Identifier: Apache-2.0 */
/* Rates as Kubernetes' annotations kubernetes.io/ingress-bandwidth and egress-bandwidth write them. */
#ifndef LIBCRI_NETWORK_BANDWIDTH_H
#define LIBCRI_NETWORK_BANDWIDTH_H

#include <stdint.h>

/* A quantity in bits per second: "10M", "1.5Gi", "500k", "2e6". 0; -EINVAL: no quantity; -ERANGE: not 1k to 1P, which
 * are Kubernetes' bounds. */
int bandwidth_parse(const char *text, uint64_t *bits);

/* How many bits may pass at once, so that the rate holds over any second: what passes in 50 ms, at least the largest
 * packet that a virtual interface hands on. */
uint64_t bandwidth_burst(uint64_t bits);

#endif
