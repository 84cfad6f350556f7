/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/error.h
 * Result codes. Every function of libcri that can fail returns 0 or one of these negative numbers; the text, the
 * object, the step and the errno behind a failure are kept by the optional cri_call (libcri/call.h).
 */
#ifndef LIBCRI_ERROR_H
#define LIBCRI_ERROR_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Result codes. Numbers never change; new codes are added at the end. */
typedef enum cri_code {
	CRI_OK = 0,
	CRI_EINVAL = -1,        /**< an argument is malformed; nothing was changed (gRPC INVALID_ARGUMENT) */
	CRI_ENOTFOUND = -2,     /**< the object does not exist (gRPC NOT_FOUND) */
	CRI_EEXIST = -3,        /**< an object of that name exists (gRPC ALREADY_EXISTS) */
	CRI_EPRECONDITION = -4, /**< the object is not in the state that the call needs (gRPC FAILED_PRECONDITION) */
	CRI_ETIMEDOUT =
		-5, /**< the deadline of the call or the timeout of the command passed (gRPC DEADLINE_EXCEEDED) */
	CRI_ECANCELED = -6,   /**< cri_call_cancel or cri_op_cancel (gRPC CANCELLED) */
	CRI_EAGAIN = -7,      /**< cri_op_finish: not finished, poll cri_op_fd and call again */
	CRI_ENOTSUP = -8,     /**< not built, or this machine cannot do it (gRPC UNIMPLEMENTED) */
	CRI_ENOMEM = -9,      /**< memory ran out; the engine stays usable (gRPC RESOURCE_EXHAUSTED) */
	CRI_EEXHAUSTED = -10, /**< a limit, a quota or the disk is exhausted (gRPC RESOURCE_EXHAUSTED) */
	CRI_EPERM = -11,      /**< the kernel or a policy forbids it (gRPC PERMISSION_DENIED) */
	CRI_EUNAVAILABLE =
		-12,          /**< something this call depends on does not answer; retry may help (gRPC UNAVAILABLE) */
	CRI_ECORRUPT = -13,   /**< data failed its digest, its format or its schema (gRPC DATA_LOSS) */
	CRI_EINTERNAL = -14,  /**< a system call failed unexpectedly, or a bug (gRPC INTERNAL) */
	CRI_EFORKED = -15,    /**< the engine was opened before a fork; the child must open its own */
	CRI_EOVERFLOW = -16,  /**< events were dropped before they were read (gRPC OUT_OF_RANGE) */
	CRI_EREGISTRY = -17,  /**< the registry is down or refuses to talk (CRI prefix RegistryUnavailable) */
	CRI_ESIGNATURE = -18, /**< an image policy refused the image (CRI prefix SignatureValidationFailed) */
	CRI_ERRO = -19        /**< a recursive read-only mount is impossible here (CRI prefix RROUnsupported) */
} cri_code;

/** The name of a code, such as "CRI_ENOTFOUND"; "CRI_E?" for an unknown number. Static, never NULL. */
CRI_API const char *cri_code_name(int code);

/** One short English sentence for a code. Static, never NULL. */
CRI_API const char *cri_code_text(int code);

/** The gRPC status number (0 to 16) that cri-server answers for a code; 2 (UNKNOWN) for an unknown number. */
CRI_API int cri_code_grpc(int code);

#ifdef __cplusplus
}
#endif
#endif
