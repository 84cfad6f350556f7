/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics: names, helps and labels as kubelet's /metrics/cadvisor has them, which ListPodSandboxMetrics replaces.
 * What a cgroup's files do not tell has no metric, rather than one that is always 0.
 */
#ifndef LIBCRI_SANDBOX_METRIC_TABLE_H
#define LIBCRI_SANDBOX_METRIC_TABLE_H

#include "cgroup/figures.h"
#include "libcri/stats.h"

#include <stdint.h>

/* container, id (the cgroup), image, name (the container's id), namespace, pod */
#define METRIC_BASE_LABELS 6
#define METRIC_MAX_LABELS (METRIC_BASE_LABELS + 4)

struct metric {
	const char *name, *help;
	cri_metric_type type;
	const char *labels[4]; /* beyond the base ones */
};

/* One figure of a cgroup as a metric. */
struct figure_metric {
	const struct metric *metric;
	enum figure figure;
	uint64_t divisor;      /* the metric is in seconds, and Metric.value is a whole number */
	const char *values[4]; /* of the further labels */
};

extern const struct metric *const metrics_all[];
extern const size_t n_metrics_all;
extern const struct figure_metric metrics_of_figures[];
extern const size_t n_metrics_of_figures;

/* With a label "device": "8:16". */
extern const struct metric metric_reads_bytes, metric_writes_bytes, metric_reads, metric_writes;
/* Of the writable layer and the file system that it is on. */
extern const struct metric metric_fs_usage, metric_fs_limit, metric_fs_inodes_total, metric_fs_inodes_free;
extern const struct metric metric_processes, metric_last_seen, metric_start_time;

/* With a label "interface", in the order of struct network_interface. */
#define N_NETWORK_METRICS 8
extern const struct metric metrics_of_network[N_NETWORK_METRICS];

#endif
