/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/reader.h"

#include "base/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* A path below the hierarchy's root, and the descriptor that it begins at. Half of what a file costs is the way to it,
 * and of that half again the way to the root: kernfs lets no component be passed without its locks. */
static int below_root(const struct cgroup_hierarchy *hierarchy, const char *cgroup, const char *file,
		      char path[PATH_MAX])
{
	int result;

	if (!hierarchy->directory) {
		result = cgroup_path(path, hierarchy, cgroup, file);
		return result < 0 ? result : AT_FDCWD;
	}
	if (strcmp(cgroup, "/") == 0)
		result = fs_path(path, PATH_MAX, "%s", file ? file : ".");
	else
		result = fs_path(path, PATH_MAX, "%s%s%s", cgroup + 1, file ? "/" : "", file ? file : "");
	return result < 0 ? result : hierarchy->directory;
}

/* AT_FDCWD is negative too. */
static bool is_error(int directory)
{
	return directory < 0 && directory != AT_FDCWD;
}

int cgroup_reader_open(struct cgroup_reader *reader, const struct cgroup_system *system, const char *cgroup)
{
	char path[PATH_MAX];
	int directory;

	reader->system = system;
	reader->cgroup = cgroup;
	reader->directory = -1;
	reader->large = NULL;
	reader->text = reader->small;
	reader->text[0] = '\0';
	if (!system->unified)
		return 1;
	directory = below_root(&system->hierarchies[0], cgroup, NULL, path);
	if (is_error(directory))
		return directory;
	reader->directory = openat(directory, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (reader->directory < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

/* In one read(2) like the small ones. */
static ssize_t read_large(struct cgroup_reader *reader, int directory, const char *file)
{
	char *end;
	ssize_t length;

	if (!reader->large)
		reader->large = malloc(CGROUP_TEXT_MAX);
	if (!reader->large)
		return -ENOMEM;
	reader->text = reader->large;
	length = cgroup_file_read_at(directory, file, reader->text, CGROUP_TEXT_MAX);
	if (length != -EFBIG)
		return length;
	reader->text[CGROUP_TEXT_MAX - 1] = '\0';
	end = strrchr(reader->text, '\n');
	if (!end)
		return -EFBIG;
	*end = '\0';
	return end - reader->text;
}

int cgroup_reader_text(struct cgroup_reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file)
{
	char path[PATH_MAX];
	int directory = reader->directory;
	ssize_t length;

	if (directory < 0) {
		directory = below_root(hierarchy, reader->cgroup, file, path);
		file = path;
	}
	if (is_error(directory))
		return directory;
	reader->text = reader->small;
	length = cgroup_file_read_at(directory, file, reader->text, CGROUP_TEXT_SIZE);
	if (length == -EFBIG)
		length = read_large(reader, directory, file);
	if (length == -ENOENT || length == -ENODEV || length == -EOPNOTSUPP)
		return 0;
	return length < 0 ? (int)length : 1;
}

int cgroup_reader_number(struct cgroup_reader *reader, const struct cgroup_hierarchy *hierarchy, const char *file,
			 uint64_t *number)
{
	int result = cgroup_reader_text(reader, hierarchy, file);

	if (result > 0)
		*number = strncmp(reader->text, "max", 3) == 0 ? UINT64_MAX : strtoull(reader->text, NULL, 10);
	return result;
}

void cgroup_pick_figures(const char *text, const struct cgroup_figure *figures, size_t n)
{
	while (*text) {
		size_t length = strcspn(text, " \n");

		for (size_t i = 0; i < n; i++) {
			if (strncmp(figures[i].name, text, length) == 0 && !figures[i].name[length])
				*figures[i].value = strtoull(text + length, NULL, 10);
		}
		text += length;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}
