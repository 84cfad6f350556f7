/* SPDX-License-Identifier: Apache-2.0 */
/* The client of cri-pack (image/pack_protocol.h). */
#ifndef LIBCRI_IMAGE_PACK_H
#define LIBCRI_IMAGE_PACK_H

#include "image/unpack.h"

/* Starts making a tar of `directory`; *source is the caller's end of the pipe that it goes to. What it tells, and its
 * end, are an unpacker's (image/unpack.h). */
int packer_start(cri_engine *engine, int directory, struct unpacker *packer, int *source, cri_call *call);

#endif
