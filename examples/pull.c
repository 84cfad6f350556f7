/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls an image and draws how far it is, from an event loop: one thread, one poll. Control-C cancels, and the next
 * pull of the image goes on with the layers that are there.
 *
 *     pull REFERENCE [ROOT STATE]
 */
#include <libcri/libcri.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define WIDTH 40

static void draw(const cri_image_progress *progress, void *terminal)
{
	char bar[WIDTH + 1];
	const uint64_t total = progress->bytes_total;
	const size_t full = total ? (size_t)(progress->bytes_done * WIDTH / total) : 0;

	if (!*(const int *)terminal)
		return;
	memset(bar, '#', full);
	memset(bar + full, '.', WIDTH - full);
	bar[WIDTH] = '\0';
	printf("\r%-8s [%s] %.1f of %.1f MB, %u of %u layers ", progress->step, bar, (double)progress->bytes_done / 1e6,
	       (double)total / 1e6, progress->layers_done, progress->layers_total);
	fflush(stdout);
}

static int pull(cri_engine *engine, const char *reference, int signals, char **id, cri_call *call)
{
	int terminal = isatty(STDOUT_FILENO);
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .progress = draw, .progress_data = &terminal };
	cri_op *op;
	int result = cri_image_pull_begin(engine, reference, &options, &op, call);

	if (result < 0)
		return result;
	/* Any other descriptors of the program would be polled here too. draw() is called from cri_op_finish. */
	while ((result = cri_op_finish(op, id, call)) == CRI_EAGAIN) {
		struct pollfd fds[] = { { .fd = cri_op_fd(op), .events = POLLIN },
					{ .fd = signals, .events = POLLIN } };

		if (poll(fds, 2, -1) > 0 && fds[1].revents) {
			struct signalfd_siginfo signal;

			if (read(signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
				cri_op_cancel(op);
		}
	}
	cri_op_free(op);
	if (terminal)
		putchar('\n');
	return result;
}

static void show(cri_engine *engine, const char *id, cri_call *call)
{
	const cri_image_info *image;
	cri_list *list;

	if (cri_image_status(engine, id, &list, call) < 0)
		return;
	image = cri_image_at(list, 0);
	printf("%s\n", image->id);
	for (size_t i = 0; i < image->n_repo_tags; i++)
		printf("  tag     %s\n", image->repo_tags[i]);
	for (size_t i = 0; i < image->n_repo_digests; i++)
		printf("  digest  %s\n", image->repo_digests[i]);
	printf("  size    %.1f MB on disk, %s/%s\n", (double)image->bytes / 1e6, image->os, image->architecture);
	cri_list_free(list);
}

int main(int argc, char **argv)
{
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT };
	cri_engine *engine = NULL;
	cri_call *call = NULL;
	char *id = NULL;
	sigset_t interrupt;
	int signals, result;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: pull REFERENCE [ROOT STATE]\n");
		return 2;
	}
	if (argc == 4) {
		options.root = argv[2];
		options.state = argv[3];
	}
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL);
	signals = signalfd(-1, &interrupt, SFD_CLOEXEC);
	if (signals < 0 || cri_call_new(&call) < 0) {
		perror("pull");
		return 1;
	}
	result = cri_engine_open(&options, &engine, call);
	if (result == 0)
		result = pull(engine, argv[1], signals, &id, call);
	if (result == 0)
		show(engine, id, call);
	else
		fprintf(stderr, "%s\n", cri_call_message(call));
	cri_free(id);
	cri_engine_close(engine);
	cri_call_free(call);
	close(signals);
	return result == 0 ? 0 : 1;
}
