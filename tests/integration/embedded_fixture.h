/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of embedded images share: an image of files on a device, and containers of it. */
#ifndef LIBCRI_TESTS_INTEGRATION_EMBEDDED_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_EMBEDDED_FIXTURE_H

#include "embedded_builder.h"
#include "fixture.h"

#define EMBEDDED_NAME "docker.io/library/device:v1"

void embedded_import(struct fixture *fixture, const struct embedded *embedded);
void embedded_remove(struct fixture *fixture, const struct embedded *embedded);
int embedded_create(struct fixture *fixture, const char *sandbox, const char *name, const char *script, char **id);
char *embedded_start(struct fixture *fixture, const char *sandbox, const char *name);
void embedded_expect_output(struct fixture *fixture, const char *container, const char *script, const char *expected);
void embedded_remove_container(struct fixture *fixture, char *id);

/* A root of squashfs, and an application beside it. */
void embedded_make(struct fixture *fixture, struct embedded *embedded);

/* The files of the device are what they were. */
void embedded_expect_untouched(const struct embedded *embedded);

#endif
