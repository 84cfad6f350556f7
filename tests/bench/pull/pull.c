/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls an image once into an empty root, then as often as told while it is unchanged, and prints the milliseconds:
 * first the pull's, then a line with the p50 and p95 of the others.
 *
 *     pull ROOT STATE REFERENCE TIMES
 */
#include "libcri/libcri.h"

#include "../samples.h"

#include <stdio.h>
#include <stdlib.h>

static int pull(cri_engine *engine, const char *reference, cri_call *call, double *milliseconds)
{
	const double begin = now_milliseconds();
	char *id;

	if (cri_image_pull(engine, reference, NULL, &id, call)) {
		fprintf(stderr, "%s\n", cri_call_message(call));
		return -1;
	}
	*milliseconds = now_milliseconds() - begin;
	cri_free(id);
	return 0;
}

int main(int argc, char **argv)
{
	struct samples samples = { NULL, 0, 0 };
	cri_engine_options options = { CRI_ENGINE_OPTIONS_INIT };
	cri_engine *engine;
	cri_call *call;
	double milliseconds;
	int result;

	if (argc != 5 || cri_call_new(&call))
		return 2;
	options.root = argv[1];
	options.state = argv[2];
	if (cri_engine_open(&options, &engine, call)) {
		fprintf(stderr, "%s\n", cri_call_message(call));
		return 1;
	}
	result = pull(engine, argv[3], call, &milliseconds);
	if (!result)
		printf("%.2f\n", milliseconds);
	for (int i = 0; i < atoi(argv[4]) && !result; i++) {
		result = pull(engine, argv[3], call, &milliseconds);
		if (!result)
			samples_add(&samples, milliseconds);
	}
	if (!result && samples.n)
		printf("%.3f %.3f\n", samples_percentile(&samples, 50), samples_percentile(&samples, 95));
	samples_free(&samples);
	cri_engine_close(engine);
	cri_call_free(call);
	return result != 0;
}
