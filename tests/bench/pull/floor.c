/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer costs at the least: sha256 of its gzip data, inflating, and files with their bytes. By the same
 * libraries as libcri, in one process, from a file in the page cache; without owners, modes, times, links, checks, and
 * without the second digest that an image asks for.
 *
 *     floor LAYER.tar.gz DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <isa-l.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)256 * 1024)
#define BLOCK ((size_t)512)

struct untar {
	char header[BLOCK];
	size_t n_header;
	unsigned long long left; /* of the member's data */
	size_t padding;
	int file;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void begin_member(struct untar *untar)
{
	char name[101], size[13];

	snprintf(name, sizeof(name), "%.100s", untar->header);
	snprintf(size, sizeof(size), "%.12s", untar->header + 124);
	untar->left = strtoull(size, NULL, 8);
	untar->padding = (size_t)(-untar->left % BLOCK);
	if (untar->header[156] == '5' && mkdir(name, 0755) && errno != EEXIST)
		die(name);
	if (untar->header[156] != '0')
		return;
	untar->file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (untar->file < 0)
		die(name);
}

static size_t take_some(struct untar *untar, const char *bytes, size_t length)
{
	size_t part = length;

	if (untar->left) {
		part = untar->left < part ? (size_t)untar->left : part;
		if (untar->file >= 0 && write(untar->file, bytes, part) != (ssize_t)part)
			die("write");
		untar->left -= part;
		if (!untar->left && untar->file >= 0) {
			close(untar->file);
			untar->file = -1;
		}
	} else if (untar->padding) {
		part = untar->padding < part ? untar->padding : part;
		untar->padding -= part;
	} else {
		part = BLOCK - untar->n_header < part ? BLOCK - untar->n_header : part;
		memcpy(untar->header + untar->n_header, bytes, part);
		untar->n_header += part;
		if (untar->n_header == BLOCK) {
			untar->n_header = 0;
			if (*untar->header)
				begin_member(untar);
		}
	}
	return part;
}

int main(int argc, char **argv)
{
	static unsigned char in[CHUNK], out[CHUNK];
	static struct inflate_state state;
	struct untar untar = { .file = -1 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int layer = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	ssize_t length;

	if (layer < 0 || chdir(argv[2]) || !context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		die("floor LAYER.tar.gz DIRECTORY");
	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	while ((length = read(layer, in, sizeof(in))) > 0) {
		EVP_DigestUpdate(context, in, (size_t)length);
		state.next_in = in;
		state.avail_in = (uint32_t)length;
		do {
			state.next_out = out;
			state.avail_out = sizeof(out);
			if (isal_inflate(&state) != ISAL_DECOMP_OK)
				die("inflate");
			for (size_t at = 0, n = sizeof(out) - state.avail_out; at < n;)
				at += take_some(&untar, (char *)out + at, n - at);
		} while (state.avail_in > 0 || state.avail_out == 0);
	}
	return !EVP_DigestFinal_ex(context, digest, NULL);
}
