/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embedded images: iSulad's format for devices. A manifest names file systems that are files beside it, and they are
 * mounted in place. Nothing is copied and nothing of the host's is ever deleted.
 *
 * A layer has a row in the store like any other, so that the same counting says when nobody needs it. Its diff_id is
 * the text of an embedded_source. While a container needs it, it is mounted at path_layer_fs(), but only in the
 * monitors' mount namespace (network/pin_protocol.h), from which containers are started: the host sees an empty
 * directory, and whatever removes that directory unmounts the layer, in every namespace, without a process
 * (rmdir(2) of what is a mount point elsewhere). So there is nothing to be left behind but that directory.
 */
#ifndef LIBCRI_IMAGE_EMBEDDED_H
#define LIBCRI_IMAGE_EMBEDDED_H

#include "image/image.h"
#include "image/incoming.h"
#include "image/progress.h"

enum embedded_kind {
	EMBEDDED_FILE,
	EMBEDDED_DEVICE,
	EMBEDDED_DIRECTORY,
};

/* --- the manifest (embedded_manifest.c) --- */

struct embedded_layer {
	const char *filesystem;        /* "squashfs", "erofs"; "": a directory */
	const char *digest;            /* "": the manifest gives none */
	uint64_t size;                 /* UINT64_MAX: the manifest gives none, or 0, as it does for devices */
	const char *path_in_host;      /* relative to the manifest; of the first layer also a device, or "/" */
	const char *path_in_container; /* "/": a part of the root, lower layers first; else mounted there, read-only */
};

struct embedded_manifest {
	const char *name;   /* as it stands there */
	const char *config; /* as an image config of OCI's, JSON */
	struct embedded_layer *layers;
	size_t n_layers; /* at least one, and the first is a part of the root */
};

/* CRI_ECORRUPT; CRI_ENOTSUP: another schema, media type, or more layers than IMAGE_MAX_LAYERS. */
int embedded_manifest_parse(struct arena *arena, const char *json, size_t length, struct embedded_manifest *manifest,
			    cri_call *call);
/* The checksum file beside a manifest: "…/x.manifest" has "…/x.sgn". NULL: memory ran out. */
const char *embedded_checksum_path(struct arena *arena, const char *manifest_path);

/* --- where a layer is (embedded_source.c) --- */

struct embedded_source {
	enum embedded_kind kind;
	const char *filesystem; /* as above */
	const char *digest;     /* of the content; "": not known, of devices and directories */
	uint64_t size;          /* 0 of a directory */
	const char *path;       /* absolute; a file's or a directory's has no link on it */
};

/* The text that stands for it in the store, and back. NULL: memory ran out; false: it is none. */
const char *embedded_source_text(struct arena *arena, const struct embedded_source *source);
bool embedded_source_parse(struct arena *arena, const char *text, struct embedded_source *source);
/* Opens what a layer of a manifest in `directory` names, and fills *source but its digest. CRI_ECORRUPT: it is missing,
 * leads out of the directory, or is not what it should be. */
int embedded_source_find(struct arena *arena, int directory, const struct embedded_layer *layer, bool first,
			 struct embedded_source *source, int *fd, cri_call *call);
/* Opens it again. CRI_EPRECONDITION: it is gone, or another one. */
int embedded_source_open(const struct embedded_source *source, int *fd, cri_call *call);

/* --- import (embedded_import.c) --- */

struct embedded_import {
	cri_engine *engine;
	struct arena *arena;
	struct fetch *fetch;
	struct progress *progress;
	const char *path; /* of the manifest; its real path once that has been read */
	struct embedded_manifest manifest;
	struct incoming image;
	struct embedded_source *sources;
	size_t n_sources;
	uint64_t bytes;
	const char *unvouched; /* a layer for which the manifest gives no digest; NULL: it does for all */
};

/* Reads the manifest, and nothing that it names. */
int embedded_read(struct embedded_import *import, cri_call *call);
/* What the image policy says to it. CRI_ESIGNATURE. */
int embedded_admit(struct embedded_import *import, cri_call *call);
/* Verifies all that the manifest names, which reads and mounts it: only what has been admitted. */
int embedded_read_layers(struct embedded_import *import, cri_call *call);
/* Stores the image; *stored as image_make has it. */
int embedded_store(struct embedded_import *import, bool pinned, struct arena *arena, struct image_row *stored,
		   cri_call *call);

/* --- mounts (embedded_mount.c) --- */

/* Whether this kernel can mount it: CRI_ENOTSUP says what it lacks, CRI_ECORRUPT that it is no such file system. */
int embedded_check(cri_engine *engine, const struct embedded_source *source, int fd, cri_call *call);

#endif
