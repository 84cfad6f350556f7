/* SPDX-License-Identifier: Apache-2.0 */
/* A main for fuzz targets without a fuzzer: what their corpora hold, and inputs cut short of it, once more, as a test.
 * The program's name, test_X, names the corpus: tests/fuzz/corpus/X. It prints what cmocka would. */
#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX ((size_t)8 << 20)
/* Beside itself each input is tried cut at so many places. */
#define CUTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the target was given when it died. */
static char current[NAME_MAX + 64];

static void die(int signal)
{
	static const char head[] = "the target died of ";

	(void)!write(STDERR_FILENO, head, sizeof(head) - 1);
	(void)!write(STDERR_FILENO, current, strlen(current));
	(void)!write(STDERR_FILENO, "\n", 1);
	raise(signal);
}

/* Exactly as large as it is, so that valgrind and the sanitizers see one byte too many. */
static int run(const char *name, const char *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;
	snprintf(current, sizeof(current), "%s, %zu bytes of it", name, size);
	if (size)
		memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 0;
}

static int replay(int directory, const char *name)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int error = fs_read(directory, name, INPUT_MAX, &content);

	for (size_t i = 0; i <= CUTS && !error; i++)
		error = run(name, content.data, content.length * i / CUTS);
	return error;
}

static int replay_all(const char *path, size_t *n)
{
	CLEANUP_DIR DIR *directory = opendir(path);
	struct dirent *entry;
	int error = directory ? 0 : -errno;

	while (!error && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		error = replay(dirfd(directory), entry->d_name);
		++*n;
	}
	return error;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
	const struct sigaction action = { .sa_handler = die, .sa_flags = (int)SA_RESETHAND };
	const char *name = strrchr(argv[0], '/');
	char path[PATH_MAX];
	size_t n = 0;
	int error;

	name = name ? name + 1 : argv[0];
	if (strncmp(name, "test_", 5) == 0)
		name += 5;
	if (argc > 1)
		snprintf(path, sizeof(path), "%s", argv[1]);
	else
		snprintf(path, sizeof(path), "%s/%s", CORPUS_DIRECTORY, name);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
	/* An input that takes for ever is a finding too. */
	(void)alarm(300);
	error = replay_all(path, &n);
	if (error || !n) {
		fprintf(stderr, "%s: %s\n", path, error ? strerrordesc_np(-error) : "it is empty");
		printf("[  FAILED  ] %s\n", name);
		return 1;
	}
	printf("[       OK ] %s: %zu inputs\n", name, n);
	return 0;
}
