/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "grpc/metadata.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define METHODS_MAX 96
#define CODES 17

/* Upper bounds of the histogram, in seconds. */
static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30 };
#define BUCKETS (sizeof(bounds) / sizeof(bounds[0]))

struct counts {
	const struct rpc_method *method; /* NULL: paths that name none */
	uint64_t codes[CODES];
	uint64_t buckets[BUCKETS];
	uint64_t total;
	double seconds;
};

static struct counts table[METHODS_MAX];
static size_t n_counts;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct counts *find(const struct rpc_method *method)
{
	for (size_t i = 0; i < n_counts; i++) {
		if (table[i].method == method)
			return &table[i];
	}
	if (n_counts == METHODS_MAX)
		return NULL;
	table[n_counts].method = method;
	return &table[n_counts++];
}

void metrics_count(const struct grpc_finished *finished)
{
	double seconds = finished->milliseconds / 1000;
	struct counts *counts;

	pthread_mutex_lock(&mutex);
	counts = find(finished->method);
	if (counts) {
		counts->codes[finished->status >= 0 && finished->status < CODES ? finished->status : 2]++;
		counts->total++;
		counts->seconds += seconds;
		for (size_t i = 0; i < BUCKETS; i++)
			counts->buckets[i] += seconds <= bounds[i];
	}
	pthread_mutex_unlock(&mutex);
}

static const char *service_of(const struct counts *counts)
{
	return counts->method ? counts->method->service : "";
}

static const char *name_of(const struct counts *counts)
{
	return counts->method ? counts->method->name : "unknown";
}

static void print_codes(FILE *out)
{
	fputs("# HELP cri_server_calls_total Calls that are over.\n# TYPE cri_server_calls_total counter\n", out);
	for (size_t i = 0; i < n_counts; i++) {
		for (int code = 0; code < CODES; code++) {
			if (table[i].codes[code])
				fprintf(out, "cri_server_calls_total{service=\"%s\",method=\"%s\",code=\"%s\"} %llu\n",
					service_of(&table[i]), name_of(&table[i]), grpc_status_name(code),
					(unsigned long long)table[i].codes[code]);
		}
	}
}

static void print_durations(FILE *out)
{
	fputs("# HELP cri_server_call_seconds How long calls took.\n# TYPE cri_server_call_seconds histogram\n", out);
	for (size_t i = 0; i < n_counts; i++) {
		const char *name = name_of(&table[i]);

		for (size_t j = 0; j < BUCKETS; j++)
			fprintf(out, "cri_server_call_seconds_bucket{method=\"%s\",le=\"%g\"} %llu\n", name, bounds[j],
				(unsigned long long)table[i].buckets[j]);
		fprintf(out,
			"cri_server_call_seconds_bucket{method=\"%s\",le=\"+Inf\"} %llu\n"
			"cri_server_call_seconds_sum{method=\"%s\"} %.6f\n"
			"cri_server_call_seconds_count{method=\"%s\"} %llu\n",
			name, (unsigned long long)table[i].total, name, table[i].seconds, name,
			(unsigned long long)table[i].total);
	}
}

static void print_gauge(FILE *out, const char *name, const char *help, size_t value)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %zu\n", name, help, name, name, value);
}

static size_t resident_bytes(void)
{
	unsigned long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	(void)fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

char *metrics_text(const struct grpc_figures *figures)
{
	static const char *const pools[RPC_POOLS] = { "quick", "lasting", "pulls" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out,
		"# HELP cri_server_info The daemon.\n# TYPE cri_server_info gauge\ncri_server_info{version=\"%s\"} 1\n",
		cri_version());
	pthread_mutex_lock(&mutex);
	print_codes(out);
	print_durations(out);
	pthread_mutex_unlock(&mutex);
	print_gauge(out, "cri_server_connections", "Open connections.", figures->connections);
	print_gauge(out, "cri_server_event_subscribers", "Clients that receive events.", figures->subscribers);
	print_gauge(out, "cri_server_open_calls", "Calls that are not over.", figures->calls);
	fputs("# HELP cri_server_running_calls Calls that a worker runs.\n# TYPE cri_server_running_calls gauge\n",
	      out);
	for (size_t i = 0; i < RPC_POOLS; i++)
		fprintf(out, "cri_server_running_calls{pool=\"%s\"} %zu\n", pools[i], figures->pools[i].running);
	fputs("# HELP cri_server_queued_calls Calls that wait for a worker.\n# TYPE cri_server_queued_calls gauge\n",
	      out);
	for (size_t i = 0; i < RPC_POOLS; i++)
		fprintf(out, "cri_server_queued_calls{pool=\"%s\"} %zu\n", pools[i], figures->pools[i].queued);
	print_gauge(out, "cri_server_buffered_bytes", "Requests and answers in memory.", figures->bytes);
	print_gauge(out, "process_resident_memory_bytes", "Resident memory.", resident_bytes());
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
