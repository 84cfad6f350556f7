/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/fs.h"
#include "libcri/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int document_begin(struct document *document, uint64_t limit, struct failure *failure)
{
	*document = (struct document){ .memory = -1, .limit = limit, .digest = digest_new() };
	if (!document->digest)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	document->memory = memfd_create("cri-fetch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return document->memory < 0 ? fail_errno(failure, errno, "make a memory file") : 0;
}

int document_take(void *context, const void *bytes, size_t length, struct failure *failure)
{
	struct document *document = context;
	int error;

	document->size += length;
	if (document->size > document->limit)
		return fail(failure, CRI_EEXHAUSTED, "it is larger than the limit of %llu bytes",
			    (unsigned long long)document->limit);
	if (digest_add(document->digest, bytes, length))
		return fail(failure, CRI_EINTERNAL, "sha256 failed");
	error = fs_write_full(document->memory, bytes, length);
	return error ? fail_errno(failure, -error, "write to memory") : 0;
}

int document_end(struct document *document, char digest[DIGEST_SIZE], struct failure *failure)
{
	if (fcntl(document->memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return fail_errno(failure, errno, "seal the memory");
	return digest_end(document->digest, digest) ? fail(failure, CRI_EINTERNAL, "sha256 failed") : 0;
}

void document_free(struct document *document)
{
	if (document->memory >= 0)
		close(document->memory);
	digest_free(document->digest);
	*document = (struct document){ .memory = -1 };
}
