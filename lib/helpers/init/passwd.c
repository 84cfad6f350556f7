/* SPDX-License-Identifier: Apache-2.0 */
#include "passwd.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "runtime/init_protocol.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = INIT_STEP_USER;

/* Half of the user's notation. */
struct wanted {
	bool given, numeric;
	uint32_t id;
	char name[PASSWD_NAME_MAX];
};

/* Answers true to stop. The line has no newline and may be written to. */
typedef bool (*line_function)(void *context, char *line);

static char lines[PASSWD_LINE_MAX];

/* The next field of a line; NULL behind the last one. */
static char *next_field(char **at, char separator)
{
	char *field = *at, *end;

	if (!field)
		return NULL;
	end = strchr(field, separator);
	if (end)
		*end++ = '\0';
	*at = end;
	return field;
}

/* 0, -EINVAL: no digits only; -ERANGE: no id. */
static int parse_id(const char *text, uint32_t *id)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9')
			return -EINVAL;
		if (value < UINT32_MAX)
			value = 10 * value + (uint64_t)(*at - '0');
	}
	*id = (uint32_t)value;
	return value < UINT32_MAX ? 0 : -ERANGE;
}

/* Gives the whole lines of `lines` to the function, keeps the rest. *skip: the line that begins there is too long, and
 * its end has not been seen. */
static bool hand_out_lines(size_t *length, bool at_end, bool *skip, line_function function, void *context)
{
	size_t start = 0;

	for (;;) {
		char *newline = memchr(lines + start, '\n', *length - start);
		size_t end = newline ? (size_t)(newline - lines) : *length;

		if (!newline && (!at_end || start == *length))
			break;
		lines[end] = '\0';
		/* A NUL within hides what is behind it, the newline excepted. */
		if (!*skip && function(context, lines + start))
			return true;
		*skip = false;
		start = newline ? end + 1 : end;
	}
	*length -= start;
	memmove(lines, lines + start, *length);
	if (*length == sizeof(lines) - 1) {
		*skip = true;
		*length = 0;
	}
	return false;
}

static int read_lines(int fd, line_function function, void *context)
{
	size_t length = 0, total = 0;
	bool skip = false;

	for (;;) {
		ssize_t n = pread(fd, lines + length, sizeof(lines) - 1 - length, (off_t)total);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		total += (size_t)n;
		if (total > PASSWD_FILE_MAX)
			return -EFBIG;
		length += (size_t)n;
		if (hand_out_lines(&length, n == 0, &skip, function, context) || n == 0)
			return 0;
	}
}

struct user_search {
	const struct wanted *wanted;
	bool found;
	char name[PASSWD_NAME_MAX];
	struct identity *identity;
};

static bool match_user(void *context, char *line)
{
	struct user_search *search = context;
	const char *name = next_field(&line, ':'), *password = next_field(&line, ':');
	const char *uid_text = next_field(&line, ':'), *gid_text = next_field(&line, ':');
	const char *comment = next_field(&line, ':'), *home = next_field(&line, ':');
	uint32_t uid, gid;

	(void)password;
	(void)comment;
	if (!gid_text || parse_id(uid_text, &uid) < 0 || parse_id(gid_text, &gid) < 0)
		return false;
	if (!*name || strlen(name) >= sizeof(search->name) || (home && strlen(home) >= PATH_MAX))
		return false;
	if (search->wanted->numeric ? uid != search->wanted->id : strcmp(name, search->wanted->name) != 0)
		return false;
	search->found = true;
	search->identity->uid = uid;
	search->identity->gid = gid;
	memcpy(search->name, name, strlen(name) + 1);
	if (home && *home == '/')
		memcpy(search->identity->home, home, strlen(home) + 1);
	return true;
}

struct group_search {
	const struct wanted *wanted; /* NULL: those that list `member` */
	const char *member;
	bool found, overflow;
	struct identity *identity;
};

static bool add_group(struct identity *identity, uint32_t group)
{
	for (size_t i = 0; i < identity->n_groups; i++) {
		if (identity->groups[i] == group)
			return true;
	}
	if (identity->n_groups == PROCESS_GROUPS_MAX)
		return false;
	identity->groups[identity->n_groups++] = group;
	return true;
}

static bool lists_member(char *members, const char *member)
{
	const char *name;

	while ((name = next_field(&members, ','))) {
		if (!strcmp(name, member))
			return true;
	}
	return false;
}

static bool match_group(void *context, char *line)
{
	struct group_search *search = context;
	const char *name = next_field(&line, ':'), *password = next_field(&line, ':');
	const char *gid_text = next_field(&line, ':');
	uint32_t gid;

	(void)password;
	if (!gid_text || !*name || parse_id(gid_text, &gid) < 0)
		return false;
	if (!search->wanted) {
		search->overflow = line && lists_member(line, search->member) && !add_group(search->identity, gid);
		return search->overflow;
	}
	if (search->wanted->numeric ? gid != search->wanted->id : strcmp(name, search->wanted->name) != 0)
		return false;
	search->found = true;
	search->identity->gid = gid;
	return true;
}

static int parse_wanted(const char *text, size_t length, const char *what, struct wanted *wanted,
			struct failure *failure)
{
	int result;

	*wanted = (struct wanted){ .given = length > 0 };
	if (length >= sizeof(wanted->name))
		return fail(failure, EINVAL, step, "the %s name is longer than %d bytes", what,
			    (int64_t)sizeof(wanted->name) - 1);
	memcpy(wanted->name, text, length);
	if (!length)
		return 0;
	result = parse_id(wanted->name, &wanted->id);
	if (result == -ERANGE)
		return fail(failure, ERANGE, step, "%s \"%s\" is no id", what, wanted->name);
	wanted->numeric = result == 0;
	return 0;
}

static int parse_notation(const char *text, struct wanted *user, struct wanted *group, struct failure *failure)
{
	const char *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text);
	const char *group_text = colon ? colon + 1 : text + length;
	int result;

	if (strchr(group_text, ':'))
		return fail(failure, EINVAL, step, "\"%s\" is not of the form user:group", text);
	result = parse_wanted(text, length, "user", user, failure);
	if (result < 0)
		return result;
	if (!user->given)
		user->numeric = true;
	return parse_wanted(group_text, strlen(group_text), "group", group, failure);
}

static int find_user(int fd, const struct wanted *user, struct user_search *search, struct failure *failure)
{
	int result;

	search->wanted = user;
	if (fd >= 0) {
		result = read_lines(fd, match_user, search);
		if (result < 0)
			return fail(failure, result, step, "/etc/passwd");
	}
	if (search->found)
		return 0;
	if (!user->numeric)
		return fail(failure, ENOENT, step, "/etc/passwd has no user \"%s\"", user->name);
	search->identity->uid = user->id;
	return 0;
}

static int find_group(int fd, const struct wanted *group, struct identity *identity, struct failure *failure)
{
	struct group_search search = { .wanted = group, .identity = identity };
	int result;

	if (fd >= 0) {
		result = read_lines(fd, match_group, &search);
		if (result < 0)
			return fail(failure, result, step, "/etc/group");
	}
	if (search.found)
		return 0;
	if (!group->numeric)
		return fail(failure, ENOENT, step, "/etc/group has no group \"%s\"", group->name);
	identity->gid = group->id;
	return 0;
}

static int find_memberships(int fd, const char *name, struct identity *identity, struct failure *failure)
{
	struct group_search search = { .member = name, .identity = identity };
	int result = read_lines(fd, match_group, &search);

	if (result < 0)
		return fail(failure, result, step, "/etc/group");
	if (search.overflow)
		return fail(failure, E2BIG, step, "user \"%s\" is in more than %d groups", name,
			    (int64_t)PROCESS_GROUPS_MAX);
	return 0;
}

int identity_resolve(int passwd_fd, int group_fd, const struct process *process, struct identity *identity,
		     struct failure *failure)
{
	struct user_search search = { .identity = identity };
	struct wanted user = { 0 }, group = { 0 };
	int result;

	identity->uid = 0;
	identity->gid = 0;
	identity->n_groups = 0;
	memcpy(identity->home, "/", 2);
	result = parse_notation(process->user, &user, &group, failure);
	if (result == 0)
		result = find_user(passwd_fd, &user, &search, failure);
	if (result == 0 && process->has_group)
		identity->gid = process->group;
	else if (result == 0 && group.given)
		result = find_group(group_fd, &group, identity, failure);
	if (result < 0)
		return result;
	add_group(identity, identity->gid);
	if (search.found && !process->groups_strict && !group.given && group_fd >= 0) {
		result = find_memberships(group_fd, search.name, identity, failure);
		if (result < 0)
			return result;
	}
	for (size_t i = 0; i < process->n_groups; i++) {
		if (!add_group(identity, process->groups[i]))
			return fail(failure, E2BIG, step, "more than %d supplemental groups",
				    (int64_t)PROCESS_GROUPS_MAX);
	}
	return 0;
}

/* O_NONBLOCK: a FIFO or a device in the place of the file must not hold us. -1 in *fd: no such file, or something that
 * is no file: whoever asks for a name is told that it is unknown, and a container that masked or broke its own files
 * still runs as a number. */
static int open_file(int root_fd, const char *path, int *fd, struct failure *failure)
{
	struct stat status;

	*fd = fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (*fd == -ENOENT || *fd == -ENOTDIR || *fd == -ELOOP || *fd == -ENXIO) {
		*fd = -1;
		return 0;
	}
	if (*fd < 0)
		return fail(failure, *fd, step, "%s", path);
	if (fstat(*fd, &status) < 0)
		return fail(failure, errno, step, "%s", path);
	if (!S_ISREG(status.st_mode))
		close(take_fd(fd));
	return 0;
}

int identity_resolve_in_root(int root_fd, const struct process *process, struct identity *identity,
			     struct failure *failure)
{
	CLEANUP_CLOSE int passwd_fd = -1;
	CLEANUP_CLOSE int group_fd = -1;
	int result = open_file(root_fd, "/etc/passwd", &passwd_fd, failure);

	if (result == 0)
		result = open_file(root_fd, "/etc/group", &group_fd, failure);
	return result < 0 ? result : identity_resolve(passwd_fd, group_fd, process, identity, failure);
}
