/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include "base/text.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
};

static EVP_MD *sha256;

int digest_prepare(void)
{
	/* No configuration file may put another implementation in place, and none can be read later. */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		return -ENOTSUP;
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 ? 0 : -ENOTSUP;
}

struct digest *digest_new(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex2(digest->context, sha256, NULL)) {
		digest_free(digest);
		return NULL;
	}
	return digest;
}

int digest_add(struct digest *digest, const void *bytes, size_t length)
{
	return EVP_DigestUpdate(digest->context, bytes, length) ? 0 : -EIO;
}

int digest_end(struct digest *digest, char text[DIGEST_SIZE])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!EVP_DigestFinal_ex(digest->context, bytes, &length) || length != 32)
		return -EIO;
	memcpy(text, DIGEST_PREFIX, sizeof(DIGEST_PREFIX));
	text_hex(bytes, length, text + strlen(DIGEST_PREFIX));
	return 0;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}
