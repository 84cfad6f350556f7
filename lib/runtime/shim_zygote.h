/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that an engine's shims are forked from (shim_protocol.h): it has loaded what they need. An engine has at
 * most one; it ends with the engine, or by itself soon after the last pod or container was begun. With monitors in the
 * pods' cgroups there is none, since each shim then is born in another.
 */
#ifndef LIBCRI_RUNTIME_SHIM_ZYGOTE_H
#define LIBCRI_RUNTIME_SHIM_ZYGOTE_H

#include "core/engine.h"

/* A shim will be wanted soon. Best effort: what fails here fails again, and is told, when it is. */
void shim_zygote_warm(cri_engine *engine);

/* Asks for a shim of the container, whose end of its first pair `fd` is, and stays the caller's. */
int shim_zygote_ask(cri_engine *engine, const char *id, int fd, cri_call *call);

/* At the engine's end. A child of fork does not end its parent's. */
void shim_zygote_free(cri_engine *engine);

#endif
