/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call costs over gRPC beside the same call of libcri, by turns in one run: calls SOCKET ROOT STATE [ROUNDS]
 *
 * Each call is sent when the last one is answered, over one connection.
 */
#include "libcri/libcri.h"

#include "../../unit/grpc_client.h"
#include "../samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WARM_UP 20
/* Milliseconds that gRPC may add. */
#define BUDGET 0.3

struct bench {
	cri_engine *engine;
	cri_call *call;
	struct client *client;
	int rounds;
};

static void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "calls: %s: %s\n", what, why);
	exit(1);
}

static struct client *connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("connect", path);
	return client_new(fd);
}

static void open_engine(struct bench *bench, const char *root, const char *state)
{
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT, .root = root, .state = state,
				       .network_plugin = CRI_NETWORK_NONE };

	if (cri_call_new(&bench->call) || cri_engine_open(&options, &bench->engine, bench->call))
		fail("open the engine", cri_call_message(bench->call));
}

/* --- the two ways of one call --- */

typedef size_t direct_call(struct bench *bench);

static size_t ask_version(struct bench *bench)
{
	(void)bench;
	return strlen(cri_version());
}

static size_t list_containers(struct bench *bench)
{
	cri_list *list;
	size_t n;

	if (cri_container_list(bench->engine, NULL, &list, bench->call))
		fail("list containers", cri_call_message(bench->call));
	n = cri_list_count(list);
	cri_list_free(list);
	return n;
}

static size_t ask_status(struct bench *bench)
{
	cri_list *list;

	if (cri_engine_status_get(bench->engine, &list, bench->call))
		fail("status", cri_call_message(bench->call));
	cri_list_free(list);
	return 1;
}

static size_t call_server(struct bench *bench, const char *path)
{
	struct client_stream *stream = client_call(bench->client, path, "");
	size_t length = stream->length;

	if (!stream->closed || stream->grpc_status != 0)
		fail(path, stream->message);
	client_end(stream);
	return length;
}

static void compare(struct bench *bench, const char *name, direct_call *direct)
{
	struct samples library = { 0 }, server = { 0 };
	size_t count = 0, bytes = 0;
	char path[128];
	double added;

	(void)snprintf(path, sizeof(path), "/runtime.v1.RuntimeService/%s", name);
	for (int i = -WARM_UP; i < bench->rounds; i++) {
		double begin = now_milliseconds(), middle, end;

		count = direct(bench);
		middle = now_milliseconds();
		bytes = call_server(bench, path);
		end = now_milliseconds();
		if (i >= 0) {
			samples_add(&library, middle - begin);
			samples_add(&server, end - middle);
		}
	}
	added = samples_percentile(&server, 50) - samples_percentile(&library, 50);
	printf("%-16s %8.3f %8.3f %8.3f %8.3f   %6.3f of %.1f: %s   (%zu, %zu bytes)\n", name,
	       samples_percentile(&library, 50), samples_percentile(&library, 95), samples_percentile(&server, 50),
	       samples_percentile(&server, 95), added, BUDGET, added < BUDGET ? "met" : "MISSED", count, bytes);
	samples_free(&library);
	samples_free(&server);
}

int main(int argc, char **argv)
{
	struct bench bench = { .rounds = argc > 4 ? atoi(argv[4]) : 1000 };

	if (argc < 4 || bench.rounds < 1)
		fail("usage", "calls SOCKET ROOT STATE [ROUNDS]");
	bench.client = connect_to(argv[1]);
	open_engine(&bench, argv[2], argv[3]);
	printf("\n%-16s %17s %17s   %s\n%-16s %8s %8s %8s %8s\n", "milliseconds", "library", "over gRPC", "added (p50)",
	       "", "p50", "p95", "p50", "p95");
	compare(&bench, "Version", ask_version);
	compare(&bench, "Status", ask_status);
	compare(&bench, "ListContainers", list_containers);
	client_free(bench.client);
	cri_engine_close(bench.engine);
	cri_call_free(bench.call);
	return 0;
}
