/* SPDX-License-Identifier: Apache-2.0 */
/* The generated messages of proto/cri.proto. */
#ifndef CRI_SERVER_CONVERT_PROTO_H
#define CRI_SERVER_CONVERT_PROTO_H

/* The CRI has fields of this name; for compilers in GNU mode it is a macro. */
#undef linux

#include "proto/cri.pb-c.h"

#endif
