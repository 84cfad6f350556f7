/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of local images share: small images, and what the store says of them. */
#ifndef LIBCRI_TESTS_INTEGRATION_IMAGE_FIXTURE_H
#define LIBCRI_TESTS_INTEGRATION_IMAGE_FIXTURE_H

#include "registry.h"

/* A one-layer image whose only file holds `content`. */
void image_build(struct fixture *fixture, struct builder *builder, const char *content, const char *compression);

/* Imports one image and copies its id. */
void image_import(struct fixture *fixture, const char *path, const cri_import_options *options, char id[DIGEST_TEXT]);
size_t image_count(struct fixture *fixture, const char *reference);
const cri_image_info *image_status(struct fixture *fixture, const char *reference, cri_list **list);

#endif
