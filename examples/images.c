/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images from the command line: what is in the store, and what goes in and out of it.
 *
 *     images [--root DIRECTORY] [--state DIRECTORY] list
 *     images … pull NAME
 *     images … import PATH      an archive, a layout, or the manifest of an embedded image
 *     images … remove NAME|ID
 *
 * Build: cc images.c $(pkg-config --cflags --libs libcri). Run as root.
 */
#include <libcri/libcri.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR 40

struct command {
	const char *name;
	int (*run)(cri_engine *engine, const char *argument, cri_call *call);
	int has_argument;
};

/* The library calls it about ten times a second. */
static void draw(const cri_image_progress *progress, void *user_data)
{
	const double share = progress->bytes_total ? (double)progress->bytes_done / (double)progress->bytes_total : 0;
	const int filled = (int)(share * BAR);

	(void)user_data;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-8s [%.*s%*s] %u/%u layers, %.1f MB", progress->step, filled < BAR ? filled : BAR,
			"########################################", filled < BAR ? BAR - filled : 0, "",
			progress->layers_done, progress->layers_total, (double)progress->bytes_done / 1e6);
}

static void end_bar(void)
{
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
}

static void print_images(const cri_list *images)
{
	for (size_t i = 0; i < cri_list_count(images); i++) {
		const cri_image_info *image = cri_image_at(images, i);

		printf("%.19s %10.1f MB %s %s\n", image->id, (double)image->bytes / 1e6,
		       image->embedded ? "embedded" : "stored  ", image->n_repo_tags ? image->repo_tags[0] : "<none>");
	}
}

static int list(cri_engine *engine, const char *argument, cri_call *call)
{
	cri_list *images;
	int result = cri_image_list(engine, NULL, &images, call);

	(void)argument;
	if (result < 0)
		return result;
	print_images(images);
	cri_list_free(images);
	return 0;
}

static int pull(cri_engine *engine, const char *name, cri_call *call)
{
	const cri_pull_options options = { CRI_PULL_OPTIONS_INIT, .progress = draw };
	char *id;
	int result = cri_image_pull(engine, name, &options, &id, call);

	end_bar();
	if (result < 0)
		return result;
	printf("%s\n", id);
	cri_free(id);
	return 0;
}

static int import(cri_engine *engine, const char *path, cri_call *call)
{
	const cri_import_options options = { CRI_IMPORT_OPTIONS_INIT, .progress = draw };
	char *absolute = realpath(path, NULL);
	cri_list *images;
	int result = cri_image_import(engine, absolute ? absolute : path, &options, &images, call);

	end_bar();
	free(absolute);
	if (result < 0)
		return result;
	print_images(images);
	cri_list_free(images);
	return 0;
}

static int remove_image(cri_engine *engine, const char *name, cri_call *call)
{
	return cri_image_remove(engine, name, call);
}

static int usage(void)
{
	fputs("usage: images [--root DIRECTORY] [--state DIRECTORY] list | pull NAME | import PATH | remove NAME\n",
	      stderr);
	return 2;
}

static int run(const cri_engine_options *options, const struct command *command, const char *argument)
{
	cri_engine *engine = NULL;
	cri_call *call = NULL;
	int result = cri_call_new(&call);

	if (result == 0)
		result = cri_engine_open(options, &engine, call);
	if (result == 0)
		result = command->run(engine, argument, call);
	if (result < 0)
		fprintf(stderr, "images: %s: %s\n", cri_code_name(result), cri_call_message(call));
	cri_engine_close(engine);
	cri_call_free(call);
	return result < 0;
}

int main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "list", list, 0 },
		{ "pull", pull, 1 },
		{ "import", import, 1 },
		{ "remove", remove_image, 1 },
	};
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT };
	int at = 1;

	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		if (strcmp(argv[at], "--root") == 0)
			options.root = argv[at + 1];
		else if (strcmp(argv[at], "--state") == 0)
			options.state = argv[at + 1];
		else
			return usage();
	}
	for (size_t i = 0; at < argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[at]) == 0 && argc - at - 1 == commands[i].has_argument)
			return run(&options, &commands[i], argv[at + 1]);
	}
	return usage();
}
