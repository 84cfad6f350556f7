/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named points in the lives of pods, containers and images at which a test kills its own process, to prove that the
 * next open puts everything right. Nothing outside the library can set it: only tests that link the inner symbols.
 */
#ifndef LIBCRI_CORE_TEST_POINT_H
#define LIBCRI_CORE_TEST_POINT_H

#include <stddef.h>

/* The point at which to die; NULL, as in every program but those tests: none. */
extern const char *test_point_wanted;

void test_point_reached(const char *name);

static inline void test_point(const char *name)
{
	if (__builtin_expect(test_point_wanted != NULL, 0))
		test_point_reached(name);
}

#endif
