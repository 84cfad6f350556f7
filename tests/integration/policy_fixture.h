/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the image policy share: a registry, keys, a policy file, and signatures. */
#ifndef LIBCRI_TESTS_INTEGRATION_POLICY_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_POLICY_FIXTURE_H

#include "embedded_builder.h"
#include "registry.h"

#define POLICY_SIGNATURE_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define POLICY_COSIGN "cosign container image signature"

extern struct server policy_registry, policy_proxy;
extern char policy_url[64];
extern char policy_file[160], policy_keys[128];

/* Opens the engine anew with this as its policy. */
void policy_use(struct fixture *fixture, const char *text);
void policy_use_requirement(struct fixture *fixture, const char *requirement);

/* Signed by keys/NAME.pub. */
void policy_use_key(struct fixture *fixture, const char *name, const char *identity);
void policy_expect_pull(struct fixture *fixture, const char *name, int code, const char *text);
void policy_sign(const char *key, const char *payload_path, const char *output);
void policy_payload(char *text, size_t size, const char *type, const char *digest, const char *name);

/* Pushes what `cosign sign --key` would: a signature for `digest` whose payload is `payload`. */
void policy_push_signature(struct fixture *fixture, const char *repository, const char *digest, const char *key,
			   const char *payload);
void policy_push_image(struct fixture *fixture, struct builder *builder, const char *repository);
void policy_expect_import(struct fixture *fixture, const char *path, int code, const char *text);
int policy_set_up(void **state);
int policy_tear_down(void **state);

#endif
