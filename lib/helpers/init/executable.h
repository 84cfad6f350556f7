/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_HELPERS_INIT_EXECUTABLE_H
#define LIBCRI_HELPERS_INIT_EXECUTABLE_H

#include <limits.h>

/*
 * What execvp would execute, with the rights that this process has now: a name with a slash is a path, any other is
 * looked for in `search` ("" in it is the working directory). -ENOENT: nowhere; -EACCES: what was found may not be
 * executed, or is no file.
 */
int executable_find(const char *name, const char *search, char executable[PATH_MAX]);

#endif
