/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static const char step[] = "open the log";

#define OUTPUT_SIZE (64u << 10)
#define TIME_LENGTH 30                   /* 2006-01-02T15:04:05.000000000Z */
#define HEADER_LENGTH (TIME_LENGTH + 10) /* " stdout F " */
#define NOTE_LENGTH (HEADER_LENGTH + 160)
_Static_assert(OUTPUT_SIZE > HEADER_LENGTH + LOG_LINE_MAX + 1, "a record must fit");

int log_open(struct log *log, struct failure *failure)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat status;

	if (!*log->path)
		return 0;
	/* O_NONBLOCK: a FIFO must be refused, not waited for. Parents may be links, the file itself may not: the caller
	 * resolved the path before, and whoever can write there now must not choose what we append to. */
	fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0640);
	if (fd < 0) {
		int code = errno == EISDIR || errno == ELOOP || errno == ENOTDIR || errno == ENXIO
				   ? CRI_EINVAL
				   : code_of_errno(errno);

		return fail(failure, code, errno, step, "%s", log->path);
	}
	if (fstat(fd, &status) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", log->path);
	if (!S_ISREG(status.st_mode))
		return fail(failure, CRI_EINVAL, 0, step, "%s is no regular file", log->path);
	cleanup_close_fd(&log->fd);
	log->fd = take_fd(&fd);
	log->torn = false;
	return 0;
}

static void put_digits(char *at, unsigned int value, size_t digits)
{
	while (digits--) {
		at[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* The date is computed once a second: gmtime_r is most of the cost of a short line. */
static void put_time(char text[TIME_LENGTH])
{
	static int64_t formatted_second = -1;
	static char formatted[20];
	int64_t now = clock_wall();
	int64_t second = now / NANOSECONDS_PER_SECOND;

	if (second != formatted_second) {
		time_t seconds = (time_t)second;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		put_digits(formatted, (unsigned int)tm.tm_year + 1900, 4);
		formatted[4] = '-';
		put_digits(formatted + 5, (unsigned int)tm.tm_mon + 1, 2);
		formatted[7] = '-';
		put_digits(formatted + 8, (unsigned int)tm.tm_mday, 2);
		formatted[10] = 'T';
		put_digits(formatted + 11, (unsigned int)tm.tm_hour, 2);
		formatted[13] = ':';
		put_digits(formatted + 14, (unsigned int)tm.tm_min, 2);
		formatted[16] = ':';
		put_digits(formatted + 17, (unsigned int)tm.tm_sec, 2);
		formatted[19] = '.';
		formatted_second = second;
	}
	memcpy(text, formatted, 20);
	put_digits(text + 20, (unsigned int)(now % NANOSECONDS_PER_SECOND), 9);
	text[29] = 'Z';
}

/* " stdout F " behind the time. */
static void put_header(char header[HEADER_LENGTH], const char *stream, char tag)
{
	put_time(header);
	header[TIME_LENGTH] = ' ';
	memcpy(header + TIME_LENGTH + 1, stream, 6);
	header[TIME_LENGTH + 7] = ' ';
	header[TIME_LENGTH + 8] = tag;
	header[TIME_LENGTH + 9] = ' ';
}

/* Writes all or as much as the file takes. The number of bytes written; *error says why they are not all. */
static size_t write_some(int fd, const char *bytes, size_t length, int *error)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write(fd, bytes + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*error = n < 0 ? errno : EIO;
			break;
		}
		done += (size_t)n;
	}
	return done;
}

static void drop(struct log *log, size_t bytes, int error)
{
	log->dropped_bytes += bytes;
	log->dropped_error = error;
}

/* Before anything else may follow: the end of a record that was cut, and the note of what is missing. */
static bool write_note(struct log *log)
{
	char note[NOTE_LENGTH];
	size_t start = 0;
	size_t length, done;
	int error = 0;

	if (log->torn)
		note[start++] = '\n';
	put_header(note + start, "stderr", 'F');
	length = start + HEADER_LENGTH;
	length += (size_t)snprintf(note + length, sizeof(note) - length,
				   "[libcri: %" PRIu64 " bytes of log are missing: %s]\n", log->dropped_bytes,
				   strerrordesc_np(log->dropped_error));
	done = write_some(log->fd, note, length, &error);
	if (done == length) {
		log->dropped_bytes = 0;
		log->torn = false;
		return true;
	}
	log->dropped_error = error;
	if (done > 0)
		log->torn = note[done - 1] != '\n';
	return false;
}

void log_flush(struct log *log)
{
	size_t done;
	int error = 0;

	if (log->fd < 0 || !log->length) {
		log->length = 0;
		return;
	}
	if ((log->dropped_bytes || log->torn) && !write_note(log)) {
		drop(log, log->length, log->dropped_error);
	} else {
		done = write_some(log->fd, log->output, log->length, &error);
		if (done < log->length) {
			log->torn = done > 0 && log->output[done - 1] != '\n';
			drop(log, log->length - done, error);
		}
	}
	log->length = 0;
}

static bool reserve(struct log *log, size_t length)
{
	void *memory;

	if (log->length + length > OUTPUT_SIZE)
		log_flush(log);
	if (log->output)
		return true;
	memory = mmap(NULL, OUTPUT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		drop(log, length, errno);
		return false;
	}
	log->output = memory;
	return true;
}

void log_rest(struct log *log)
{
	if (log->output && !log->length) {
		munmap(log->output, OUTPUT_SIZE);
		log->output = NULL;
	}
}

static void put_record(struct log *log, struct log_line *line, char tag, const char *bytes, size_t length)
{
	char *at;

	if (reserve(log, HEADER_LENGTH + line->length + length + 1)) {
		at = log->output + log->length;
		put_header(at, line->stream, tag);
		at += HEADER_LENGTH;
		if (line->length)
			memcpy(at, line->bytes, line->length);
		memcpy(at + line->length, bytes, length);
		at[line->length + length] = '\n';
		log->length += HEADER_LENGTH + line->length + length + 1;
	}
	line->length = 0;
}

static void forget_line(struct log_line *line)
{
	free(line->bytes);
	line->bytes = NULL;
	line->length = line->capacity = 0;
}

/* Keeps the beginning of a line. Without memory it goes out as a part of its own. */
static void keep(struct log *log, struct log_line *line, const char *bytes, size_t length)
{
	if (line->length + length > line->capacity) {
		size_t capacity = line->length + length < 512 ? 512 : LOG_LINE_MAX;
		char *grown = realloc(line->bytes, capacity);

		if (!grown) {
			put_record(log, line, 'P', bytes, length);
			return;
		}
		line->bytes = grown;
		line->capacity = capacity;
	}
	memcpy(line->bytes + line->length, bytes, length);
	line->length += length;
}

void log_append(struct log *log, struct log_line *line, const char *bytes, size_t length)
{
	if (log->fd < 0)
		return;
	while (length > 0) {
		size_t room = LOG_LINE_MAX - line->length;
		/* One more: the end of a line that fills its record wholly. */
		const char *end = memchr(bytes, '\n', length < room + 1 ? length : room + 1);
		size_t taken;

		if (end) {
			taken = (size_t)(end - bytes);
			put_record(log, line, 'F', bytes, taken);
			taken++;
		} else if (length > room) {
			taken = room;
			put_record(log, line, 'P', bytes, taken);
		} else {
			taken = length;
			keep(log, line, bytes, taken);
		}
		bytes += taken;
		length -= taken;
	}
	if (!line->length)
		forget_line(line);
}

void log_finish(struct log *log, struct log_line *line)
{
	if (line->length)
		put_record(log, line, 'P', "", 0);
	forget_line(line);
}
