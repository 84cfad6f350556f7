/* SPDX-License-Identifier: Apache-2.0 */
/* The process that an engine's shims are forked from, as tests find it. */
#ifndef LIBCRI_TESTS_INTEGRATION_ZYGOTE_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_ZYGOTE_FIXTURE_H

#include "fixture.h"

/* A pidfd of the one whose directory is no container's, or -1. */
int open_zygote(const struct fixture *fixture);
/* Fails the test where there is none. */
int require_zygote(const struct fixture *fixture);

#endif
