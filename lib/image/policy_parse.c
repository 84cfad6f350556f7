/* SPDX-License-Identifier: Apache-2.0 */
#include "image/policy.h"

#include "base/json.h"
#include "base/text.h"
#include "image/document.h"
#include "image/image.h"
#include "image/reference.h"

#include <string.h>

static const char step[] = "read the image policy";

#define REQUIREMENTS_MAX 64

static const char *const policy_keys[] = { "default", "transports", NULL };
static const char *const plain_keys[] = { "type", NULL };
static const char *const digests_keys[] = { "type", "digests", NULL };
static const char *const signed_keys[] = { "type",     "keyPath",        "keyPaths",           "keyData",
					   "keyDatas", "signedIdentity", "signatureDirectory", NULL };
static const char *const identity_keys[] = { "type", "dockerReference", "dockerRepository", NULL };

struct reader {
	struct arena *arena;
	const char *transport, *scope; /* where it is */
	cri_call *call;
};

#define refuse(reader, code, format, ...)                                                                              \
	call_fail((reader)->call, code, step, "%s%s%s: " format, (reader)->transport ? (reader)->transport : "",       \
		  (reader)->transport ? " " : "", (reader)->scope, ##__VA_ARGS__)

static bool is_among(const char *name, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(*known, name) == 0)
			return true;
	return false;
}

/* What is not known may be a restriction: it is not passed over. The list ends with NULL. */
static int check_keys(const struct reader *reader, const cJSON *object, const char *const *known)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		if (!is_among(member->string, known))
			return refuse(reader, CRI_ENOTSUP, "\"%.100s\" is not known here", member->string);
	}
	return 0;
}

/* --- signatures --- */

static const struct {
	const char *name;
	enum policy_identity identity;
	const char *member; /* NULL: none */
} identities[] = {
	{ "matchRepoDigestOrExact", POLICY_MATCH_REPO_DIGEST_OR_EXACT, NULL },
	{ "matchExact", POLICY_MATCH_EXACT, NULL },
	{ "matchRepository", POLICY_MATCH_REPOSITORY, NULL },
	{ "exactReference", POLICY_EXACT_REFERENCE, "dockerReference" },
	{ "exactRepository", POLICY_EXACT_REPOSITORY, "dockerRepository" },
};

static int read_identity_name(const struct reader *reader, const cJSON *object, const char *member,
			      struct policy_requirement *requirement)
{
	struct reference reference;
	const char *text;
	int result;

	if (json_string(object, member, &text))
		return refuse(reader, CRI_EINVAL, "signedIdentity has no %s", member);
	result = image_normalise(reader->arena, text, &requirement->identity_name, reader->call);
	if (result == 0)
		result = reference_parse(reader->arena, requirement->identity_name, &reference, reader->call);
	if (result == 0 && requirement->identity == POLICY_EXACT_REPOSITORY)
		requirement->identity_name = reference.repository;
	return result;
}

static int read_identity(const struct reader *reader, const cJSON *object, struct policy_requirement *requirement)
{
	const cJSON *identity;
	const char *type = "";
	int error = json_object(object, "signedIdentity", &identity);

	if (error == -ENOENT)
		return 0;
	if (error || json_string(identity, "type", &type))
		return refuse(reader, CRI_EINVAL, "signedIdentity is no object with a type");
	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		if (strcmp(identities[i].name, type) != 0)
			continue;
		requirement->identity = identities[i].identity;
		error = check_keys(reader, identity, identity_keys);
		if (error || !identities[i].member)
			return error;
		return read_identity_name(reader, identity, identities[i].member, requirement);
	}
	return refuse(reader, CRI_ENOTSUP, "signedIdentity \"%.60s\" is not known here", type);
}

/* "keyPath" for one and "keyPaths" for any of several. */
static int read_keys(const struct reader *reader, const cJSON *object, const char *one, const char *many,
		     const char *const **keys, size_t *n_keys)
{
	const char **made = arena_array(reader->arena, 1, sizeof(*made));
	const char *text = "";
	int result = document_texts(reader->arena, object, many, keys, n_keys, step, reader->call);

	if (result < 0)
		return result;
	result = document_text(reader->arena, object, one, &text, step, reader->call);
	if (result < 0 || !*text)
		return result;
	if (*n_keys)
		return refuse(reader, CRI_EINVAL, "%s and %s exclude each other", one, many);
	if (!made)
		return call_no_memory(reader->call, step);
	made[0] = text;
	*keys = made;
	*n_keys = 1;
	return 0;
}

static int read_signed(const struct reader *reader, const cJSON *object, struct policy_requirement *requirement)
{
	int result = check_keys(reader, object, signed_keys);

	requirement->kind = POLICY_SIGNED;
	if (result == 0)
		result = read_keys(reader, object, "keyPath", "keyPaths", &requirement->key_paths,
				   &requirement->n_key_paths);
	if (result == 0)
		result = read_keys(reader, object, "keyData", "keyDatas", &requirement->key_datas,
				   &requirement->n_key_datas);
	if (result == 0)
		result = document_text(reader->arena, object, "signatureDirectory", &requirement->signature_directory,
				       step, reader->call);
	if (result < 0)
		return result;
	if (!requirement->n_key_paths == !requirement->n_key_datas)
		return refuse(reader, CRI_EINVAL, "one of keyPath, keyPaths, keyData and keyDatas is needed");
	for (size_t i = 0; i < requirement->n_key_paths; i++)
		if (*requirement->key_paths[i] != '/')
			return refuse(reader, CRI_EINVAL, "keyPath: \"%.200s\" is not absolute",
				      requirement->key_paths[i]);
	if (*requirement->signature_directory && *requirement->signature_directory != '/')
		return refuse(reader, CRI_EINVAL, "signatureDirectory: \"%.200s\" is not absolute",
			      requirement->signature_directory);
	return read_identity(reader, object, requirement);
}

/* --- requirements --- */

static int read_digests(const struct reader *reader, const cJSON *object, struct policy_requirement *requirement)
{
	int result = check_keys(reader, object, digests_keys);

	requirement->kind = POLICY_DIGESTS;
	if (result == 0)
		result = document_texts(reader->arena, object, "digests", &requirement->digests,
					&requirement->n_digests, step, reader->call);
	for (size_t i = 0; i < requirement->n_digests && result == 0; i++)
		if (!digest_is_valid(requirement->digests[i]))
			result = refuse(reader, CRI_EINVAL, "\"%.80s\" is no sha256 digest", requirement->digests[i]);
	return result;
}

static int read_requirement(const struct reader *reader, const cJSON *object, struct policy_requirement *requirement)
{
	const char *type = "";

	if (!cJSON_IsObject(object) || json_string(object, "type", &type))
		return refuse(reader, CRI_EINVAL, "a requirement is no object with a type");
	*requirement = (struct policy_requirement){ .kind = POLICY_REJECT, .signature_directory = "" };
	if (strcmp(type, "sigstoreSigned") == 0)
		return read_signed(reader, object, requirement);
	if (strcmp(type, "allowedDigests") == 0)
		return read_digests(reader, object, requirement);
	if (strcmp(type, "insecureAcceptAnything") == 0)
		requirement->kind = POLICY_ACCEPT;
	else if (strcmp(type, "reject") != 0)
		return refuse(reader, CRI_ENOTSUP, "requirements of type \"%.60s\" are not known here", type);
	return check_keys(reader, object, plain_keys);
}

static int read_requirements(const struct reader *reader, const cJSON *array, struct policy *policy)
{
	struct policy_scope *scope = &policy->scopes[policy->n_scopes++];
	const int n = cJSON_IsArray(array) ? cJSON_GetArraySize(array) : 0;
	const cJSON *item;
	int result = 0;

	if (n < 1 || n > REQUIREMENTS_MAX)
		return refuse(reader, CRI_EINVAL, "it is no list of 1 to %d requirements", REQUIREMENTS_MAX);
	scope->transport = reader->transport;
	scope->name = reader->scope;
	scope->requirements = arena_array(reader->arena, (size_t)n, sizeof(*scope->requirements));
	if (!scope->requirements)
		return call_no_memory(reader->call, step);
	cJSON_ArrayForEach(item, array)
	{
		result = read_requirement(reader, item, &scope->requirements[scope->n_requirements++]);
		if (result < 0)
			break;
	}
	return result;
}

/* --- scopes --- */

static size_t count_scopes(const cJSON *transports)
{
	const cJSON *transport;
	size_t n = 1;

	cJSON_ArrayForEach(transport, transports)
	{
		n += (size_t)cJSON_GetArraySize(transport);
	}
	return n;
}

static int read_transport(struct reader *reader, const cJSON *transport, struct policy *policy)
{
	const cJSON *scope;
	int result = 0;

	reader->scope = "";
	reader->transport = arena_strdup(reader->arena, transport->string);
	if (!reader->transport)
		return call_no_memory(reader->call, step);
	if (!cJSON_IsObject(transport))
		return refuse(reader, CRI_EINVAL, "it is no object");
	cJSON_ArrayForEach(scope, transport)
	{
		reader->scope = arena_strdup(reader->arena, scope->string);
		result = reader->scope ? read_requirements(reader, scope, policy) : call_no_memory(reader->call, step);
		if (result < 0)
			break;
	}
	return result;
}

int policy_parse(struct arena *arena, const char *json, size_t length, struct policy *policy, cri_call *call)
{
	struct reader reader = { .arena = arena, .scope = "policy", .call = call };
	CLEANUP_JSON cJSON *document = NULL;
	const cJSON *transports = NULL, *transport;
	int result = document_parse(json, length, &document, step, call);

	if (result < 0)
		return result;
	if (!cJSON_IsObject(document) || json_object(document, "transports", &transports) == -EINVAL)
		return call_fail(call, CRI_EINVAL, step, "it is no object, or its transports are none");
	result = check_keys(&reader, document, policy_keys);
	if (result < 0)
		return result;
	*policy = (struct policy){ .scopes = arena_array(arena, count_scopes(transports), sizeof(*policy->scopes)) };
	if (!policy->scopes)
		return call_no_memory(call, step);
	reader.scope = "default";
	result = read_requirements(&reader, cJSON_GetObjectItemCaseSensitive(document, "default"), policy);
	cJSON_ArrayForEach(transport, transports)
	{
		if (result == 0)
			result = read_transport(&reader, transport, policy);
	}
	return result;
}
