/* SPDX-License-Identifier: Apache-2.0 */
/* CNI plugins that are scripts and write down what they are given: first, second, third, and versioned, which answers
 * in the version that it is asked in. */
#ifndef LIBCRI_TESTS_INTEGRATION_PLUGIN_SCRIPTS_H
#define LIBCRI_TESTS_INTEGRATION_PLUGIN_SCRIPTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Puts them among the plugins, with nothing written down yet. */
void scripts_install(void);

/* What was written down, to be freed: "calls" has a line for each call, "first ADD eth0"; "first.ADD.env" is the
 * environment, sorted, and "first.ADD.stdin" the input of the last call. */
char *scripts_read(const char *name);
cJSON *scripts_json(const char *name);
bool scripts_has(const char *name);

/* From now on the plugin fails with this command; NULL: none. */
void scripts_fail(const char *plugin, const char *command);

#endif
