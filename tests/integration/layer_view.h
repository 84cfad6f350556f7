/* SPDX-License-Identifier: Apache-2.0 */
/* An image's layers, seen as a container would see them: imported, and mounted over each other. */
#ifndef LIBCRI_TESTS_INTEGRATION_LAYER_VIEW_H
#define LIBCRI_TESTS_INTEGRATION_LAYER_VIEW_H

#include "fixture.h"
#include "image_builder.h"

#include <sys/stat.h>

struct view {
	char path[256];
	char id[DIGEST_TEXT];
};

/* Imports what the builder holds and mounts its layers, read-only, over an empty directory below them. */
void view_open(struct fixture *fixture, struct builder *builder, struct view *view);
void view_close(struct fixture *fixture, const struct view *view);
void view_status(const struct view *view, const char *name, struct stat *status);
void view_expect_absent(const struct view *view, const char *name);
void view_expect_content(const struct view *view, const char *name, const char *content);
void view_expect_status(const struct view *view, const char *name, mode_t mode, uid_t uid, gid_t gid, int64_t time);
void view_expect_link(const struct view *view, const char *name, const char *target);

#endif
