/* SPDX-License-Identifier: Apache-2.0 */
/* The table of result codes. */
#include "libcri/error.h"

enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_DATA_LOSS = 15,
};

struct code_description {
	const char *name;
	const char *text;
	enum grpc_status grpc;
};

/* Indexed by the negated code. The CRI's own error kinds are told by a prefix of a message of status UNKNOWN. */
static const struct code_description descriptions[] = {
	[-CRI_OK] = { "CRI_OK", "success", GRPC_OK },
	[-CRI_EINVAL] = { "CRI_EINVAL", "an argument is malformed", GRPC_INVALID_ARGUMENT },
	[-CRI_ENOTFOUND] = { "CRI_ENOTFOUND", "the object does not exist", GRPC_NOT_FOUND },
	[-CRI_EEXIST] = { "CRI_EEXIST", "an object of that name exists", GRPC_ALREADY_EXISTS },
	[-CRI_EPRECONDITION] = { "CRI_EPRECONDITION", "the object is not in the state that the call needs",
				 GRPC_FAILED_PRECONDITION },
	[-CRI_ETIMEDOUT] = { "CRI_ETIMEDOUT", "the deadline passed", GRPC_DEADLINE_EXCEEDED },
	[-CRI_ECANCELED] = { "CRI_ECANCELED", "the call was cancelled", GRPC_CANCELLED },
	[-CRI_EAGAIN] = { "CRI_EAGAIN", "not finished yet", GRPC_UNAVAILABLE },
	[-CRI_ENOTSUP] = { "CRI_ENOTSUP", "not supported here", GRPC_UNIMPLEMENTED },
	[-CRI_ENOMEM] = { "CRI_ENOMEM", "memory ran out", GRPC_RESOURCE_EXHAUSTED },
	[-CRI_EEXHAUSTED] = { "CRI_EEXHAUSTED", "a limit, a quota or the disk is exhausted", GRPC_RESOURCE_EXHAUSTED },
	[-CRI_EPERM] = { "CRI_EPERM", "the kernel or a policy forbids it", GRPC_PERMISSION_DENIED },
	[-CRI_EUNAVAILABLE] = { "CRI_EUNAVAILABLE", "something that the call depends on does not answer",
				GRPC_UNAVAILABLE },
	[-CRI_ECORRUPT] = { "CRI_ECORRUPT", "data failed its digest, its format or its schema", GRPC_DATA_LOSS },
	[-CRI_EINTERNAL] = { "CRI_EINTERNAL", "a system call failed unexpectedly", GRPC_INTERNAL },
	[-CRI_EFORKED] = { "CRI_EFORKED", "the engine was opened before a fork", GRPC_FAILED_PRECONDITION },
	[-CRI_EOVERFLOW] = { "CRI_EOVERFLOW", "events were dropped before they were read", GRPC_OUT_OF_RANGE },
	[-CRI_EREGISTRY] = { "CRI_EREGISTRY", "the registry is down or refuses to talk", GRPC_UNKNOWN },
	[-CRI_ESIGNATURE] = { "CRI_ESIGNATURE", "an image policy refused the image", GRPC_UNKNOWN },
	[-CRI_ERRO] = { "CRI_ERRO", "a recursive read-only mount is impossible here", GRPC_UNKNOWN },
};

static const struct code_description unknown = { "CRI_E?", "unknown result code", GRPC_UNKNOWN };

static const struct code_description *describe(int code)
{
	const int count = sizeof(descriptions) / sizeof(descriptions[0]);

	return code <= 0 && code > -count ? &descriptions[-code] : &unknown;
}

const char *cri_code_name(int code)
{
	return describe(code)->name;
}

const char *cri_code_text(int code)
{
	return describe(code)->text;
}

int cri_code_grpc(int code)
{
	return (int)describe(code)->grpc;
}
