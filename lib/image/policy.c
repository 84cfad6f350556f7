/* SPDX-License-Identifier: Apache-2.0 */
#include "image/policy.h"

#include "base/buffer.h"
#include "base/fs.h"
#include "base/text.h"
#include "image/document.h"
#include "image/image.h"
#include "image/reference.h"

#include <fcntl.h>
#include <string.h>

static const char step[] = "check the image policy";

#define KEY_LIMIT ((size_t)32 * 1024)

/* --- scopes --- */

static const struct policy_scope *find_exactly(const struct policy *policy, const char *transport, const char *name)
{
	for (size_t i = 0; i < policy->n_scopes; i++)
		if (policy->scopes[i].transport && strcmp(policy->scopes[i].transport, transport) == 0 &&
		    strcmp(policy->scopes[i].name, name) == 0)
			return &policy->scopes[i];
	return NULL;
}

static bool drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

/* "*.example.com" is for all hosts below that. */
static const struct policy_scope *find_wildcard(struct arena *arena, const struct policy *policy, const char *host)
{
	const struct policy_scope *found = NULL;

	while (!found && (host = strchr(host, '.'))) {
		const char *name = arena_printf(arena, "*%s", host++);

		found = name ? find_exactly(policy, "docker", name) : NULL;
	}
	return found;
}

static const struct policy_scope *find_docker(struct arena *arena, const struct policy *policy, const char *name)
{
	const struct policy_scope *found = find_exactly(policy, "docker", name);
	struct reference reference = { .host = "" };
	cri_call quiet;
	char *path;

	call_init(&quiet);
	if (found || reference_parse(arena, name, &reference, &quiet) < 0)
		return found;
	path = arena_strdup(arena, reference.repository);
	while (path && !found) {
		found = find_exactly(policy, "docker", path);
		if (!found && !drop_last(path))
			break;
	}
	return found ? found : find_wildcard(arena, policy, reference.host);
}

static const struct policy_scope *find_path(struct arena *arena, const struct policy *policy, const char *transport,
					    const char *name)
{
	const struct policy_scope *found = NULL;
	char *path = arena_strdup(arena, name);

	while (path && *path && !found) {
		found = find_exactly(policy, transport, path);
		if (!found && !drop_last(path))
			break;
	}
	return found;
}

const struct policy_scope *policy_find(struct arena *arena, const struct policy *policy,
				       const struct policy_subject *subject)
{
	const struct policy_scope *found = strcmp(subject->transport, "docker") == 0
						   ? find_docker(arena, policy, subject->scope)
						   : find_path(arena, policy, subject->transport, subject->scope);

	if (!found)
		found = find_exactly(policy, subject->transport, "");
	for (size_t i = 0; i < policy->n_scopes && !found; i++)
		if (!policy->scopes[i].transport)
			found = &policy->scopes[i];
	return found;
}

/* --- signatures --- */

struct examination {
	struct arena *arena;
	const struct policy_subject *subject;
	const struct policy_requirement *requirement;
	const char *why; /* the last reason against it */
	cri_call *call;
};

static bool is_own_digest(const struct policy_subject *subject, const char *digest)
{
	for (size_t i = 0; i < subject->n_digests; i++)
		if (strcmp(subject->digests[i], digest) == 0)
			return true;
	return false;
}

static bool matches(const struct examination *examination, const struct reference *name, const char *full,
		    const struct reference *signed_name, const char *signed_full)
{
	switch (examination->requirement->identity) {
	case POLICY_MATCH_EXACT:
		return strcmp(full, signed_full) == 0;
	case POLICY_MATCH_REPO_DIGEST_OR_EXACT:
		/* An archive may call an image by any digest; only its own makes the name one by digest. */
		return *name->digest ? is_own_digest(examination->subject, name->digest) &&
					       strcmp(name->repository, signed_name->repository) == 0
				     : strcmp(full, signed_full) == 0;
	case POLICY_MATCH_REPOSITORY:
		return strcmp(name->repository, signed_name->repository) == 0;
	case POLICY_EXACT_REFERENCE:
	case POLICY_EXACT_REPOSITORY:
		break;
	}
	return false;
}

/* Whether the signature is for all names that the image would get: it would be stored under each of them. */
static int match_names(struct examination *examination, const struct reference *signed_name, const char *signed_full,
		       bool *good)
{
	const struct policy_subject *subject = examination->subject;
	struct reference name = { .repository = "" };

	*good = subject->n_names > 0;
	for (size_t i = 0; i < subject->n_names && *good; i++) {
		int result = reference_parse(examination->arena, subject->names[i], &name, examination->call);

		if (result < 0)
			return result;
		*good = matches(examination, &name, subject->names[i], signed_name, signed_full);
	}
	return 0;
}

/* Whether a signature for `text` is one for the image. A name without a tag, as cosign signs it, is no reference to an
 * image, so it is never exactly that of one. */
static int check_identity(struct examination *examination, const char *text, bool *good)
{
	const struct policy_requirement *requirement = examination->requirement;
	struct reference signed_name = { .repository = "" };
	const char *full = "";
	cri_call quiet;
	int result;

	call_init_child(&quiet, examination->call);
	*good = false;
	result = image_normalise(examination->arena, text, &full, &quiet);
	if (result == 0)
		result = reference_parse(examination->arena, full, &signed_name, &quiet);
	if (result < 0)
		return 0;
	if (!text_ends(text, full + strlen(signed_name.repository)))
		full = signed_name.repository;
	switch (requirement->identity) {
	case POLICY_EXACT_REFERENCE:
		*good = strcmp(full, requirement->identity_name) == 0;
		return 0;
	case POLICY_EXACT_REPOSITORY:
		*good = strcmp(signed_name.repository, requirement->identity_name) == 0;
		return 0;
	case POLICY_MATCH_EXACT:
	case POLICY_MATCH_REPO_DIGEST_OR_EXACT:
	case POLICY_MATCH_REPOSITORY:
		break;
	}
	return match_names(examination, &signed_name, full, good);
}

static int check_key(struct examination *examination, const struct signature *signature, const struct fetch_key *key,
		     const char *path, bool *good)
{
	cri_call look;
	int result;

	call_init_child(&look, examination->call);
	result = fetch_verify(examination->subject->fetch, signature->payload, signature->base64, key, &look);
	*good = result == 0;
	if (result == 0 || result == CRI_ESIGNATURE)
		return 0;
	/* The image is refused for the sake of a key that is none. */
	if (result == CRI_EINVAL)
		result = CRI_ESIGNATURE;
	return call_fail(examination->call, result, step, "key %s: %s", path, cri_call_message(&look));
}

static int check_key_file(struct examination *examination, const struct signature *signature, const char *path,
			  bool *good)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	struct fetch_key key = { .base64 = false };
	int error = fs_read(AT_FDCWD, path, KEY_LIMIT, &content);

	if (error)
		return call_fail(examination->call, CRI_ESIGNATURE, step, "key %s: %s", path, strerrordesc_np(-error));
	key.text = content.data ? content.data : "";
	return check_key(examination, signature, &key, path, good);
}

static int check_keys(struct examination *examination, const struct signature *signature, bool *good)
{
	const struct policy_requirement *requirement = examination->requirement;
	int result = 0;

	*good = false;
	for (size_t i = 0; i < requirement->n_key_paths && result == 0 && !*good; i++)
		result = check_key_file(examination, signature, requirement->key_paths[i], good);
	for (size_t i = 0; i < requirement->n_key_datas && result == 0 && !*good; i++) {
		const struct fetch_key key = { requirement->key_datas[i], true };

		result = check_key(examination, signature, &key, "keyData", good);
	}
	return result;
}

/* Nothing of a payload is believed before a key has vouched for it. */
static int check_signature(struct examination *examination, const struct signature *signature, const char *digest,
			   bool *good)
{
	const char *signed_digest, *name;
	cri_call quiet;
	int result = check_keys(examination, signature, good);

	if (result < 0)
		return result;
	if (!*good) {
		examination->why = "none of its signatures is by a key of the policy";
		return 0;
	}
	*good = false;
	call_init_child(&quiet, examination->call);
	if (signature_read(examination->arena, signature->payload, &signed_digest, &name, &quiet) < 0) {
		examination->why = "its signature's payload is no simple signing document for an image";
		return 0;
	}
	if (strcmp(signed_digest, digest) != 0) {
		examination->why = "its signature is for another digest";
		return 0;
	}
	result = check_identity(examination, name, good);
	if (result == 0 && !*good)
		examination->why = "its signature is for another name (signedIdentity)";
	return result;
}

static int check_signed(struct examination *examination, bool *good)
{
	const struct policy_subject *subject = examination->subject;
	int result = 0;

	*good = false;
	for (size_t i = 0; i < subject->n_digests && result == 0 && !*good; i++) {
		struct signature *signatures = NULL;
		size_t n_signatures = 0;

		if (!*subject->digests[i] || (i > 0 && strcmp(subject->digests[i], subject->digests[i - 1]) == 0))
			continue;
		result = signature_find(examination->arena, subject, subject->digests[i],
					examination->requirement->signature_directory, &signatures, &n_signatures,
					examination->call);
		for (size_t k = 0; k < n_signatures && result == 0 && !*good; k++)
			result = check_signature(examination, &signatures[k], subject->digests[i], good);
	}
	return result;
}

/* --- requirements --- */

static bool is_allowed(const struct policy_requirement *requirement, const struct policy_subject *subject)
{
	for (size_t i = 0; i < requirement->n_digests; i++)
		for (size_t k = 0; k < subject->n_digests; k++)
			if (strcmp(requirement->digests[i], subject->digests[k]) == 0)
				return true;
	return false;
}

static int check_requirement(struct examination *examination, bool *good)
{
	switch (examination->requirement->kind) {
	case POLICY_ACCEPT:
		*good = true;
		return 0;
	case POLICY_REJECT:
		examination->why = "the policy rejects all images of this kind";
		break;
	case POLICY_DIGESTS:
		examination->why = "its digest is not among those that are allowed";
		*good = is_allowed(examination->requirement, examination->subject);
		return 0;
	case POLICY_SIGNED:
		examination->why = "it has no signature";
		return check_signed(examination, good);
	}
	*good = false;
	return 0;
}

static int read_policy(const cri_engine *engine, struct arena *arena, struct policy *policy, cri_call *call)
{
	CLEANUP_BUFFER struct buffer content = BUFFER_EMPTY;
	const char *path = engine->options.image_policy_file;
	int error = fs_read(AT_FDCWD, path, DOCUMENT_LIMIT, &content);

	if (error)
		return call_fail(call, CRI_EINVAL, "read the image policy", "image_policy_file: %s: %s", path,
				 strerrordesc_np(-error));
	return policy_parse(arena, content.data ? content.data : "", content.length, policy, call);
}

int image_policy_check(const cri_engine *engine, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct policy policy = { .n_scopes = 0 };
	cri_call look;
	int result;

	if (text_is_empty(engine->options.image_policy_file))
		return 0;
	if (*engine->options.image_policy_file != '/')
		return call_fail(call, CRI_EINVAL, "open the engine", "image_policy_file: \"%s\" is not absolute",
				 engine->options.image_policy_file);
	call_init_child(&look, call);
	result = read_policy(engine, &arena, &policy, &look);
	if (result == CRI_ECORRUPT)
		result = CRI_EINVAL;
	return result < 0 ? call_fail(call, result, "open the engine", "image_policy_file: %s: %s",
				      engine->options.image_policy_file, cri_call_message(&look))
			  : 0;
}

int policy_admit(cri_engine *engine, struct arena *arena, const struct policy_subject *subject, bool *by_digest,
		 cri_call *call)
{
	struct examination examination = { .arena = arena, .subject = subject, .call = call };
	const struct policy_scope *scope;
	struct policy policy = { .n_scopes = 0 };
	cri_call look;
	bool good = true;
	int result;

	if (text_is_empty(engine->options.image_policy_file))
		return 0;
	call_init_child(&look, call);
	result = read_policy(engine, arena, &policy, &look);
	/* It was good when the engine was opened. */
	if (result < 0)
		return call_fail(call, CRI_ESIGNATURE, step, "%s", cri_call_message(&look));
	scope = policy_find(arena, &policy, subject);
	examination.why = "the policy has no default";
	for (size_t i = 0; scope && i < scope->n_requirements && result == 0 && good; i++) {
		examination.requirement = &scope->requirements[i];
		result = check_requirement(&examination, &good);
		if (by_digest)
			*by_digest |= examination.requirement->kind != POLICY_ACCEPT;
	}
	if (result < 0)
		return result;
	if (scope && good)
		return 0;
	return call_fail(call, CRI_ESIGNATURE, step, "%s: %s", subject->scope, examination.why);
}
