/* SPDX-License-Identifier: Apache-2.0 */
/* cri-init's decoder of process records: no byte outside the record is touched, every text it answers ends. */
#include "helpers/init/process.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct process process;
	static struct failure failure;
	/* Exactly as large as promised, so that the sanitizer sees one byte too many. */
	char *record = malloc(size + 1);
	char **arguments = malloc(PROCESS_POINTERS(size) * sizeof(*arguments));
	char **environment = malloc(PROCESS_POINTERS(size) * sizeof(*environment));
	size_t total = 0;

	if (record && arguments && environment) {
		if (size)
			memcpy(record, data, size);
		if (process_decode(record, size, arguments, environment, &process, &failure) == 0) {
			for (char **at = process.arguments; *at; at++)
				total += strlen(*at);
			for (char **at = process.environment; *at; at++)
				total += strlen(*at);
			total += strlen(process.user) + strlen(process.directory);
			process_add_variable(&process, "PATH", record);
			process_add_variable(&process, "TERM", record);
			process_add_variable(&process, "HOME", record);
		}
	}
	free(record);
	free(arguments);
	free(environment);
	if (total > size + 1)
		abort();
	return 0;
}
