/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#define STRING(x) #x
#define SONAME(library, version) library ".so." STRING(version)

/* The functions of libssl and libcrypto that are used here. */
#define SSL_FUNCTIONS(X)                                                                                               \
	X(TLS_server_method)                                                                                           \
	X(SSL_CTX_new)                                                                                                 \
	X(SSL_CTX_free)                                                                                                \
	X(SSL_CTX_ctrl)                                                                                                \
	X(SSL_CTX_set_options)                                                                                         \
	X(SSL_CTX_set_verify)                                                                                          \
	X(SSL_CTX_load_verify_locations)                                                                               \
	X(SSL_load_client_CA_file)                                                                                     \
	X(SSL_CTX_set_client_CA_list)                                                                                  \
	X(SSL_CTX_use_certificate_chain_file)                                                                          \
	X(SSL_CTX_use_PrivateKey_file)                                                                                 \
	X(SSL_CTX_check_private_key)                                                                                   \
	X(SSL_CTX_set_alpn_select_cb)                                                                                  \
	X(SSL_select_next_proto)                                                                                       \
	X(SSL_get0_alpn_selected)                                                                                      \
	X(SSL_new)                                                                                                     \
	X(SSL_free)                                                                                                    \
	X(SSL_set_fd)                                                                                                  \
	X(SSL_set_accept_state)                                                                                        \
	X(SSL_is_init_finished)                                                                                        \
	X(SSL_read)                                                                                                    \
	X(SSL_write)                                                                                                   \
	X(SSL_pending)                                                                                                 \
	X(SSL_get_error)
#define CRYPTO_FUNCTIONS(X)                                                                                            \
	X(ERR_get_error)                                                                                               \
	X(ERR_error_string_n)                                                                                          \
	X(ERR_clear_error)

#define DECLARE(function) static __typeof__(function) *function##_;
SSL_FUNCTIONS(DECLARE)
CRYPTO_FUNCTIONS(DECLARE)

struct tls_context {
	SSL_CTX *ssl;
};

struct tls {
	SSL *ssl;
	bool established, wants_write;
};

static const unsigned char protocol[] = { 2, 'h', '2' };

static int find(void *library, const char *name, void **function)
{
	*function = dlsym(library, name);
	return *function ? 0 : -1;
}

static int load(void)
{
	static bool loaded;
	void *ssl, *crypto;
	int missing = 0;

	if (loaded)
		return 0;
	ssl = dlopen(SONAME("libssl", OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);
	crypto = dlopen(SONAME("libcrypto", OPENSSL_SHLIB_VERSION), RTLD_NOW | RTLD_LOCAL);
	if (!ssl || !crypto)
		return -1;
#define FIND_SSL(function) missing |= find(ssl, #function, (void **)&function##_);
#define FIND_CRYPTO(function) missing |= find(crypto, #function, (void **)&function##_);
	SSL_FUNCTIONS(FIND_SSL)
	CRYPTO_FUNCTIONS(FIND_CRYPTO)
	loaded = !missing;
	return missing;
}

static int select_protocol(SSL *ssl, const unsigned char **selected, unsigned char *length,
			   const unsigned char *offered, unsigned int offered_length, void *data)
{
	(void)ssl;
	(void)data;
	if (SSL_select_next_proto_((unsigned char **)selected, length, protocol, sizeof(protocol), offered,
				   offered_length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static int describe(const char *step, const char *file, char *error, size_t size)
{
	char text[160] = "";
	unsigned long code = ERR_get_error_();

	if (code)
		ERR_error_string_n_(code, text, sizeof(text));
	ERR_clear_error_();
	snprintf(error, size, "%s%s%s: %s", step, file ? " " : "", file ? file : "", text);
	return -1;
}

static int set_up(SSL_CTX *ssl, const struct tls_files *files, char *error, size_t size)
{
	STACK_OF(X509_NAME) * names;

	/* What the macros SSL_CTX_set_min_proto_version, _set_mode and _set_session_cache_mode are. */
	SSL_CTX_ctrl_(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	SSL_CTX_ctrl_(ssl, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
	SSL_CTX_ctrl_(ssl, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
	SSL_CTX_set_options_(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_alpn_select_cb_(ssl, select_protocol, NULL);
	SSL_CTX_set_verify_(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (SSL_CTX_load_verify_locations_(ssl, files->ca, NULL) != 1)
		return describe("read the CA", files->ca, error, size);
	names = SSL_load_client_CA_file_(files->ca);
	if (!names)
		return describe("read the CA", files->ca, error, size);
	SSL_CTX_set_client_CA_list_(ssl, names);
	if (SSL_CTX_use_certificate_chain_file_(ssl, files->certificate) != 1)
		return describe("read the certificate", files->certificate, error, size);
	if (SSL_CTX_use_PrivateKey_file_(ssl, files->key, SSL_FILETYPE_PEM) != 1)
		return describe("read the key", files->key, error, size);
	if (SSL_CTX_check_private_key_(ssl) != 1)
		return describe("match key and certificate", NULL, error, size);
	return 0;
}

int tls_context_new(const struct tls_files *files, struct tls_context **context, char *error, size_t size)
{
	struct tls_context *made;

	if (load()) {
		const char *reason = dlerror();

		snprintf(error, size, "load OpenSSL: %s", reason ? reason : "a function is missing");
		return -1;
	}
	made = calloc(1, sizeof(*made));
	if (made)
		made->ssl = SSL_CTX_new_(TLS_server_method_());
	if (!made || !made->ssl) {
		free(made);
		snprintf(error, size, "no memory for TLS");
		return -1;
	}
	if (set_up(made->ssl, files, error, size)) {
		tls_context_free(made);
		return -1;
	}
	*context = made;
	return 0;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free_(context->ssl);
	free(context);
}

int tls_accept(struct tls_context *context, int fd, struct tls **tls)
{
	struct tls *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->ssl = SSL_new_(context->ssl);
	if (!made->ssl || SSL_set_fd_(made->ssl, fd) != 1) {
		tls_free(made);
		return -ENOMEM;
	}
	SSL_set_accept_state_(made->ssl);
	*tls = made;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->ssl)
		SSL_free_(tls->ssl);
	free(tls);
}

/* A client that offers no protocols at all has not been asked by select_protocol. */
static bool is_established(struct tls *tls)
{
	const unsigned char *selected;
	unsigned int length;

	if (tls->established || !SSL_is_init_finished_(tls->ssl))
		return true;
	SSL_get0_alpn_selected_(tls->ssl, &selected, &length);
	tls->established = length == sizeof(protocol) - 1;
	return tls->established;
}

static ssize_t result(struct tls *tls, int count)
{
	tls->wants_write = false;
	if (!is_established(tls))
		return -EPROTO;
	if (count > 0)
		return count;
	switch (SSL_get_error_(tls->ssl, count)) {
	case SSL_ERROR_WANT_WRITE:
		tls->wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error_();
		return -EPROTO;
	}
}

ssize_t tls_read(struct tls *tls, uint8_t *bytes, size_t size)
{
	return result(tls, SSL_read_(tls->ssl, bytes, (int)size));
}

ssize_t tls_write(struct tls *tls, const uint8_t *bytes, size_t size)
{
	ssize_t sent = result(tls, SSL_write_(tls->ssl, bytes, (int)size));

	return sent ? sent : -EPROTO;
}

bool tls_pending(const struct tls *tls)
{
	return SSL_pending_(tls->ssl) > 0;
}

bool tls_wants_write(const struct tls *tls)
{
	return tls->wants_write;
}
