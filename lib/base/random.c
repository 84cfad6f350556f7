/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include "text.h"

#include <errno.h>
#include <sys/random.h>

int random_bytes(void *bytes, size_t length)
{
	char *at = bytes;

	/* Above 256 bytes getrandom may be interrupted or answer less. */
	while (length) {
		ssize_t n = getrandom(at, length, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

int random_id(char id[ID_LENGTH + 1])
{
	unsigned char bytes[ID_LENGTH / 2];
	int error = random_bytes(bytes, sizeof(bytes));

	if (!error)
		text_hex(bytes, sizeof(bytes), id);
	return error;
}
