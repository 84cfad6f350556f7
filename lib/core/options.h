/* SPDX-License-Identifier: Apache-2.0 */
/* An engine's options, as they count. */
#ifndef LIBCRI_CORE_OPTIONS_H
#define LIBCRI_CORE_OPTIONS_H

#include "base/arena.h"
#include "core/call.h"
#include "libcri/engine.h"

/* Copies what a program gave, NULL for the defaults, into the arena: defaults filled in, directories absolute and
 * without
 * "//" or a trailing "/". CRI_EINVAL names the option; CRI_ENOTSUP: its area is not built yet. `options` is set only
 * when 0 is returned. */
int options_settle(struct arena *arena, const cri_engine_options *given, cri_engine_options *options, cri_call *call);

#endif
