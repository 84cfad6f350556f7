/* SPDX-License-Identifier: Apache-2.0 */
/* Also what the compiler itself calls: it may need memcpy, memmove, memset and memcmp anywhere. */
#include <string.h>

/* Keeps the compiler from seeing that a loop is memcpy or strlen, and calling the function from itself. */
#define BARRIER() __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	char *t = to;
	const char *f = from;

	for (; length; length--) {
		*t++ = *f++;
		BARRIER();
	}
	return to;
}

void *memmove(void *to, const void *from, size_t length)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + length)
		return memcpy(to, from, length);
	while (length) {
		length--;
		t[length] = f[length];
		BARRIER();
	}
	return to;
}

void *memset(void *to, int byte, size_t length)
{
	char *t = to;

	for (; length; length--) {
		*t++ = (char)byte;
		BARRIER();
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const unsigned char *x = a, *y = b;

	for (; length; length--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}

void *memchr(const void *bytes, int byte, size_t length)
{
	const unsigned char *at = bytes;

	for (; length; length--, at++) {
		if (*at == (unsigned char)byte)
			return (void *)at;
	}
	return NULL;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end) {
		end++;
		BARRIER();
	}
	return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t most)
{
	const char *end = memchr(text, '\0', most);

	return end ? (size_t)(end - text) : most;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t most)
{
	for (; most && *a && *a == *b; most--) {
		a++;
		b++;
	}
	return most ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *text, int byte)
{
	for (; *text != (char)byte; text++) {
		if (!*text)
			return NULL;
	}
	return (char *)text;
}

char *strrchr(const char *text, int byte)
{
	const char *last = NULL;

	for (;; text++) {
		if (*text == (char)byte)
			last = text;
		if (!*text)
			return (char *)last;
	}
}
