/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole life of a pod with libcri, step by step, with the time that each step took.
 *
 *     run_pod [--root DIRECTORY] [--state DIRECTORY] IMAGE.tar
 *
 * Build: cc run_pod.c $(pkg-config --cflags --libs libcri). Run as root.
 */
#include <libcri/libcri.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct demo {
	cri_engine *engine;
	cri_call *call;
	struct timespec begun;
	char logs[64];
};

static void begin(struct demo *demo)
{
	clock_gettime(CLOCK_MONOTONIC, &demo->begun);
}

/* One line: the step, what came of it, its milliseconds. */
__attribute__((format(printf, 3, 4))) static void done(struct demo *demo, const char *step, const char *format, ...)
{
	struct timespec now;
	char text[128];
	va_list arguments;

	clock_gettime(CLOCK_MONOTONIC, &now);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printf("  %-20s %-62s %8.2f ms\n", step, text,
	       (double)(now.tv_sec - demo->begun.tv_sec) * 1e3 + (double)(now.tv_nsec - demo->begun.tv_nsec) / 1e6);
}

static void check(struct demo *demo, int result)
{
	if (result == 0)
		return;
	fprintf(stderr, "run_pod: %s: %s\n", cri_code_name(result), cri_call_message(demo->call));
	exit(1);
}

static void open_engine(struct demo *demo, const char *root, const char *state)
{
	/* These containers need no network; by default a pod is attached to a bridge. */
	const cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .root = root, .state = state,
					     .network_plugin = CRI_NETWORK_NONE };
	cri_list *list;

	begin(demo);
	check(demo, cri_engine_open(&options, &demo->engine, demo->call));
	check(demo, cri_engine_status_get(demo->engine, &list, demo->call));
	done(demo, "open", "%s, cgroup v%d", cri_engine_status_at(list, 0)->root,
	     cri_engine_status_at(list, 0)->cgroup_version);
	cri_list_free(list);
}

static char *import_image(struct demo *demo, const char *path)
{
	const cri_image_info *image;
	cri_list *images;
	char *name;

	begin(demo);
	check(demo, cri_image_import(demo->engine, path, NULL, &images, demo->call));
	image = cri_image_at(images, 0);
	done(demo, "import image", "%s, %.19s, %.1f MB", image->n_repo_tags ? image->repo_tags[0] : "<none>", image->id,
	     (double)image->bytes / 1e6);
	name = strdup(image->id);
	cri_list_free(images);
	return name;
}

static char *run_sandbox(struct demo *demo)
{
	const cri_key_value app = { CRI_KEY_VALUE_INIT, .key = "app", .value = "demo" };
	const cri_key_value *const labels[] = { &app };
	const cri_sandbox_config config = {
		CRI_SANDBOX_CONFIG_INIT, .name = "demo",     .uid = "d3-40",
		.namespace_ = "default", .hostname = "demo", .log_directory = demo->logs,
		.labels = labels,        .n_labels = 1,
	};
	char *id;

	begin(demo);
	check(demo, cri_sandbox_run(demo->engine, &config, NULL, &id, demo->call));
	done(demo, "run sandbox", "%.12s", id);
	return id;
}

static char *create_and_start(struct demo *demo, const char *sandbox, const char *image, const char *name,
			      const char *script)
{
	const char *const command[] = { "/bin/sh", "-c", script };
	char log[32];
	const cri_container_config config = {
		CRI_CONTAINER_CONFIG_INIT, .name = name,   .image = image,
		.command = command,        .n_command = 3, .log_path = log,
	};
	char *id;

	snprintf(log, sizeof(log), "%s.log", name);
	begin(demo);
	check(demo, cri_container_create(demo->engine, sandbox, &config, &id, demo->call));
	done(demo, "create container", "%.12s (%s)", id, name);
	begin(demo);
	check(demo, cri_container_start(demo->engine, id, demo->call));
	done(demo, "start container", "%.12s: %s", id, script);
	return id;
}

static void wait_and_print_log(struct demo *demo, const char *id)
{
	cri_list *list;
	char line[256];
	int32_t exit_code;
	FILE *log;

	begin(demo);
	check(demo, cri_container_wait(demo->engine, id, &exit_code, demo->call));
	done(demo, "wait", "%.12s ended with exit code %d", id, exit_code);
	check(demo, cri_container_status_get(demo->engine, id, &list, demo->call));
	log = fopen(cri_container_status_at(list, 0)->log_path, "re");
	while (log && fgets(line, sizeof(line), log))
		printf("    | %s", line);
	if (log)
		fclose(log);
	cri_list_free(list);
}

static void exec_and_print(struct demo *demo, const char *id)
{
	const char *const command[] = { "/bin/sh", "-c", "echo $(hostname): $(ps | wc -l) processes, uid $(id -u)" };
	const cri_exec_options options = {
		CRI_EXEC_OPTIONS_INIT,
		.command = command,
		.n_command = 3,
		.timeout = 10,
	};
	cri_exec_result *result;

	begin(demo);
	check(demo, cri_container_exec_sync(demo->engine, id, &options, &result, demo->call));
	done(demo, "exec", "%.12s exit code %d", id, result->exit_code);
	printf("    | %s", result->output);
	cri_free(result);
}

static void print_stats(struct demo *demo, const char *id)
{
	const cri_container_stats *stats;
	cri_list *list;

	begin(demo);
	check(demo, cri_container_stats_get(demo->engine, id, &list, demo->call));
	stats = cri_container_stats_at(list, 0);
	done(demo, "stats", "cpu %.2f ms, memory %.0f kB, %llu process(es), layer %.0f kB",
	     (double)stats->cpu.usage_core_nanoseconds.value / 1e6, (double)stats->memory.working_set_bytes.value / 1e3,
	     (unsigned long long)stats->pids.value, (double)stats->writable_layer.used_bytes / 1e3);
	cri_list_free(list);
}

int main(int argc, char **argv)
{
	struct demo demo = { .logs = "/tmp/libcri-demo-logs.XXXXXX" };
	const char *root = NULL, *state = NULL, *archive = NULL;
	char *image, *sandbox, *first, *second;
	char command[128];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--root") && i + 1 < argc)
			root = argv[++i];
		else if (!strcmp(argv[i], "--state") && i + 1 < argc)
			state = argv[++i];
		else
			archive = argv[i];
	}
	if (!archive || archive[0] == '-') {
		fprintf(stderr, "usage: run_pod [--root DIRECTORY] [--state DIRECTORY] IMAGE.tar\n");
		return 2;
	}
	if (cri_call_new(&demo.call) < 0 || !mkdtemp(demo.logs)) {
		perror("run_pod");
		return 1;
	}
	printf("libcri %s\n", cri_version());
	open_engine(&demo, root, state);
	image = import_image(&demo, archive);
	sandbox = run_sandbox(&demo);
	first = create_and_start(&demo, sandbox, image, "hello", "echo hello from $(hostname); echo oops >&2");
	wait_and_print_log(&demo, first);
	second = create_and_start(&demo, sandbox, image, "sleeper", "sleep 1000");
	exec_and_print(&demo, second);
	print_stats(&demo, second);
	begin(&demo);
	check(&demo, cri_container_stop(demo.engine, second, 0, demo.call));
	done(&demo, "stop container", "%.12s", second);
	begin(&demo);
	check(&demo, cri_container_remove(demo.engine, second, demo.call));
	done(&demo, "remove container", "%.12s", second);
	begin(&demo);
	check(&demo, cri_sandbox_stop(demo.engine, sandbox, demo.call));
	done(&demo, "stop sandbox", "%.12s", sandbox);
	begin(&demo);
	check(&demo, cri_sandbox_remove(demo.engine, sandbox, demo.call));
	done(&demo, "remove sandbox", "%.12s and its containers", sandbox);
	begin(&demo);
	check(&demo, cri_image_remove(demo.engine, image, demo.call));
	done(&demo, "remove image", "%.19s", image);
	cri_engine_close(demo.engine);
	cri_call_free(demo.call);
	cri_free(second);
	cri_free(first);
	cri_free(sandbox);
	free(image);
	snprintf(command, sizeof(command), "rm -rf '%s'", demo.logs);
	return system(command) == 0 ? 0 : 1;
}
