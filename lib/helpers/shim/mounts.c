/* SPDX-License-Identifier: Apache-2.0 */
#include "mounts.h"

#include "init_link.h"
#include "tree.h"

#include "base/cleanup.h"
#include "base/mountinfo.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static const char step[] = "prepare the mounts";

/* The options that a mount can have, as mount(8) names them. */
static const struct {
	const char *name;
	uint64_t set, clear; /* of a detached mount */
	unsigned long flags; /* of a new file system, for cri-init */
} options[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0, MS_RDONLY },
	{ "rw", 0, 0, 0 },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, MS_NOSUID },
	{ "suid", 0, 0, 0 },
	{ "nodev", MOUNT_ATTR_NODEV, 0, MS_NODEV },
	{ "dev", 0, 0, 0 },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, MS_NOEXEC },
	{ "exec", 0, 0, 0 },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, MS_NOATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, MS_NODIRATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, MS_RELATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, MS_STRICTATIME },
};

struct mount_options {
	struct mount_attr attributes;
	unsigned long flags;
};

static int read_options(const cJSON *mount, const char *target, struct mount_options *read, struct failure *failure)
{
	const cJSON *array = NULL;
	const cJSON *item;

	if (json_array(mount, "flags", &array) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: flags is no array", target);
	cJSON_ArrayForEach(item, array)
	{
		size_t i = 0;

		while (i < sizeof(options) / sizeof(*options) &&
		       (!cJSON_IsString(item) || strcmp(options[i].name, item->valuestring) != 0))
			i++;
		if (i == sizeof(options) / sizeof(*options))
			return fail(failure, CRI_EINVAL, 0, step, "%s: mount option \"%s\" is not known", target,
				    cJSON_IsString(item) ? item->valuestring : "");
		read->attributes.attr_set |= options[i].set;
		read->attributes.attr_clr |= options[i].clear;
		read->flags |= options[i].flags;
	}
	return 0;
}

/* Mounts made inside reach the host only through a shared mount; those of the host reach inside only from one that is
 * shared or a slave. Anything else would be a promise that does not hold. */
static int check_propagation(const char *source, const char *propagation, struct failure *failure)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY;
	struct mountinfo_line line;
	struct statx status;
	char *at;
	int result;

	if (statx(AT_FDCWD, source, 0, STATX_MNT_ID, &status) < 0)
		return fail(failure, CRI_EINVAL, errno, step, "%s", source);
	result = mountinfo_read(&text);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "/proc/self/mountinfo");
	at = text.data;
	while (mountinfo_next(&at, &line)) {
		if (line.id != status.stx_mnt_id)
			continue;
		if (strstr(line.propagation, "shared:") ||
		    (strstr(line.propagation, "master:") && strcmp(propagation, "slave") == 0))
			return 0;
	}
	return fail(failure, CRI_EPRECONDITION, 0, step,
		    "%s is not on a shared mount, so mounts cannot propagate %s the container: mount --make-shared it",
		    source, strcmp(propagation, "slave") == 0 ? "into" : "from and into");
}

static int set_attributes(int tree, bool recursive, struct mount_attr *attributes)
{
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	if (!attributes->attr_set && !attributes->attr_clr && !attributes->propagation)
		return 0;
	return mount_setattr(tree, "", flags, attributes, sizeof(*attributes)) < 0 ? -errno : 0;
}

struct bind {
	const char *source, *target, *propagation;
	bool recursive, readonly, recursive_readonly;
	struct mount_options options;
};

static int read_bind(const cJSON *mount, struct bind *bind, struct failure *failure)
{
	bind->propagation = "private";
	if (json_string(mount, "source", &bind->source) < 0 ||
	    json_bool(mount, "recursive", &bind->recursive) == -EINVAL ||
	    json_bool(mount, "readonly", &bind->readonly) == -EINVAL ||
	    json_bool(mount, "recursive_readonly", &bind->recursive_readonly) == -EINVAL ||
	    json_string(mount, "propagation", &bind->propagation) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: the mount is malformed", bind->target);
	if (strcmp(bind->propagation, "private") != 0 && strcmp(bind->propagation, "slave") != 0 &&
	    strcmp(bind->propagation, "shared") != 0)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: propagation \"%s\" is not known", bind->target,
			    bind->propagation);
	return read_options(mount, bind->target, &bind->options, failure);
}

/* A detached copy of the source's mount. *tree is the caller's also on failure. */
static int make_tree(struct bind *bind, int *tree, struct failure *failure)
{
	struct mount_attr propagation = { .propagation = MS_PRIVATE };
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	int result;

	if (strcmp(bind->propagation, "private") != 0) {
		result = check_propagation(bind->source, bind->propagation, failure);
		if (result < 0)
			return result;
		propagation.propagation = strcmp(bind->propagation, "slave") == 0 ? MS_SLAVE : 0;
	}
	*tree = tree_clone(bind->source, bind->recursive);
	if (*tree < 0)
		return fail(failure, *tree == -ENOENT ? CRI_EINVAL : code_of_errno(*tree), *tree, step, "%s at %s",
			    bind->source, bind->target);
	result = set_attributes(*tree, bind->recursive, &propagation);
	if (result == 0 && bind->readonly && !bind->recursive_readonly)
		bind->options.attributes.attr_set |= MOUNT_ATTR_RDONLY;
	if (result == 0)
		result = set_attributes(*tree, false, &bind->options.attributes);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "%s at %s: set its options", bind->source,
			    bind->target);
	if (bind->recursive_readonly)
		result = set_attributes(*tree, true, &readonly);
	if (result < 0)
		return fail(failure, CRI_ERRO, result, step, "%s at %s: make it and all below it read-only",
			    bind->source, bind->target);
	return 0;
}

static int send_bind(const cJSON *mount, const char *target, int init_socket, struct failure *failure)
{
	struct bind bind = { .target = target };
	CLEANUP_CLOSE int tree = -1;
	struct stat status;
	int result = read_bind(mount, &bind, failure);

	if (result == 0)
		result = make_tree(&bind, &tree, failure);
	if (result < 0)
		return result;
	if (fstat(tree, &status) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "%s", bind.source);
	result =
		init_send(init_socket, INIT_MOUNT, S_ISDIR(status.st_mode) ? 0 : INIT_MOUNT_FILE, &target, 1, &tree, 1);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "send %s to cri-init", target) : 0;
}

static int send_layer(const cJSON *mount, const char *target, const struct order *order, int init_socket,
		      struct failure *failure)
{
	CLEANUP_CLOSE int tree = -1;
	const char *source;
	int result;

	if (json_string(mount, "source", &source) < 0)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: the mount is malformed", target);
	tree = tree_clone_in(order->monitor_mounts, source);
	if (tree < 0)
		return fail(failure, code_of_errno(tree), tree, step, "layer %s at %s", source, target);
	result = init_send(init_socket, INIT_MOUNT, 0, &target, 1, &tree, 1);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "send %s to cri-init", target) : 0;
}

static int send_fresh(const cJSON *mount, const char *target, int init_socket, struct failure *failure)
{
	const char *texts[] = { "", target, "" };
	struct mount_options read = { 0 };
	int result;

	if (json_string(mount, "filesystem", &texts[0]) < 0 || json_string(mount, "data", &texts[2]) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: the mount is malformed", target);
	result = read_options(mount, target, &read, failure);
	if (result < 0)
		return result;
	result = init_send(init_socket, INIT_FRESH, (uint32_t)read.flags, texts, 3, NULL, 0);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "send %s to cri-init", target) : 0;
}

static int send_one(const cJSON *mount, const struct order *order, int init_socket, struct failure *failure)
{
	const char *type, *target;
	int result;

	if (json_string(mount, "type", &type) < 0 || json_string(mount, "target", &target) < 0)
		return fail(failure, CRI_ECORRUPT, 0, step, "a mount has no type or no target");
	if (strcmp(type, "bind") == 0)
		return send_bind(mount, target, init_socket, failure);
	if (strcmp(type, "layer") == 0)
		return send_layer(mount, target, order, init_socket, failure);
	if (strcmp(type, "fresh") == 0)
		return send_fresh(mount, target, init_socket, failure);
	if (strcmp(type, "mask") != 0 && strcmp(type, "readonly") != 0)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: mount type \"%s\" is not known", target, type);
	result = init_send(init_socket, strcmp(type, "mask") == 0 ? INIT_MASK : INIT_READONLY, 0, &target, 1, NULL, 0);
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "send %s to cri-init", target) : 0;
}

/* --- a new file system with mounts in it, made here rather than in the container, which has the longer way --- */

/* What mount(2) calls options, for a file system that is in the making. */
static int configure(int context, const char *data)
{
	char option[256];

	while (*data) {
		size_t length = strcspn(data, ",");
		char *value;

		if (length >= sizeof(option))
			return -ENAMETOOLONG;
		memcpy(option, data, length);
		option[length] = '\0';
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		if (length && fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0) < 0)
			return -errno;
		data += length + (data[length] != '\0');
	}
	return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* The name of what lies in `target`, or NULL. */
static const char *name_in(const cJSON *mount, const char *type, const char *target)
{
	size_t length = strlen(target);
	const char *is, *place;

	if (json_string(mount, "type", &is) < 0 || strcmp(is, type) != 0 || json_string(mount, "target", &place) < 0 ||
	    strncmp(place, target, length) != 0 || place[length] != '/' || !place[length + 1] ||
	    strchr(place + length + 1, '/'))
		return NULL;
	return place + length + 1;
}

static bool is_readonly(const cJSON *mount, const char *target)
{
	const char *type, *place;

	return json_string(mount, "type", &type) == 0 && strcmp(type, "readonly") == 0 &&
	       json_string(mount, "target", &place) == 0 && strcmp(place, target) == 0;
}

/* Binds a directory onto one that is made for it. -EOPNOTSUPP, not described: only mounts that are attached can be
 * mounted on (before Linux 6.15). */
static int nest_bind(const cJSON *mount, const char *name, int nest, struct failure *failure)
{
	struct bind bind = { .target = name };
	CLEANUP_CLOSE int tree = -1;
	int result = read_bind(mount, &bind, failure);

	if (result == 0)
		result = make_tree(&bind, &tree, failure);
	if (result < 0)
		return result;
	if (mkdirat(nest, name, 0755) < 0)
		return fail(failure, code_of_errno(errno), errno, step, "make %s", name);
	if (move_mount(tree, "", nest, name, MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return 0;
	return errno == EINVAL ? -EOPNOTSUPP
			       : fail(failure, code_of_errno(errno), errno, step, "mount %s", bind.source);
}

/* *nest is the caller's also on failure. */
static int make_fresh(const cJSON *mount, const char *target, int *nest, struct failure *failure)
{
	struct mount_options read = { 0 };
	CLEANUP_CLOSE int context = -1;
	const char *data = "";
	int result;

	if (json_string(mount, "data", &data) == -EINVAL)
		return fail(failure, CRI_ECORRUPT, 0, step, "%s: the mount is malformed", target);
	result = read_options(mount, target, &read, failure);
	if (result < 0)
		return result;
	context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	result = context < 0 ? -errno : configure(context, data);
	if (result == 0) {
		*nest = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)read.attributes.attr_set);
		result = *nest < 0 ? -errno : 0;
	}
	return result < 0 ? fail(failure, code_of_errno(result), result, step, "a tmpfs for %s", target) : 0;
}

/* The mounts from *mount on that are a tmpfs, directories bound in it and that it is read-only, as one. Then *mount is
 * the next; it stays what it is where that is not what comes, or cannot be done. */
static int send_nest(const cJSON **mount, int init_socket, struct failure *failure)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	const cJSON *at = (*mount)->next;
	CLEANUP_CLOSE int nest = -1;
	const char *type, *filesystem, *target;
	int result;

	if (json_string(*mount, "type", &type) < 0 || strcmp(type, "fresh") != 0 ||
	    json_string(*mount, "filesystem", &filesystem) < 0 || strcmp(filesystem, "tmpfs") != 0 ||
	    json_string(*mount, "target", &target) < 0 || !name_in(at, "bind", target))
		return 0;
	result = make_fresh(*mount, target, &nest, failure);
	for (const char *name; result == 0 && (name = name_in(at, "bind", target)); at = at->next)
		result = nest_bind(at, name, nest, failure);
	if (result < 0)
		return result == -EOPNOTSUPP ? 0 : result;
	if (is_readonly(at, target)) {
		result = set_attributes(nest, true, &readonly);
		at = at->next;
	}
	if (result == 0)
		result = init_send(init_socket, INIT_MOUNT, 0, &target, 1, &nest, 1);
	if (result < 0)
		return fail(failure, code_of_errno(result), result, step, "send %s to cri-init", target);
	*mount = at;
	return 0;
}

int mounts_send(const struct order *order, int init_socket, struct failure *failure)
{
	const cJSON *mount = order->mounts ? order->mounts->child : NULL;

	while (mount) {
		const cJSON *before = mount;
		int result = send_nest(&mount, init_socket, failure);

		if (result == 0 && mount == before) {
			result = send_one(mount, order, init_socket, failure);
			mount = mount->next;
		}
		if (result < 0)
			return result;
	}
	return 0;
}
