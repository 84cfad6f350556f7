/* SPDX-License-Identifier: Apache-2.0 */
/* Which seccomp profile a process gets. The shim compiles it (helpers/shim/filter.h), cri-init loads it. */
#ifndef LIBCRI_RUNTIME_SECCOMP_H
#define LIBCRI_RUNTIME_SECCOMP_H

#include "base/arena.h"
#include "config/config.h"

/* The built-in profile, in the place of one's text. */
#define SECCOMP_DEFAULT "default"

/*
 * Settles *profile: "" for none, SECCOMP_DEFAULT, or the JSON text of a file. `asked` wins over `path`, the form of
 * 2019: "" and "unconfined" are none, "runtime/default" is the built-in one, else a file, "localhost/" before it or
 * not. CRI_EINVAL names the field and the file.
 */
int seccomp_settle(struct arena *arena, const cri_security_profile *asked, const char *path, const char **profile,
		   cri_call *call);

#endif
