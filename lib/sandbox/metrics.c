/* SPDX-License-Identifier: Apache-2.0 */
/* ListMetricDescriptors and ListPodSandboxMetrics. */
#include "sandbox/metric_table.h"

#include "base/clock.h"
#include "container/info.h"
#include "container/stats.h"
#include "core/api.h"
#include "core/list.h"
#include "sandbox/stats.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static const char step[] = "collect metrics";

static const char *const base_labels[METRIC_BASE_LABELS] = { "container", "id", "image", "name", "namespace", "pod" };

/* --- descriptors --- */

static size_t n_labels_of(const struct metric *metric)
{
	size_t n = 0;

	while (n < METRIC_MAX_LABELS - METRIC_BASE_LABELS && metric->labels[n])
		n++;
	return n;
}

static int descriptors(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	CLEANUP_LIST cri_list *made = list_new(LIST_METRIC_DESCRIPTOR, sizeof(cri_metric_descriptor));

	(void)engine;
	(void)pointer;
	for (size_t i = 0; made && i < n_metrics_all; i++) {
		const struct metric *metric = metrics_all[i];
		cri_metric_descriptor *descriptor = list_add(made);
		const size_t n = n_labels_of(metric);
		const char **labels = arena_array(&made->arena, METRIC_MAX_LABELS, sizeof(*labels));

		if (!descriptor || !labels)
			return call_no_memory(call, step);
		memcpy(labels, base_labels, sizeof(base_labels));
		memcpy(labels + METRIC_BASE_LABELS, metric->labels, n * sizeof(*labels));
		*descriptor = (cri_metric_descriptor){ metric->name, metric->help, labels, METRIC_BASE_LABELS + n };
	}
	if (!made)
		return call_no_memory(call, step);
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

/* --- metrics --- */

struct collection {
	cri_engine *engine;
	cri_list *made;
	cri_call *call;
	const char *device; /* of the root's file system, "8:16" */
	struct tree_budget budget;
	struct statvfs filesystem;
};

/* A pod or a container. */
struct subject {
	const char *sandbox_id, *container_id; /* "": a pod */
	const char *labels[METRIC_BASE_LABELS];
	const char *cgroup;
};

static int add(struct collection *collection, const struct subject *subject, const struct metric *metric,
	       const char *const *further, int64_t timestamp, uint64_t value)
{
	struct arena *arena = &collection->made->arena;
	const size_t n = further ? n_labels_of(metric) : 0;
	const char **labels = arena_array(arena, METRIC_BASE_LABELS + n, sizeof(*labels));
	cri_metric *added = list_add(collection->made);

	if (!added || !labels)
		return call_no_memory(collection->call, step);
	memcpy(labels, subject->labels, sizeof(subject->labels));
	for (size_t i = 0; i < n; i++)
		labels[METRIC_BASE_LABELS + i] = further[i];
	*added = (cri_metric){
		.sandbox_id = subject->sandbox_id,
		.container_id = subject->container_id,
		.name = metric->name,
		.timestamp = timestamp,
		.type = metric->type,
		.label_values = labels,
		.n_label_values = METRIC_BASE_LABELS + n,
		.value = value,
	};
	return 0;
}

static int add_devices(struct collection *collection, const struct subject *subject,
		       const struct cgroup_figures *figures)
{
	int result = 0;

	for (size_t i = 0; i < figures->n_devices && result == 0; i++) {
		const struct cgroup_device *device = &figures->devices[i];
		const struct {
			const struct metric *metric;
			uint64_t value;
		} values[] = { { &metric_reads_bytes, device->read_bytes },
			       { &metric_writes_bytes, device->written_bytes },
			       { &metric_reads, device->reads },
			       { &metric_writes, device->writes } };
		const char *name = arena_printf(&collection->made->arena, "%u:%u", device->major, device->minor);

		if (!name)
			return call_no_memory(collection->call, step);
		for (size_t k = 0; k < sizeof(values) / sizeof(*values) && result == 0; k++)
			result = add(collection, subject, values[k].metric, &name, figures->timestamp, values[k].value);
	}
	return result;
}

/* What its cgroup tells; nothing, where that is gone. */
static int add_cgroup(struct collection *collection, const struct subject *subject)
{
	const struct cgroup_system *system = collection->engine->cgroups;
	struct cgroup_figures figures;
	uint64_t n_processes;
	bool known;
	int result = cgroup_figures_read(system, subject->cgroup, &figures, collection->call);

	for (size_t i = 0; i < n_metrics_of_figures && result == 0; i++) {
		const struct figure_metric *metric = &metrics_of_figures[i];
		const uint64_t value = figures.values[metric->figure];

		if (value != FIGURE_UNKNOWN)
			result = add(collection, subject, metric->metric, metric->values, figures.timestamp,
				     value / metric->divisor);
	}
	if (result == 0)
		result = add_devices(collection, subject, &figures);
	if (result == 0)
		result = cgroup_count_processes(system, subject->cgroup, &known, &n_processes, collection->call);
	if (result == 0 && known)
		result = add(collection, subject, &metric_processes, NULL, figures.timestamp, n_processes);
	return result;
}

static int add_network(struct collection *collection, const struct subject *subject, const struct network_look *look)
{
	int result = 0;

	for (size_t i = 0; i < look->n_interfaces; i++) {
		const struct network_interface *from = &look->interfaces[i];
		const uint64_t values[N_NETWORK_METRICS] = { from->rx_bytes,   from->rx_packets, from->rx_errors,
							     from->rx_dropped, from->tx_bytes,   from->tx_packets,
							     from->tx_errors,  from->tx_dropped };

		for (size_t k = 0; k < N_NETWORK_METRICS && result == 0; k++)
			result = add(collection, subject, &metrics_of_network[k], &from->name, look->timestamp,
				     values[k]);
	}
	return result;
}

static int add_filesystem(struct collection *collection, const struct subject *subject, const struct container_row *row)
{
	const struct statvfs *filesystem = &collection->filesystem;
	cri_filesystem_usage layer;
	int result = container_writable_layer(collection->engine, row, TREE_OF_MANY(&collection->budget), &layer,
					      collection->call);
	const struct {
		const struct metric *metric;
		uint64_t value;
	} values[] = { { &metric_fs_usage, layer.known ? layer.used_bytes : FIGURE_UNKNOWN },
		       { &metric_fs_limit, (uint64_t)filesystem->f_blocks * filesystem->f_frsize },
		       { &metric_fs_inodes_total, filesystem->f_files },
		       { &metric_fs_inodes_free, filesystem->f_ffree } };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values) && result == 0; i++) {
		if (values[i].value != FIGURE_UNKNOWN)
			result = add(collection, subject, values[i].metric, &collection->device, layer.timestamp,
				     values[i].value);
	}
	return result;
}

static int add_container(struct collection *collection, const struct sandbox_item *pod,
			 const struct container_item *item)
{
	const struct container_row *row = &item->row;
	const struct subject subject = {
		.sandbox_id = row->sandbox_id,
		.container_id = row->id,
		.labels = { row->name, row->cgroup, row->image, row->id, pod->row.namespace_, pod->row.name },
		.cgroup = row->cgroup,
	};
	const int64_t now = clock_wall();
	int result = add_cgroup(collection, &subject);

	if (result == 0)
		result = add_filesystem(collection, &subject, row);
	if (result == 0)
		result = add(collection, &subject, &metric_last_seen, NULL, now,
			     (uint64_t)(now / NANOSECONDS_PER_SECOND));
	if (result == 0)
		result = add(collection, &subject, &metric_start_time, NULL, now,
			     (uint64_t)(row->started_at / NANOSECONDS_PER_SECOND));
	return result;
}

/* One that cannot be looked at, because it is just being removed, or its disk is ill, hides no other. */
static int forgive(struct collection *collection, int result, const char *what, const char *id)
{
	if (result == 0 || result == CRI_ENOMEM || result == CRI_ETIMEDOUT || result == CRI_ECANCELED)
		return result;
	engine_log(collection->engine, CRI_LOG_WARNING, "%s %s: metrics are missing: %s", what, id,
		   cri_call_message(collection->call));
	call_clear(collection->call);
	return 0;
}

static int add_pod(struct collection *collection, const struct sandbox_item *pod, const struct network_look *look,
		   const struct container_item *containers, size_t n_containers)
{
	const struct subject subject = {
		.sandbox_id = pod->row.id,
		.container_id = "",
		.labels = { "", pod->row.cgroup, "", "", pod->row.namespace_, pod->row.name },
		.cgroup = pod->row.cgroup,
	};
	int result = forgive(collection, add_cgroup(collection, &subject), "sandbox", pod->row.id);

	if (result == 0)
		result = add_network(collection, &subject, look);
	for (size_t i = 0; i < n_containers && result == 0; i++) {
		if (containers[i].row.state == CONTAINER_RUNNING && !strcmp(containers[i].row.sandbox_id, pod->row.id))
			result = forgive(collection, add_container(collection, pod, &containers[i]), "container",
					 containers[i].row.id);
	}
	return result;
}

static int look_at_root(struct collection *collection)
{
	const char *root = collection->engine->root;
	struct stat status;

	if (stat(root, &status) < 0 || statvfs(root, &collection->filesystem) < 0)
		return call_fail_errno(collection->call, errno, step, "%s", root);
	collection->device =
		arena_printf(&collection->made->arena, "%u:%u", major(status.st_dev), minor(status.st_dev));
	return collection->device ? 0 : call_no_memory(collection->call, step);
}

static int collect(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	CLEANUP_LIST cri_list *made = list_new(LIST_METRIC, sizeof(cri_metric));
	struct collection collection = { .engine = engine, .made = made, .call = call };
	struct container_item *containers = NULL;
	struct sandbox_item *pods = NULL;
	struct network_look *looks = NULL;
	size_t n_pods = 0, n_containers = 0;
	int result;

	(void)pointer;
	if (!made)
		return call_no_memory(call, step);
	result = look_at_root(&collection);
	if (result == 0)
		result = sandbox_list_items(engine, &made->arena, NULL, true, &pods, &n_pods, call);
	if (result == 0)
		result = container_list_items(engine, &made->arena, NULL, true, &containers, &n_containers, call);
	if (result == 0)
		result = sandbox_network_looks(engine, &made->arena, pods, n_pods, false, &looks, call);
	for (size_t i = 0; i < n_pods && result == 0; i++) {
		result = call_check(call, step);
		if (result == 0)
			result = add_pod(&collection, &pods[i], &looks[i], containers, n_containers);
	}
	if (result < 0)
		return result;
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_metric_descriptors(cri_engine *engine, cri_list **list, cri_call *call)
{
	return api_call_output(engine, descriptors, NULL, list, call);
}

const cri_metric_descriptor *cri_metric_descriptor_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_METRIC_DESCRIPTOR, index);
}

int cri_metrics(cri_engine *engine, cri_list **metrics, cri_call *call)
{
	return api_call_output(engine, collect, NULL, metrics, call);
}

int cri_metrics_begin(cri_engine *engine, cri_op **op, cri_call *call)
{
	return api_begin(engine, collect, NULL, 0, NULL, API_LIST, op, call);
}

const cri_metric *cri_metric_at(const cri_list *list, size_t index)
{
	return list_at(list, LIST_METRIC, index);
}
