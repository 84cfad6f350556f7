/* SPDX-License-Identifier: Apache-2.0 */
#include "streams.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define INPUT_SIZE (64u << 10)

/* At the end nobody writes any more, unless a process got hold of a stream from outside of the container; then this
 * much is still read. */
#define DRAIN_READS 1024

static bool have_input(struct streams *streams)
{
	void *memory;

	if (streams->input)
		return true;
	memory = mmap(NULL, INPUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	streams->input = memory;
	return true;
}

void streams_rest(struct streams *streams)
{
	if (streams->input)
		munmap(streams->input, INPUT_SIZE);
	streams->input = NULL;
	log_rest(&streams->log);
}

static void end(struct stream *stream)
{
	struct streams *streams = stream->streams;

	log_finish(&streams->log, &stream->line);
	loop_remove(streams->loop, &stream->source);
	cleanup_close_fd(&stream->source.fd);
	cleanup_close_fd(&stream->terminal_slave);
	stream->source.fd = stream->terminal_slave = -1;
}

/* true: there may be more. */
static bool read_once(struct stream *stream)
{
	struct streams *streams = stream->streams;
	ssize_t n;

	/* Without memory for a buffer the bytes wait where they are. */
	if (!have_input(streams))
		return false;
	n = read(stream->source.fd, streams->input, INPUT_SIZE);
	if (n > 0) {
		log_append(&streams->log, &stream->line, streams->input, (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	end(stream);
	return false;
}

static void ready(struct source *source, uint32_t events)
{
	struct stream *stream = SOURCE_OWNER(source, struct stream, source);

	(void)events;
	(void)read_once(stream);
	log_flush(&stream->streams->log);
}

int streams_init(struct streams *streams, struct loop *loop, const struct order *order, struct failure *failure)
{
	streams->loop = loop;
	streams->log = (struct log){ .fd = -1, .path = order->log };
	for (size_t i = 0; i < 2; i++) {
		streams->output[i].source = (struct source){ .fd = -1, .ready = ready };
		streams->output[i].streams = streams;
		streams->output[i].line.stream = i ? "stderr" : "stdout";
		streams->output[i].terminal_slave = -1;
	}
	return log_open(&streams->log, failure);
}

int streams_watch(struct streams *streams)
{
	int result = loop_add(streams->loop, &streams->output[0].source, EPOLLIN);

	return result < 0 ? result : loop_add(streams->loop, &streams->output[1].source, EPOLLIN);
}

int streams_watch_terminal(struct streams *streams, int master)
{
	struct stream *stream = &streams->output[0];
	int result = fs_set_nonblocking(master, true);

	if (result < 0)
		return result;
	/* Held open: a master whose slave nobody has open for a moment reads as at its end, over and over. */
	stream->terminal_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (stream->terminal_slave < 0)
		return -errno;
	stream->source.fd = master;
	return loop_add(streams->loop, &stream->source, EPOLLIN);
}

void streams_drain(struct streams *streams)
{
	for (size_t i = 0; i < 2; i++) {
		struct stream *stream = &streams->output[i];

		if (stream->source.fd < 0)
			continue;
		for (size_t reads = 0; reads < DRAIN_READS && read_once(stream); reads++)
			continue;
		if (stream->source.fd >= 0)
			end(stream);
	}
	log_flush(&streams->log);
	streams_rest(streams);
}

void streams_drain_orphaned(const struct order *order, const struct store_content *content)
{
	struct streams streams = { 0 };
	struct failure failure;
	const int fds[] = { content->fds.terminal >= 0 ? content->fds.terminal : content->fds.stdout_fd,
			    content->fds.stderr_fd };

	if (streams_init(&streams, NULL, order, &failure) < 0)
		return;
	for (size_t i = 0; i < 2; i++)
		streams.output[i].source.fd = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	streams_drain(&streams);
	cleanup_close_fd(&streams.log.fd);
}
