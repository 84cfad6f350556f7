/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which images may come into the store: the option image_policy_file, a file in the format of containers-policy.json(5)
 * (libcri/engine.h has the part of it that is known here). It is read anew for each image.
 */
#ifndef LIBCRI_IMAGE_POLICY_H
#define LIBCRI_IMAGE_POLICY_H

#include "image/fetch.h"

enum policy_kind {
	POLICY_ACCEPT,
	POLICY_REJECT,
	POLICY_DIGESTS,
	POLICY_SIGNED,
};

/* Which name a signature must be for. */
enum policy_identity {
	POLICY_MATCH_REPO_DIGEST_OR_EXACT,
	POLICY_MATCH_EXACT,
	POLICY_MATCH_REPOSITORY,
	POLICY_EXACT_REFERENCE,
	POLICY_EXACT_REPOSITORY,
};

struct policy_requirement {
	enum policy_kind kind;
	const char *const *digests; /* POLICY_DIGESTS */
	size_t n_digests;
	const char *const *key_paths; /* POLICY_SIGNED: by one of these or of those */
	size_t n_key_paths;
	const char *const *key_datas; /* base64 of PEM */
	size_t n_key_datas;
	const char *signature_directory; /* "": none */
	enum policy_identity identity;
	const char *identity_name; /* POLICY_EXACT_REFERENCE, POLICY_EXACT_REPOSITORY: normalised */
};

struct policy_scope {
	const char *transport; /* NULL: the default */
	const char *name;      /* "": of all of the transport */
	struct policy_requirement *requirements;
	size_t n_requirements; /* at least one; all must hold */
};

struct policy {
	struct policy_scope *scopes;
	size_t n_scopes;
};

/* CRI_EINVAL, CRI_ENOTSUP: what is wrong, and where. (policy_parse.c) */
int policy_parse(struct arena *arena, const char *json, size_t length, struct policy *policy, cri_call *call);

/* An image that wants in. */
struct policy_subject {
	const char *transport;    /* "docker", "oci", "oci-archive", "docker-archive", "embedded" */
	const char *scope;        /* its name, of transport docker; else the real path that it comes from */
	const char *const *names; /* normalised */
	size_t n_names;
	const char *const *digests; /* each of which stands for the whole image; "" is skipped */
	size_t n_digests;
	struct fetch *fetch; /* a session; with the image's registry it brings signatures too */
	bool registry;
};

/* The scope that decides on a subject; NULL: none, and the image is refused. (policy.c) */
const struct policy_scope *policy_find(struct arena *arena, const struct policy *policy,
				       const struct policy_subject *subject);

/* 0, at once without a policy; CRI_ESIGNATURE: it is refused; another failure: that cannot be told, so it is refused
 * too. *by_digest, unless NULL: it was let in for what its digest says. */
int policy_admit(cri_engine *engine, struct arena *arena, const struct policy_subject *subject, bool *by_digest,
		 cri_call *call);

/* --- signatures (signature.c) --- */

/* cosign's and podman's: a payload in the form of simple signing, and a signature of it. */
struct signature {
	const char *payload, *base64;
	const char *digest; /* of the payload, in a registry */
};

/* The signatures of a digest: that in a directory ("": none), else those that a registry has under cosign's tag. None
 * is no failure. */
int signature_find(struct arena *arena, const struct policy_subject *subject, const char *digest, const char *directory,
		   struct signature **signatures, size_t *n_signatures, cri_call *call);

/* Those that a manifest under such a tag lists, without their payloads. What is no signature is passed over. */
int signature_manifest_parse(struct arena *arena, const char *json, size_t length, struct signature **signatures,
			     size_t *n_signatures, cri_call *call);

/* What a payload says: the digest that it is for, and the name. CRI_ESIGNATURE: it is none. */
int signature_read(struct arena *arena, const char *payload, const char **digest, const char **name, cri_call *call);

#endif
