/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cri-pack tells libcri.so.
 *
 *     cri-pack
 *     1  takes the tar
 *     3  the status socket (SOCK_SEQPACKET): one struct unpack_message (image/unpack_protocol.h), UNPACK_DONE once the
 *        tar is whole, or UNPACK_ERROR
 *     4  the layer's directory, and the helper's root before it reads a byte
 *
 * The same directory makes the same tar: members in the order of their names' bytes, parents before children, with
 * owners, modes, times, capabilities of files, user attributes, holes; whiteouts and opaque directories as the OCI
 * image layer specification has them.
 */
#ifndef LIBCRI_IMAGE_PACK_PROTOCOL_H
#define LIBCRI_IMAGE_PACK_PROTOCOL_H

#include "image/unpack_protocol.h"

#endif
