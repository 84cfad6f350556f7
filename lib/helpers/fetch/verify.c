/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a public key signed some bytes: ECDSA and RSA (PKCS #1) over their sha256, Ed25519 over themselves, as cosign
 * does. */
#include "fetch.h"

#include "base/json.h"
#include "libcri/error.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define KEY_MAX ((size_t)64 * 1024)

static inline void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static inline void cleanup_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

/* OpenSSL's padding of zeros is taken off. NULL: it is no base64, or empty. */
static unsigned char *decode(const char *text, size_t *length)
{
	const size_t n = strlen(text);
	unsigned char *bytes = n > 0 && n % 4 == 0 && n < KEY_MAX ? malloc(n / 4 * 3) : NULL;
	int decoded = bytes ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n) : -1;

	if (decoded < 0) {
		free(bytes);
		return NULL;
	}
	*length = (size_t)decoded - (text[n - 1] == '=') - (text[n - 2] == '=');
	return bytes;
}

static EVP_PKEY *read_pem(const void *bytes, size_t length)
{
	BIO *memory = length < KEY_MAX ? BIO_new_mem_buf(bytes, (int)length) : NULL;
	EVP_PKEY *key = memory ? PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL) : NULL;

	BIO_free(memory);
	return key;
}

/* "key" is PEM; "key_data" is base64 of PEM. */
static int read_key(const struct job *job, EVP_PKEY **key, struct failure *failure)
{
	const char *text;
	size_t length = 0;

	if (json_string(job->request, "key", &text) == 0) {
		*key = read_pem(text, strlen(text));
	} else if (json_string(job->request, "key_data", &text) == 0) {
		unsigned char *pem = decode(text, &length);

		*key = pem ? read_pem(pem, length) : NULL;
		free(pem);
	}
	return *key ? 0 : fail(failure, CRI_EINVAL, "it is no public key in PEM");
}

static int check_bytes(EVP_PKEY *key, const char *payload, const unsigned char *bytes, size_t length,
		       struct failure *failure)
{
	const int type = EVP_PKEY_get_base_id(key);
	CLEANUP(cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *hash = EVP_sha256();

	if (!context)
		return fail(failure, CRI_ENOMEM, "memory ran out");
	if (type == EVP_PKEY_ED25519)
		hash = NULL;
	else if (type != EVP_PKEY_EC && type != EVP_PKEY_RSA)
		return fail(failure, CRI_EINVAL, "it is a key for something else than ECDSA, RSA and Ed25519");
	if (EVP_DigestVerifyInit(context, NULL, hash, NULL, key) != 1)
		return fail(failure, CRI_EINTERNAL, "OpenSSL cannot use the key");
	if (EVP_DigestVerify(context, bytes, length, (const unsigned char *)payload, strlen(payload)) != 1)
		return fail(failure, CRI_ESIGNATURE, "the key did not sign it");
	return 0;
}

static int check(EVP_PKEY *key, const char *payload, const char *signature, struct failure *failure)
{
	size_t length = 0;
	unsigned char *bytes = decode(signature, &length);
	int result;

	if (!bytes)
		return fail(failure, CRI_ESIGNATURE, "the signature is no base64");
	result = check_bytes(key, payload, bytes, length, failure);
	free(bytes);
	return result;
}

int verify_run(struct job *job, struct failure *failure)
{
	CLEANUP(cleanup_key) EVP_PKEY *key = NULL;
	const char *payload, *signature;

	if (json_string(job->request, "payload", &payload) || json_string(job->request, "signature", &signature))
		return fail(failure, CRI_EINVAL, "no payload or signature");
	if (read_key(job, &key, failure) || check(key, payload, signature, failure))
		return -1;
	return reply_done(job, cJSON_CreateObject(), -1, failure);
}
