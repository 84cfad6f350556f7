/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through a stack of layers. Whiteouts are plain device nodes, so this needs the right to make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "image/merged.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

struct stack {
	char directory[64];
	int layers[3]; /* highest first */
	struct merged merged;
};

static int set_up(void **state)
{
	struct stack *stack = calloc(1, sizeof(*stack));

	if (!stack)
		return -1;
	strcpy(stack->directory, "/tmp/libcri-merged-XXXXXX");
	if (!mkdtemp(stack->directory))
		return -1;
	for (int i = 0; i < 3; i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/%d", stack->directory, i);
		if (fs_make_directories(path, 0755))
			return -1;
		stack->layers[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (stack->layers[i] < 0)
			return -1;
	}
	stack->merged = (struct merged){ stack->layers, 3 };
	*state = stack;
	return 0;
}

static int tear_down(void **state)
{
	struct stack *stack = *state;
	int error;

	for (int i = 0; i < 3; i++)
		close(stack->layers[i]);
	error = fs_remove_tree(AT_FDCWD, stack->directory);
	free(stack);
	return error;
}

static void make_directory(const struct stack *stack, int layer, const char *path)
{
	assert_int_equal(mkdirat(stack->layers[layer], path, 0755), 0);
}

static void make_file(const struct stack *stack, int layer, const char *path)
{
	int fd = openat(stack->layers[layer], path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static void make_whiteout(const struct stack *stack, int layer, const char *path)
{
	if (mknodat(stack->layers[layer], path, S_IFCHR, 0))
		skip();
}

/* The layer that a path is found in; negative: an error. */
static int find(const struct stack *stack, const char *path)
{
	CLEANUP_ENTRY struct merged_entry entry = MERGED_ENTRY_EMPTY;
	int error = merged_find(&stack->merged, path, &entry);

	return error ? error : (int)entry.layer;
}

static void test_find(void **state)
{
	const struct stack *stack = *state;

	make_directory(stack, 2, "d");
	make_file(stack, 2, "d/low");
	make_file(stack, 2, "d/both");
	make_directory(stack, 1, "d");
	make_file(stack, 1, "d/both");
	make_file(stack, 1, "file");
	make_directory(stack, 2, "file");
	make_file(stack, 2, "file/hidden");
	assert_int_equal(find(stack, ""), 0);
	assert_int_equal(find(stack, "d"), 1);
	assert_int_equal(find(stack, "d/low"), 2);
	assert_int_equal(find(stack, "d/both"), 1);
	assert_int_equal(find(stack, "file"), 1);
	assert_int_equal(find(stack, "file/hidden"), -ENOENT);
	assert_int_equal(find(stack, "absent"), -ENOENT);
	assert_int_equal(find(stack, "d/absent/deep"), -ENOENT);
}

static void test_whiteouts(void **state)
{
	const struct stack *stack = *state;

	make_directory(stack, 2, "d");
	make_file(stack, 2, "d/file");
	make_file(stack, 2, "gone");
	make_whiteout(stack, 1, "gone");
	make_whiteout(stack, 1, "d");
	make_directory(stack, 0, "d");
	make_file(stack, 0, "d/new");
	assert_int_equal(find(stack, "gone"), -ENOENT);
	assert_int_equal(find(stack, "d/file"), -ENOENT);
	assert_int_equal(find(stack, "d/new"), 0);
}

static void test_opaque(void **state)
{
	const struct stack *stack = *state;
	CLEANUP_CLOSE int fd = -1;

	make_directory(stack, 2, "d");
	make_directory(stack, 2, "d/e");
	make_file(stack, 2, "d/e/low");
	make_directory(stack, 1, "d");
	make_directory(stack, 0, "d");
	fd = openat(stack->layers[1], "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(find(stack, "d/e/low"), 2);
	if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0))
		skip();
	assert_int_equal(find(stack, "d/e/low"), -ENOENT);
	assert_int_equal(find(stack, "d/e"), -ENOENT);
	assert_int_equal(find(stack, "d"), 0);
}

static void resolve(const struct stack *stack, const char *path, bool follow, const char *expected)
{
	char resolved[PATH_MAX];

	assert_int_equal(merged_resolve(&stack->merged, path, follow, resolved), 0);
	assert_string_equal(resolved, expected);
}

static void test_resolve(void **state)
{
	const struct stack *stack = *state;
	char resolved[PATH_MAX];

	make_directory(stack, 2, "usr");
	make_directory(stack, 2, "usr/lib");
	assert_int_equal(symlinkat("usr/lib", stack->layers[2], "lib"), 0);
	assert_int_equal(symlinkat("/lib/../lib", stack->layers[2], "usr/again"), 0);
	assert_int_equal(symlinkat("../../../../usr", stack->layers[1], "up"), 0);
	assert_int_equal(symlinkat("loop", stack->layers[1], "loop"), 0);
	/* A directory higher up takes the link's place. */
	assert_int_equal(symlinkat("/usr", stack->layers[2], "replaced"), 0);
	make_directory(stack, 0, "replaced");
	resolve(stack, "", true, "");
	resolve(stack, "lib", true, "usr/lib");
	resolve(stack, "lib", false, "lib");
	resolve(stack, "lib/x/y", false, "usr/lib/x/y");
	resolve(stack, "usr/again/x", false, "usr/lib/x");
	resolve(stack, "up/lib", true, "usr/lib");
	resolve(stack, "replaced/x", true, "replaced/x");
	resolve(stack, "./usr/.././absent/x", true, "absent/x");
	assert_int_equal(merged_resolve(&stack->merged, "loop", true, resolved), -ELOOP);
	resolve(stack, "loop", false, "loop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whiteouts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_opaque, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resolve, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
