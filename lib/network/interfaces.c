/* SPDX-License-Identifier: Apache-2.0 */
#include "network/interfaces.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/threads.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const char step[] = "read the network's statistics";

/* Of the calling thread's namespace; /proc/net is that of the process's first thread. */
#define DEVICES "/proc/thread-self/net/dev"
#define DEVICES_LIMIT ((size_t)4 << 20)

/* "eth0: " and 16 numbers; what they are, the two lines above them say in words. */
#define FIELDS 16
enum field { RX_BYTES, RX_PACKETS, RX_ERRORS, RX_DROPPED, TX_BYTES = 8, TX_PACKETS, TX_ERRORS, TX_DROPPED };

static int parse_line(const char *line, struct arena *arena, struct network_interface *interface)
{
	uint64_t fields[FIELDS];
	const char *end;
	char *name;

	line += strspn(line, " ");
	end = strchr(line, ':');
	if (!end || end == line || end > line + strcspn(line, "\n"))
		return -EBADMSG;
	name = arena_copy(arena, line, (size_t)(end - line) + 1);
	if (!name)
		return -ENOMEM;
	name[end - line] = '\0';
	line = end + 1;
	for (size_t i = 0; i < FIELDS; i++) {
		char *behind;

		line += strspn(line, " ");
		if (*line < '0' || *line > '9')
			return -EBADMSG;
		fields[i] = strtoull(line, &behind, 10);
		line = behind;
	}
	*interface = (struct network_interface){
		.name = name,
		.rx_bytes = fields[RX_BYTES],
		.rx_packets = fields[RX_PACKETS],
		.rx_errors = fields[RX_ERRORS],
		.rx_dropped = fields[RX_DROPPED],
		.tx_bytes = fields[TX_BYTES],
		.tx_packets = fields[TX_PACKETS],
		.tx_errors = fields[TX_ERRORS],
		.tx_dropped = fields[TX_DROPPED],
	};
	return 0;
}

static const char *next_line(const char *text)
{
	text += strcspn(text, "\n");
	return *text ? text + 1 : text;
}

int network_parse_interfaces(const char *text, struct arena *arena, struct network_look *look)
{
	struct network_interface *interfaces;
	size_t n_lines = 0, n = 0;

	text = next_line(next_line(text));
	for (const char *line = text; *line; line = next_line(line))
		n_lines++;
	interfaces = arena_array(arena, n_lines, sizeof(*interfaces));
	if (!interfaces)
		return -ENOMEM;
	for (; *text; text = next_line(text)) {
		int result = parse_line(text, arena, &interfaces[n]);

		if (result < 0)
			return result;
		n += strcmp(interfaces[n].name, "lo") != 0;
	}
	look->interfaces = interfaces;
	look->n_interfaces = n;
	return 0;
}

static int look_into(struct network_look *look, struct arena *arena)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	CLEANUP_CLOSE int namespace = -1;
	int result;

	look->timestamp = clock_wall();
	if (!*look->path)
		return 0;
	namespace = open(look->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (namespace < 0)
		return errno == ENOENT ? 0 : -errno;
	/* EINVAL: a file that waits for a pin, or from which one was just taken. */
	if (setns(namespace, CLONE_NEWNET) < 0)
		return errno == EINVAL ? 0 : -errno;
	result = fs_read(AT_FDCWD, DEVICES, DEVICES_LIMIT, &text);
	return result < 0 ? result : network_parse_interfaces(text.data ? text.data : "", arena, look);
}

struct looking {
	struct network_look *looks;
	size_t n_looks;
	struct arena *arena;
};

static void *look_into_all(void *pointer)
{
	const struct looking *looking = pointer;

	for (size_t i = 0; i < looking->n_looks; i++)
		looking->looks[i].result = look_into(&looking->looks[i], looking->arena);
	return NULL;
}

int network_look_fail(const struct network_look *look, cri_call *call)
{
	if (look->result == -EBADMSG)
		return call_fail(call, CRI_EINTERNAL, step, DEVICES " of %s is not as expected", look->path);
	return call_fail_errno(call, look->result, step, "%s", look->path);
}

int network_look(struct network_look *looks, size_t n_looks, struct arena *arena, cri_call *call)
{
	struct looking looking = { .looks = looks, .n_looks = n_looks, .arena = arena };
	pthread_t thread;
	int result;

	if (!n_looks)
		return 0;
	result = thread_start(&thread, look_into_all, &looking);
	if (result < 0)
		return call_fail_errno(call, result, step, "start a thread");
	pthread_join(thread, NULL);
	for (size_t i = 0; i < n_looks; i++) {
		if (looks[i].result == -ENOMEM)
			return network_look_fail(&looks[i], call);
	}
	return 0;
}
