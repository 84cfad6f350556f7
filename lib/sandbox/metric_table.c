/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/metric_table.h"

#define NANOSECONDS UINT64_C(1000000000)

#define COUNTER(symbol, name_, help_, ...)                                                                             \
	const struct metric metric_##symbol = {                                                                        \
		.name = (name_), .help = (help_), .type = CRI_METRIC_COUNTER, .labels = { __VA_ARGS__ }                \
	}
#define GAUGE(symbol, name_, help_, ...)                                                                               \
	const struct metric metric_##symbol = {                                                                        \
		.name = (name_), .help = (help_), .type = CRI_METRIC_GAUGE, .labels = { __VA_ARGS__ }                  \
	}

static COUNTER(cpu_usage, "container_cpu_usage_seconds_total", "Processor time that was used, in seconds.", "cpu");
static COUNTER(cpu_user, "container_cpu_user_seconds_total", "Processor time in user mode, in seconds.", NULL);
static COUNTER(cpu_system, "container_cpu_system_seconds_total", "Processor time in kernel mode, in seconds.", NULL);
static COUNTER(cpu_periods, "container_cpu_cfs_periods_total", "Periods in which the quota was in force.", NULL);
static COUNTER(cpu_throttled, "container_cpu_cfs_throttled_periods_total", "Periods in which it was used up.", NULL);
static COUNTER(cpu_throttled_time, "container_cpu_cfs_throttled_seconds_total",
	       "Time for which processes waited for the next period, in seconds.", NULL);
static GAUGE(memory_usage, "container_memory_usage_bytes", "Memory in use, page cache included.", NULL);
static GAUGE(memory_working_set, "container_memory_working_set_bytes", "Memory in use that cannot just be dropped.",
	     NULL);
static GAUGE(memory_max_usage, "container_memory_max_usage_bytes", "The most memory that was ever in use.", NULL);
static GAUGE(memory_cache, "container_memory_cache", "Page cache, in bytes.", NULL);
static GAUGE(memory_rss, "container_memory_rss", "Anonymous memory, in bytes.", NULL);
static GAUGE(memory_mapped_file, "container_memory_mapped_file", "Files mapped into memory, in bytes.", NULL);
static GAUGE(memory_kernel, "container_memory_kernel_usage", "Memory of the kernel, in bytes.", NULL);
static GAUGE(memory_swap, "container_memory_swap", "Swap in use, in bytes.", NULL);
static COUNTER(memory_failures, "container_memory_failcnt", "How often the limit was hit.", NULL);
static GAUGE(memory_active_file, "container_memory_total_active_file_bytes", "File pages in recent use.", NULL);
static GAUGE(memory_inactive_file, "container_memory_total_inactive_file_bytes", "File pages not in recent use.", NULL);
static COUNTER(page_faults, "container_memory_failures_total", "Page faults, minor and major.", "failure_type",
	       "scope");
static COUNTER(oom_kills, "container_oom_events_total", "Processes killed for lack of memory.", NULL);
static GAUGE(threads, "container_threads", "Threads, those of all processes.", NULL);
static GAUGE(threads_max, "container_threads_max", "How many there may be; 0 is no limit.", NULL);
static GAUGE(cpu_shares, "container_spec_cpu_shares", "Weight among others, as cpu.shares of cgroup v1.", NULL);
static GAUGE(cpu_quota, "container_spec_cpu_quota", "Processor time a period, in microseconds; 0 is no limit.", NULL);
static GAUGE(cpu_period, "container_spec_cpu_period", "The period of the quota, in microseconds.", NULL);
static GAUGE(memory_limit, "container_spec_memory_limit_bytes", "Memory limit; 0 is none.", NULL);
static GAUGE(swap_limit, "container_spec_memory_swap_limit_bytes", "Swap limit; 0 is none.", NULL);
static COUNTER(cpu_waiting, "container_pressure_cpu_waiting_seconds_total",
	       "Time in which some process waited for a processor.", NULL);
static COUNTER(cpu_stalled, "container_pressure_cpu_stalled_seconds_total", "Time in which all waited for a processor.",
	       NULL);
static COUNTER(memory_waiting, "container_pressure_memory_waiting_seconds_total",
	       "Time in which some process waited for memory.", NULL);
static COUNTER(memory_stalled, "container_pressure_memory_stalled_seconds_total",
	       "Time in which all waited for memory.", NULL);
static COUNTER(io_waiting, "container_pressure_io_waiting_seconds_total",
	       "Time in which some process waited for a disk.", NULL);
static COUNTER(io_stalled, "container_pressure_io_stalled_seconds_total", "Time in which all waited for a disk.", NULL);

COUNTER(reads_bytes, "container_fs_reads_bytes_total", "Bytes read from a disk.", "device");
COUNTER(writes_bytes, "container_fs_writes_bytes_total", "Bytes written to a disk.", "device");
COUNTER(reads, "container_fs_reads_total", "Reads from a disk.", "device");
COUNTER(writes, "container_fs_writes_total", "Writes to a disk.", "device");
GAUGE(fs_usage, "container_fs_usage_bytes", "What the writable layer occupies.", "device");
GAUGE(fs_limit, "container_fs_limit_bytes", "Size of the file system that it is on.", "device");
GAUGE(fs_inodes_total, "container_fs_inodes_total", "Inodes of that file system.", "device");
GAUGE(fs_inodes_free, "container_fs_inodes_free", "Those of them that are free.", "device");
GAUGE(processes, "container_processes", "Processes.", NULL);
GAUGE(last_seen, "container_last_seen", "When this was read, in seconds since 1970.", NULL);
GAUGE(start_time, "container_start_time_seconds", "When it was started, in seconds since 1970.", NULL);

#define NETWORK(name_, help_)                                                                                          \
	{                                                                                                              \
		.name = "container_network_" name_, .help = (help_), .type = CRI_METRIC_COUNTER, .labels = {           \
			"interface"                                                                                    \
		}                                                                                                      \
	}
const struct metric metrics_of_network[N_NETWORK_METRICS] = {
	NETWORK("receive_bytes_total", "Bytes received."),
	NETWORK("receive_packets_total", "Packets received."),
	NETWORK("receive_errors_total", "Errors while receiving."),
	NETWORK("receive_packets_dropped_total", "Packets that came and were dropped."),
	NETWORK("transmit_bytes_total", "Bytes sent."),
	NETWORK("transmit_packets_total", "Packets sent."),
	NETWORK("transmit_errors_total", "Errors while sending."),
	NETWORK("transmit_packets_dropped_total", "Packets that were to go and were dropped."),
};

#define FIGURE(symbol, figure_)                                                                                        \
	{                                                                                                              \
		.metric = &metric_##symbol, .figure = (figure_), .divisor = 1                                          \
	}
#define SECONDS(symbol, figure_)                                                                                       \
	{                                                                                                              \
		.metric = &metric_##symbol, .figure = (figure_), .divisor = NANOSECONDS                                \
	}
#define FAULTS(figure_, type, scope)                                                                                   \
	{                                                                                                              \
		.metric = &metric_page_faults, .figure = (figure_), .divisor = 1, .values = { type, scope }            \
	}
const struct figure_metric metrics_of_figures[] = {
	{ .metric = &metric_cpu_usage, .figure = FIGURE_CPU_USAGE, .divisor = NANOSECONDS, .values = { "total" } },
	SECONDS(cpu_user, FIGURE_CPU_USER),
	SECONDS(cpu_system, FIGURE_CPU_SYSTEM),
	FIGURE(cpu_periods, FIGURE_CPU_PERIODS),
	FIGURE(cpu_throttled, FIGURE_CPU_THROTTLED_PERIODS),
	SECONDS(cpu_throttled_time, FIGURE_CPU_THROTTLED_TIME),
	FIGURE(memory_usage, FIGURE_MEMORY_USAGE),
	FIGURE(memory_working_set, FIGURE_MEMORY_WORKING_SET),
	FIGURE(memory_max_usage, FIGURE_MEMORY_MAX_USAGE),
	FIGURE(memory_cache, FIGURE_MEMORY_CACHE),
	FIGURE(memory_rss, FIGURE_MEMORY_RSS),
	FIGURE(memory_mapped_file, FIGURE_MEMORY_MAPPED_FILE),
	FIGURE(memory_kernel, FIGURE_MEMORY_KERNEL),
	FIGURE(memory_swap, FIGURE_MEMORY_SWAP),
	FIGURE(memory_failures, FIGURE_MEMORY_FAILURES),
	FIGURE(memory_active_file, FIGURE_MEMORY_ACTIVE_FILE),
	FIGURE(memory_inactive_file, FIGURE_MEMORY_INACTIVE_FILE),
	FAULTS(FIGURE_PAGE_FAULTS, "pgfault", "container"),
	FAULTS(FIGURE_MAJOR_PAGE_FAULTS, "pgmajfault", "container"),
	FAULTS(FIGURE_PAGE_FAULTS_BELOW, "pgfault", "hierarchy"),
	FAULTS(FIGURE_MAJOR_PAGE_FAULTS_BELOW, "pgmajfault", "hierarchy"),
	FIGURE(oom_kills, FIGURE_OOM_KILLS),
	FIGURE(threads, FIGURE_THREADS),
	FIGURE(threads_max, FIGURE_THREADS_MAX),
	FIGURE(cpu_shares, FIGURE_CPU_SHARES),
	FIGURE(cpu_quota, FIGURE_CPU_QUOTA),
	FIGURE(cpu_period, FIGURE_CPU_PERIOD),
	FIGURE(memory_limit, FIGURE_MEMORY_LIMIT),
	FIGURE(swap_limit, FIGURE_SWAP_LIMIT),
	SECONDS(cpu_waiting, FIGURE_CPU_WAITING),
	SECONDS(cpu_stalled, FIGURE_CPU_STALLED),
	SECONDS(memory_waiting, FIGURE_MEMORY_WAITING),
	SECONDS(memory_stalled, FIGURE_MEMORY_STALLED),
	SECONDS(io_waiting, FIGURE_IO_WAITING),
	SECONDS(io_stalled, FIGURE_IO_STALLED),
};
const size_t n_metrics_of_figures = sizeof(metrics_of_figures) / sizeof(*metrics_of_figures);

const struct metric *const metrics_all[] = {
	&metric_cpu_usage,
	&metric_cpu_user,
	&metric_cpu_system,
	&metric_cpu_periods,
	&metric_cpu_throttled,
	&metric_cpu_throttled_time,
	&metric_memory_usage,
	&metric_memory_working_set,
	&metric_memory_max_usage,
	&metric_memory_cache,
	&metric_memory_rss,
	&metric_memory_mapped_file,
	&metric_memory_kernel,
	&metric_memory_swap,
	&metric_memory_failures,
	&metric_memory_active_file,
	&metric_memory_inactive_file,
	&metric_page_faults,
	&metric_oom_kills,
	&metric_threads,
	&metric_threads_max,
	&metric_cpu_shares,
	&metric_cpu_quota,
	&metric_cpu_period,
	&metric_memory_limit,
	&metric_swap_limit,
	&metric_cpu_waiting,
	&metric_cpu_stalled,
	&metric_memory_waiting,
	&metric_memory_stalled,
	&metric_io_waiting,
	&metric_io_stalled,
	&metric_reads_bytes,
	&metric_writes_bytes,
	&metric_reads,
	&metric_writes,
	&metric_fs_usage,
	&metric_fs_limit,
	&metric_fs_inodes_total,
	&metric_fs_inodes_free,
	&metric_processes,
	&metric_last_seen,
	&metric_start_time,
	&metrics_of_network[0],
	&metrics_of_network[1],
	&metrics_of_network[2],
	&metrics_of_network[3],
	&metrics_of_network[4],
	&metrics_of_network[5],
	&metrics_of_network[6],
	&metrics_of_network[7],
};
const size_t n_metrics_all = sizeof(metrics_all) / sizeof(*metrics_all);
