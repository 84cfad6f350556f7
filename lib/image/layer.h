/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of one image on their way into the store. */
#ifndef LIBCRI_IMAGE_LAYER_H
#define LIBCRI_IMAGE_LAYER_H

#include "core/engine.h"
#include "image/fetch.h"
#include "image/unpack.h"

#include <stdbool.h>

enum layer_state {
	LAYER_WAITING,
	LAYER_RUNNING,  /* its helpers are at work */
	LAYER_UNPACKED, /* its directory holds what the tar has */
	LAYER_PRESENT,  /* ready in the store */
	LAYER_REPEATED, /* the same as a layer further down, by `same` */
};

struct layer_link {
	const char *name, *target;
};

struct layer {
	/* What is asked for. */
	const char *diff_id, *chain_id;
	struct fetch_expected expected;
	const char *path; /* of the blob, in the layout; its digest, in a registry */

	enum layer_state state;
	int64_t row;   /* 0: none yet */
	int lock;      /* on the row, while it is not ready */
	int directory; /* <root>/l/<row>/fs, while it is made */
	size_t same;
	struct unpacker unpacker;
	int64_t job;
	bool fetched, unpacked;
	uint64_t bytes_done; /* of the blob */

	/* What cri-unpack reported. */
	const char **missing;
	size_t n_missing;
	struct layer_link *links;
	size_t n_links;
	uint64_t bytes, inodes;
	bool recount;
};

/* One image's layers, and what making them takes. */
struct layer_set {
	cri_engine *engine;
	struct arena *arena;
	struct fetch *fetch;
	const struct charge *charge; /* NULL: nobody in particular */
	int layout;                  /* directory of the blobs; -1: they are the registry's */
	struct layer *layers;        /* lowest first */
	size_t n_layers;
	void (*progress)(struct layer_set *set, void *data);
	void *progress_data;
};

/* Sets what is asked for aside, and everything else to the state before the work. */
void layer_init(struct layer *layer);

/* The id of a lock on a layer's row. Held by who makes it; the collector destroys only what it can lock. */
#define LAYER_LOCK_SIZE 32
void layer_lock_name(int64_t row, char name[LAYER_LOCK_SIZE]);
/* The lock under which rows are made and locked, made ready, or found to be garbage: who holds it sees no layer between
 * two of these states. */
#define LAYERS_LOCK "layers"

/* Finds what is in the store and unpacks the rest, several at once. */
int layer_set_make(struct layer_set *set, cri_call *call);
/* Unpacks an archive of images, whatever it is compressed with, into a directory. The set has one layer, which says
 * what is expected of the archive's bytes. */
int layer_unpack_archive(struct layer_set *set, int source, int directory, uint64_t max_bytes, cri_call *call);
/* After a failure: what is unpacked and stands for itself becomes ready, though no image has it yet, so that the next
 * attempt finds it. It is garbage like any layer without an image. Never fails. (keep.c) */
void layer_set_keep(struct layer_set *set, cri_call *call);
/* Kills helpers, destroys what is not ready, gives locks back. For any state; never fails. */
void layer_set_undo(struct layer_set *set, cri_call *call);

/* Gives layer `index` the directories that its tar lacks and the hard links into lower layers. The layers below are
 * complete. (complete.c) */
int layer_complete(struct layer_set *set, size_t index, cri_call *call);

/* Whether a layer depends on what is below it, and so is stored by chain id. */
static inline bool layer_is_bound(const struct layer *layer)
{
	return layer->n_missing > 0 || layer->n_links > 0;
}

/* Destroys a layer that is not ready: its directory, then its row. The caller holds its lock. */
int layer_destroy(cri_engine *engine, int64_t row, cri_call *call);

#endif
