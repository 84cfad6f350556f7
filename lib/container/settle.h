/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was asked for to what is made: the CRI config, the image's config and the pod are settled into the one
 * description that handlers render. Nothing is made here but the log's parent directories.
 */
#ifndef LIBCRI_CONTAINER_SETTLE_H
#define LIBCRI_CONTAINER_SETTLE_H

#include "core/engine.h"
#include "image/mounted.h"
#include "runtime/container.h"
#include "store/store.h"

struct settled_container {
	struct sandbox_row sandbox;
	const cri_sandbox_config *sandbox_config;
	const cri_container_config *config;
	struct image_row image;
	struct image_config image_config;
	struct image_root root;
	struct runtime_container description;
	const cri_resources *resources; /* the config's with what annotations add; NULL: none */
};

/* Fills `description` and `resources` from the rest. CRI_EINVAL names the field. */
int settle_container(cri_engine *engine, struct arena *arena, const char *id, struct settled_container *settled,
		     cri_call *call);

/* Fills the row that is inserted. */
int settle_row(struct arena *arena, const char *id, const struct settled_container *settled, struct container_row *row,
	       cri_call *call);

/* Parts of settle_container. */
int settle_process(struct arena *arena, struct settled_container *settled, cri_call *call);
int settle_mounts(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call);
int settle_devices(struct arena *arena, struct settled_container *settled, cri_call *call);
int settle_namespaces(cri_engine *engine, struct arena *arena, struct settled_container *settled, cri_call *call);

#endif
