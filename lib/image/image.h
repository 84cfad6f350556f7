/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the engine needs of images. */
#ifndef LIBCRI_IMAGE_IMAGE_H
#define LIBCRI_IMAGE_IMAGE_H

#include "base/arena.h"
#include "core/engine.h"
#include "store/store.h"

/* "busybox" → "docker.io/library/busybox:latest"; "host:5000/a/b@sha256:…" stays; an id ("sha256:…", 64 hex digits)
 * stays as "sha256:…". A text that is both a name and a possible id prefix is left to image_find. CRI_EINVAL says what
 * is malformed. */
int image_normalise(struct arena *arena, const char *reference, const char **normalised, cri_call *call);

/* An image by anything that names one (libcri/image.h). CRI_ENOTFOUND, CRI_EINVAL. */
int image_find(cri_engine *engine, struct arena *arena, const char *reference, struct image_row *row, cri_call *call);

/* As image_find, pinned, and pulled when it is absent. */
int image_ensure_pinned(cri_engine *engine, struct arena *arena, const char *reference, struct image_row *row,
			cri_call *call);

/* What an image's config says about running it. Texts in the arena; never NULL. */
struct image_config {
	const char *const *entrypoint;
	size_t n_entrypoint;
	const char *const *command;
	size_t n_command;
	const char *const *environment; /* "NAME=value" */
	size_t n_environment;
	const char *working_dir;
	const char *user;
	const char *stop_signal;
	const char *architecture, *os, *variant;
	const char *const *diff_ids; /* lowest first */
	size_t n_diff_ids;
};
int image_config_parse(struct arena *arena, const char *json, size_t length, struct image_config *config,
		       cri_call *call);

/* Destroys layers that nothing refers to any more, and their directories. Cheap when there are none. */
int image_collect_layers(cri_engine *engine, cri_call *call);

/* At open: whether the image policy, if there is one, can be read. CRI_EINVAL, CRI_ENOTSUP. (policy.c) */
int image_policy_check(const cri_engine *engine, cri_call *call);

/* At open: layers and imports that a killed process left half-made. */
int image_recover(cri_engine *engine, cri_call *call);

#endif
