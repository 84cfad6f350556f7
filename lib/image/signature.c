/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where signatures are. In a registry they are the layers of an image with a tag made of the digest that they are for,
 * as cosign and podman push them: the layer is the payload, its annotation the signature. In a directory they are
 * `cosign sign --output-payload sha256-X.payload --output-signature sha256-X.sig`.
 */
#include "image/policy.h"

#include "base/buffer.h"
#include "base/fs.h"
#include "base/json.h"
#include "image/document.h"
#include "image/reference.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "look for signatures";

#define PAYLOAD_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define PAYLOAD_LIMIT ((size_t)16 * 1024)
#define SIGNATURE_LIMIT ((size_t)16 * 1024)
#define SIGNATURE_ANNOTATION "dev.cosignproject.cosign/signature"
#define SIGNATURES_MAX 64

/* What `critical.type` says: that it is about an image, and not about something else that the key signed. */
static const char *const types[] = { "cosign container image signature", "atomic container signature" };

/* --- a registry --- */

int signature_manifest_parse(struct arena *arena, const char *json, size_t length, struct signature **signatures,
			     size_t *n_signatures, cri_call *call)
{
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *layers, *layer;
	int result = document_parse(json, length, &document, step, call);

	*n_signatures = 0;
	*signatures = arena_array(arena, SIGNATURES_MAX, sizeof(**signatures));
	if (result < 0)
		return result;
	if (!*signatures)
		return call_no_memory(call, step);
	if (json_array(document, "layers", &layers))
		return call_fail(call, CRI_ECORRUPT, step, "the signatures' manifest has no layers");
	cJSON_ArrayForEach(layer, layers)
	{
		struct signature *signature = &(*signatures)[*n_signatures];
		const cJSON *annotations;
		const char *media_type, *digest, *base64;

		if (*n_signatures == SIGNATURES_MAX)
			break;
		if (json_string(layer, "mediaType", &media_type) || strcmp(media_type, PAYLOAD_TYPE) != 0 ||
		    json_object(layer, "annotations", &annotations) ||
		    json_string(annotations, SIGNATURE_ANNOTATION, &base64) || strlen(base64) > SIGNATURE_LIMIT ||
		    json_string(layer, "digest", &digest) || !digest_is_valid(digest))
			continue;
		signature->base64 = arena_strdup(arena, base64);
		signature->digest = arena_strdup(arena, digest);
		if (!signature->base64 || !signature->digest)
			return call_no_memory(call, step);
		++*n_signatures;
	}
	return 0;
}

static int from_registry(struct arena *arena, const struct policy_subject *subject, const char *digest,
			 struct signature **signatures, size_t *n_signatures, cri_call *call)
{
	const char *tag = arena_printf(arena, "sha256-%s.sig", digest + strlen(DIGEST_PREFIX));
	struct fetch_expected expected = { "", UINT64_MAX, PAYLOAD_LIMIT };
	struct fetch_manifest manifest;
	const char *found;
	cri_call look;
	size_t length;
	int result;

	*n_signatures = 0;
	if (!tag)
		return call_no_memory(call, step);
	call_init_child(&look, call);
	result = fetch_manifest(subject->fetch, arena, tag, false, &manifest, &look);
	if (result == CRI_ENOTFOUND)
		return 0;
	if (result < 0) {
		call_copy_failure(call, &look);
		return result;
	}
	result = signature_manifest_parse(arena, manifest.bytes, manifest.length, signatures, n_signatures, call);
	for (size_t i = 0; i < *n_signatures && result == 0; i++) {
		expected.digest = (*signatures)[i].digest;
		result = fetch_blob(subject->fetch, arena, -1, &expected, &(*signatures)[i].payload, &length, &found,
				    call);
	}
	return result;
}

/* --- a directory --- */

/* *text NULL: there is none. */
static int read_file(struct arena *arena, int directory, const char *name, size_t limit, const char **text,
		     cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	int error = fs_read(directory, name, limit, &content);
	char *copy;

	*text = NULL;
	if (error == -ENOENT)
		return 0;
	if (error)
		return call_fail_errno(call, error, step, "read %s", name);
	copy = arena_strdup(arena, content.data ? content.data : "");
	if (!copy)
		return call_no_memory(call, step);
	*text = copy;
	return 0;
}

static int from_directory(struct arena *arena, const char *path, const char *digest, struct signature *signature,
			  bool *found, cri_call *call)
{
	const char *digits = digest + strlen(DIGEST_PREFIX);
	const char *payload_name = arena_printf(arena, "sha256-%s.payload", digits);
	const char *signature_name = arena_printf(arena, "sha256-%s.sig", digits);
	CLEANUP_CLOSE int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *base64 = NULL;
	char *trimmed;
	int result;

	if (!payload_name || !signature_name)
		return call_no_memory(call, step);
	if (directory < 0)
		return errno == ENOENT ? 0 : call_fail_errno(call, errno, step, "open %s", path);
	result = read_file(arena, directory, payload_name, PAYLOAD_LIMIT, &signature->payload, call);
	if (result == 0)
		result = read_file(arena, directory, signature_name, SIGNATURE_LIMIT, &base64, call);
	if (result < 0 || !signature->payload || !base64)
		return result;
	trimmed = arena_strdup(arena, base64);
	if (!trimmed)
		return call_no_memory(call, step);
	for (size_t length = strlen(trimmed); length && strchr(" \t\r\n", trimmed[length - 1]); length--)
		trimmed[length - 1] = '\0';
	signature->base64 = trimmed;
	*found = true;
	return 0;
}

int signature_find(struct arena *arena, const struct policy_subject *subject, const char *digest, const char *directory,
		   struct signature **signatures, size_t *n_signatures, cri_call *call)
{
	struct signature *local = arena_array(arena, 1, sizeof(*local));
	bool found = false;
	int result;

	*n_signatures = 0;
	if (!local)
		return call_no_memory(call, step);
	result = *directory ? from_directory(arena, directory, digest, local, &found, call) : 0;
	if (result == 0 && found) {
		*signatures = local;
		*n_signatures = 1;
	} else if (result == 0 && subject->registry) {
		result = from_registry(arena, subject, digest, signatures, n_signatures, call);
	}
	return result;
}

/* --- what it says --- */

int signature_read(struct arena *arena, const char *payload, const char **digest, const char **name, cri_call *call)
{
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *critical, *image, *identity;
	const char *type, *text, *signed_name;
	bool known = false;

	if (json_parse(payload, strlen(payload), PAYLOAD_LIMIT, &document) ||
	    json_object(document, "critical", &critical) || json_string(critical, "type", &type) ||
	    json_object(critical, "image", &image) || json_string(image, "docker-manifest-digest", &text) ||
	    json_object(critical, "identity", &identity) || json_string(identity, "docker-reference", &signed_name))
		return call_fail(call, CRI_ESIGNATURE, step, "a signature's payload is no simple signing document");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		known |= strcmp(types[i], type) == 0;
	if (!known)
		return call_fail(call, CRI_ESIGNATURE, step, "a signature is not for an image but a \"%.60s\"", type);
	*digest = arena_strdup(arena, text);
	*name = arena_strdup(arena, signed_name);
	return *digest && *name ? 0 : call_no_memory(call, step);
}
