/* SPDX-License-Identifier: Apache-2.0 */
/* What registries answer for signatures, the payloads, and image policies: what is accepted has all that its reader
 * relies on. */
#include "image/policy.h"
#include "image/reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const char *json, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct signature *signatures = NULL;
	size_t n_signatures = 0;
	cri_call call;

	call_init(&call);
	if (signature_manifest_parse(&arena, json, size, &signatures, &n_signatures, &call) < 0)
		return;
	for (size_t i = 0; i < n_signatures; i++)
		if (!signatures[i].base64 || !digest_is_valid(signatures[i].digest))
			abort();
}

static void check_payload(const char *json, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const char *text = arena_printf(&arena, "%.*s", (int)size, json);
	const char *digest, *name;
	cri_call call;

	call_init(&call);
	if (text && signature_read(&arena, text, &digest, &name, &call) == 0 && (!digest || !name))
		abort();
}

static void check_policy(const char *json, size_t size)
{
	static const char *const transports[] = { "docker", "oci", "embedded" };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct policy policy;
	cri_call call;

	call_init(&call);
	if (policy_parse(&arena, json, size, &policy, &call) < 0)
		return;
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		const struct policy_subject subject = { .transport = transports[i],
							.scope = i ? "/a/b" : "docker.io/library/busybox:latest" };
		const struct policy_scope *scope = policy_find(&arena, &policy, &subject);

		/* There is a default, and it is not empty. */
		if (!scope || !scope->n_requirements)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_manifest((const char *)data, size);
	check_payload((const char *)data, size);
	check_policy((const char *)data, size);
	return 0;
}
