/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of one member of the tar: the rules of the OCI image layer specification. */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define WHITEOUT_META ".wh..wh."

/* A member on its way into the tree. `name` is its last component, in the current directory. */
struct member {
	struct archive_entry *entry;
	char path[PATH_MAX];
	char *name;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec times[2];
};

static int read_owner(struct unpack *unpack, struct member *member)
{
	int64_t uid = archive_entry_uid(member->entry), gid = archive_entry_gid(member->entry);

	/* The highest number means "leave it" to chown(2). */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return unpack_refuse(unpack, "\"%.200s\" belongs to user %lld, group %lld", member->path,
				     (long long)uid, (long long)gid);
	member->uid = (uid_t)uid;
	member->gid = (gid_t)gid;
	return 0;
}

static int read_member(struct unpack *unpack, struct member *member)
{
	const char *name = archive_entry_pathname(member->entry);
	struct timespec time = { 0, 0 };
	int error;

	if (!name)
		return unpack_refuse(unpack, "a member's name cannot be read");
	error = path_clean(name, member->path);
	if (error)
		return error == -EBADMSG ? unpack_refuse(unpack, "\"%.200s\" leaves the root", name) : error;
	member->mode = archive_entry_perm(member->entry) & 07777;
	if (archive_entry_mtime_is_set(member->entry)) {
		time.tv_sec = archive_entry_mtime(member->entry);
		time.tv_nsec = archive_entry_mtime_nsec(member->entry);
	}
	if (time.tv_nsec < 0 || time.tv_nsec >= 1000000000)
		time.tv_nsec = 0;
	member->times[0] = member->times[1] = time;
	return read_owner(unpack, member);
}

/* Makes the member's directory the current one and `name` its last component. */
static int enter_parent(struct unpack *unpack, struct member *member)
{
	char *slash = strrchr(member->path, '/');
	int error;

	if (!slash) {
		char root[1] = "";

		member->name = member->path;
		return tree_enter(unpack, root);
	}
	*slash = '\0';
	error = tree_enter(unpack, member->path);
	*slash = '/';
	member->name = slash + 1;
	return error;
}

static bool must_chown(const struct unpack *unpack, const struct member *member)
{
	/* In a setgid directory a new file gets the directory's group. */
	return member->uid != 0 || member->gid != 0 || unpack->parent_setgid;
}

/* Owner, mode and times of what open(2) cannot be used on. */
static int set_metadata_at(struct unpack *unpack, const struct member *member)
{
	if (unpack->archive)
		return 0;
	if (must_chown(unpack, member) &&
	    fchownat(unpack->parent, member->name, member->uid, member->gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (archive_entry_filetype(member->entry) != AE_IFLNK &&
	    fchmodat(unpack->parent, member->name, member->mode, 0))
		return -errno;
	return utimensat(unpack->parent, member->name, member->times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int unpack_file(struct unpack *unpack, struct archive *tar, const struct member *member)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	const mode_t mode = unpack->archive ? 0600 : member->mode & 0777;
	CLEANUP_CLOSE int fd = openat(unpack->parent, member->name, flags, mode);
	struct stat status;
	int error;

	if (fd < 0)
		return -errno;
	error = data_write(unpack, tar, member->entry, fd);
	if (error)
		return error;
	if (!unpack->archive) {
		/* In this order: a new owner clears the setuid bit and the capabilities. */
		if (must_chown(unpack, member) && fchown(fd, member->uid, member->gid))
			return -errno;
		if (member->mode != mode && fchmod(fd, member->mode))
			return -errno;
		error = attributes_set(member->entry, fd);
		if (error)
			return error;
		if (futimens(fd, member->times))
			return -errno;
	}
	if (fstat(fd, &status))
		return -errno;
	tree_count(unpack, (uint64_t)status.st_blocks * 512);
	return 0;
}

static int unpack_node(struct unpack *unpack, const struct member *member, mode_t type)
{
	dev_t device = 0;

	if (type == S_IFCHR || type == S_IFBLK) {
		if (unpack->archive)
			return unpack_refuse(unpack, "\"%.200s\" is a device", member->path);
		device = makedev((unsigned)archive_entry_rdevmajor(member->entry),
				 (unsigned)archive_entry_rdevminor(member->entry));
	}
	if (mknodat(unpack->parent, member->name, type | (member->mode & 0777), device))
		return -errno;
	tree_count(unpack, 0);
	return set_metadata_at(unpack, member);
}

static int unpack_symbolic_link(struct unpack *unpack, const struct member *member)
{
	const char *target = archive_entry_symlink(member->entry);

	if (!target || !*target)
		return unpack_refuse(unpack, "\"%.200s\" is a link to nothing", member->path);
	if (symlinkat(target, unpack->parent, member->name))
		return -errno;
	tree_count(unpack, 0);
	return set_metadata_at(unpack, member);
}

/* For the end: the target is not in this tar, or not yet. */
static int remember_link(struct unpack *unpack, const char *name, const char *target)
{
	struct link *links;

	if (unpack->n_links >= UNPACK_MAX_LINKS)
		return unpack_refuse(unpack, "more than %d hard links lead to nothing in the layer", UNPACK_MAX_LINKS);
	if ((unpack->n_links & (unpack->n_links - 1)) == 0) {
		links = reallocarray(unpack->links, unpack->n_links ? unpack->n_links * 2 : 1, sizeof(*links));
		if (!links)
			return -ENOMEM;
		unpack->links = links;
	}
	links = &unpack->links[unpack->n_links];
	links->name = strdup(name);
	links->target = strdup(target);
	unpack->n_links++;
	return links->name && links->target ? 0 : -ENOMEM;
}

static int unpack_hard_link(struct unpack *unpack, const struct member *member)
{
	char target[PATH_MAX];
	const char *text = archive_entry_hardlink(member->entry);
	char *slash;
	int error = path_clean(text, target);
	int directory;

	if (error == -EBADMSG || (!error && !*target))
		return unpack_refuse(unpack, "\"%.200s\" is a link to \"%.200s\"", member->path, text);
	if (error)
		return error;
	/* Relative to a directory, as the member itself, so that links on the way stay inside. */
	slash = strrchr(target, '/');
	if (slash)
		*slash = '\0';
	directory = fs_open_in_root(unpack->root, slash ? target : ".", O_PATH | O_DIRECTORY, 0);
	if (directory >= 0) {
		error = linkat(directory, slash ? slash + 1 : target, unpack->parent, member->name, 0) ? -errno : 0;
		close(directory);
	} else {
		error = directory;
	}
	if (slash)
		*slash = '/';
	if (error == -ENOENT || error == -ENOTDIR)
		return remember_link(unpack, member->path, target);
	return error;
}

static int make(struct unpack *unpack, struct archive *tar, const struct member *member)
{
	if (archive_entry_hardlink(member->entry))
		return unpack_hard_link(unpack, member);
	switch (archive_entry_filetype(member->entry)) {
	case AE_IFREG:
		return unpack_file(unpack, tar, member);
	case AE_IFLNK:
		return unpack_symbolic_link(unpack, member);
	case AE_IFCHR:
		return unpack_node(unpack, member, S_IFCHR);
	case AE_IFBLK:
		return unpack_node(unpack, member, S_IFBLK);
	case AE_IFIFO:
		return unpack_node(unpack, member, S_IFIFO);
	default:
		return unpack_refuse(unpack, "\"%.200s\" is of an unknown type", member->path);
	}
}

/* After a failed mkdirat: a directory of that name serves, anything else makes way. What was deleted and made again
 * hides the old one. */
static int replace_by_directory(struct unpack *unpack, const struct member *member, bool *opaque)
{
	struct stat status;
	int error;

	if (errno != EEXIST || fstatat(unpack->parent, member->name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	path_set_remove(&unpack->missing, member->path);
	if (S_ISDIR(status.st_mode))
		return 0;
	*opaque = S_ISCHR(status.st_mode) && status.st_rdev == 0;
	error = tree_remove(unpack, member->name);
	if (error)
		return error;
	if (mkdirat(unpack->parent, member->name, 0700))
		return -errno;
	tree_count(unpack, 4096);
	return 0;
}

static int unpack_directory(struct unpack *unpack, const struct member *member)
{
	CLEANUP_CLOSE int fd = -1;
	bool opaque = false;
	int error;

	if (mkdirat(unpack->parent, member->name, unpack->archive ? 0700 : member->mode & 01777)) {
		error = replace_by_directory(unpack, member, &opaque);
		if (error)
			return error;
	} else {
		tree_count(unpack, 4096);
	}
	if (opaque) {
		error = report(UNPACK_OPAQUE, 0, member->path, NULL);
		if (error)
			return error;
	}
	error = set_metadata_at(unpack, member);
	if (error || unpack->archive || archive_entry_xattr_count(member->entry) == 0)
		return error;
	fd = openat(unpack->parent, member->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : attributes_set(member->entry, fd);
}

/* The root itself: "./". */
static int unpack_root(struct unpack *unpack, const struct member *member)
{
	if (unpack->archive || archive_entry_filetype(member->entry) != AE_IFDIR)
		return 0;
	if (fchown(unpack->root, member->uid, member->gid) || fchmod(unpack->root, member->mode) ||
	    futimens(unpack->root, member->times))
		return -errno;
	return attributes_set(member->entry, unpack->root);
}

static int make_opaque(struct member *member)
{
	char *slash = strrchr(member->path, '/');

	/* Nobody sees what is below the lowest root. */
	if (!slash)
		return report(UNPACK_OPAQUE, 0, ".", NULL);
	*slash = '\0';
	/* It hides what is in the directory below, not what that directory is: one without a member stays missing. */
	return report(UNPACK_OPAQUE, 0, member->path, NULL);
}

/* `.wh.name` deletes what lower layers have; what this layer has of that name stays. */
static int make_whiteout(struct unpack *unpack, struct member *member)
{
	char *hidden = member->name + strlen(WHITEOUT);
	struct stat status;

	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return unpack_refuse(unpack, "\"%.200s\" deletes nothing", member->path);
	memmove(member->name, hidden, strlen(hidden) + 1);
	if (mknodat(unpack->parent, member->name, S_IFCHR, 0) == 0) {
		tree_count(unpack, 0);
		return 0;
	}
	if (errno != EEXIST || fstatat(unpack->parent, member->name, &status, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return 0;
	path_set_remove(&unpack->missing, member->path);
	return report(UNPACK_OPAQUE, 0, member->path, NULL);
}

int entry_unpack(struct unpack *unpack, struct archive *tar, struct archive_entry *entry)
{
	struct member member = { .entry = entry };
	int error = read_member(unpack, &member);

	if (error)
		return error;
	if (!*member.path) {
		/* Its time is set last: forget the one that would be put back. */
		error = tree_leave(unpack);
		return error ? error : unpack_root(unpack, &member);
	}
	error = enter_parent(unpack, &member);
	if (error)
		return error;
	if (!unpack->archive && strncmp(member.name, WHITEOUT, strlen(WHITEOUT)) == 0) {
		if (strcmp(member.name, OPAQUE) == 0)
			return make_opaque(&member);
		/* Notes of aufs to itself. */
		if (strncmp(member.name, WHITEOUT_META, strlen(WHITEOUT_META)) == 0)
			return 0;
		return make_whiteout(unpack, &member);
	}
	if (archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry))
		return unpack_directory(unpack, &member);
	error = make(unpack, tar, &member);
	if (error != -EEXIST)
		return error;
	/* The last of several members with one name counts. */
	error = tree_remove(unpack, member.name);
	return error ? error : make(unpack, tar, &member);
}
