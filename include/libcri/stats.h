/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/stats.h
 * What containers and pods use.
 */
#ifndef LIBCRI_STATS_H
#define LIBCRI_STATS_H

#include "container.h"
#include "image.h"
#include "sandbox.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A figure that the kernel may not give. */
typedef struct cri_counter {
	bool known;
	uint64_t value;
} cri_counter;

typedef struct cri_pressure_line {
	uint64_t total; /**< microseconds */
	double avg10, avg60, avg300;
} cri_pressure_line;

/** Pressure stall information; known where cgroup v2 is alone, with CONFIG_PSI. */
typedef struct cri_pressure {
	bool known;
	cri_pressure_line some;
	cri_pressure_line full;
} cri_pressure;

typedef struct cri_cpu_usage {
	int64_t timestamp; /**< nanoseconds since 1970 */
	cri_counter usage_core_nanoseconds;
	cri_counter usage_nanocores; /**< nanoseconds a second since this engine last looked at it */
	cri_pressure pressure;
} cri_cpu_usage;

typedef struct cri_memory_usage {
	int64_t timestamp;
	cri_counter working_set_bytes; /**< usage without inactive file pages, as Kubernetes counts it */
	cri_counter available_bytes;   /**< limit minus working set; unknown without a limit */
	cri_counter usage_bytes;
	cri_counter rss_bytes;
	cri_counter page_faults;
	cri_counter major_page_faults;
	cri_pressure pressure;
} cri_memory_usage;

typedef struct cri_swap_usage {
	int64_t timestamp;
	cri_counter available_bytes;
	cri_counter usage_bytes;
} cri_swap_usage;

typedef struct cri_io_usage {
	int64_t timestamp;
	cri_pressure pressure;
} cri_io_usage;

/** CRI ContainerStats. */
typedef struct cri_container_stats {
	cri_container_info info;
	cri_cpu_usage cpu;
	cri_memory_usage memory;
	cri_swap_usage swap;
	cri_io_usage io;
	cri_counter pids;
	cri_filesystem_usage writable_layer; /**< bytes on the disk and inodes; its timestamp is its own */
} cri_container_stats;

typedef struct cri_interface_usage {
	const char *name;
	uint64_t rx_bytes, rx_errors, tx_bytes, tx_errors;
} cri_interface_usage;

/** CRI PodSandboxStats. */
typedef struct cri_sandbox_stats {
	cri_sandbox_info info;
	cri_cpu_usage cpu;
	cri_memory_usage memory;
	cri_io_usage io;
	int64_t network_timestamp;
	const cri_interface_usage *const
		*interfaces; /**< the first is the pod's main one; at most 64; none for the host's network */
	size_t n_interfaces;
	cri_counter process_count; /**< processes, not threads, of the pod's cgroup */
	const cri_container_stats *const *containers;
	size_t n_containers;
} cri_sandbox_stats;

/** CRI ContainerStats. The list holds one. Zero use, not an error, for a container that does not run.
 *
 *  The writable layer is counted now, for a quarter of what is left until the call's deadline and ten seconds at most;
 *  if that is not enough, it is not known. */
CRI_API int cri_container_stats_get(cri_engine *engine, const char *id, cri_list **stats, cri_call *call);

/** CRI ListContainerStats of the running containers. @param filter NULL: all; its state is not looked at.
 *
 *  A container decides how many files it has, so no list depends on them: in this and in all other functions below, a
 *  writable layer is what this engine counted last, in the last ten seconds or within twenty times as long as counting
 *  took; its timestamp says when. Counting is given up after two seconds, when a call has counted for ten seconds in
 *  all after a twentieth of one, and always after a quarter of what is left until the call's deadline: then that layer
 *  is not known. */
CRI_API int cri_container_stats_list(cri_engine *engine, const cri_container_filter *filter, cri_list **stats,
				     cri_call *call);
CRI_API const cri_container_stats *cri_container_stats_at(const cri_list *list, size_t index);

/** CRI PodSandboxStats. The list holds one. A stopped pod has no interfaces and no containers; what its cgroup counted
 *  stays until it is removed. @return 0; CRI_ENOTFOUND. */
CRI_API int cri_sandbox_stats_get(cri_engine *engine, const char *id, cri_list **stats, cri_call *call);
CRI_API int cri_sandbox_stats_get_begin(cri_engine *engine, const char *id, cri_op **op,
					cri_call *call); /**< output: cri_list ** */

/** CRI ListPodSandboxStats of the ready pods. @param filter NULL: all; its state is not looked at. A pod or container
 *  that cannot be looked at, because it is just being removed, is left out, which is logged. */
CRI_API int cri_sandbox_stats_list(cri_engine *engine, const cri_sandbox_filter *filter, cri_list **stats,
				   cri_call *call);
CRI_API int cri_sandbox_stats_list_begin(cri_engine *engine, const cri_sandbox_filter *filter, cri_op **op,
					 cri_call *call); /**< output: cri_list ** */
CRI_API const cri_sandbox_stats *cri_sandbox_stats_at(const cri_list *list, size_t index);

typedef enum cri_metric_type { CRI_METRIC_COUNTER = 0, CRI_METRIC_GAUGE = 1 } cri_metric_type;

/** CRI MetricDescriptor. */
typedef struct cri_metric_descriptor {
	const char *name;
	const char *help;
	const char *const *label_keys;
	size_t n_label_keys;
} cri_metric_descriptor;

/** CRI Metric. */
typedef struct cri_metric {
	const char *sandbox_id;
	const char *container_id; /**< "" for a figure of the pod */
	const char *name;
	int64_t timestamp; /**< nanoseconds since 1970 */
	cri_metric_type type;
	const char *const *label_values;
	size_t n_label_values;
	uint64_t value;
} cri_metric;

/** CRI ListMetricDescriptors: all that cri_metrics may tell. */
CRI_API int cri_metric_descriptors(cri_engine *engine, cri_list **descriptors, cri_call *call);
CRI_API const cri_metric_descriptor *cri_metric_descriptor_at(const cri_list *list, size_t index);

/** CRI ListPodSandboxMetrics: every figure of every ready pod and of its running containers, grouped by pod, then by
 *  container. What the kernel does not tell of one has no metric. */
CRI_API int cri_metrics(cri_engine *engine, cri_list **metrics, cri_call *call);
CRI_API int cri_metrics_begin(cri_engine *engine, cri_op **op, cri_call *call); /**< output: cri_list ** */
CRI_API const cri_metric *cri_metric_at(const cri_list *list, size_t index);

#ifdef __cplusplus
}
#endif
#endif
