/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/image.h
 * Images: pull, import, save, list, remove.
 *
 * An image is named by its id ("sha256:…" or the bare hex digits, of which an unambiguous prefix of at least 4 will
 * do), by a reference as Docker users write it ("busybox" is docker.io/library/busybox:latest), or by
 * name@sha256:digest.
 */
#ifndef LIBCRI_IMAGE_H
#define LIBCRI_IMAGE_H

#include "config.h"
#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** CRI Image. */
typedef struct cri_image_info {
	const char *id; /**< "sha256:…", the digest of the image's config; of an embedded image the digest of its
			   manifest's bytes, which hold the config: what stands in its checksum file */
	const char *const *repo_tags;
	size_t n_repo_tags; /**< 0 when a re-pull moved its last tag: tools print <none> */
	const char *const *repo_digests;
	size_t n_repo_digests;
	uint64_t bytes; /**< what its layers occupy on disk, unpacked, or the sizes of an embedded image's files;
			   never 0 */
	bool has_uid;   /**< the config's user is a number */
	int64_t uid;
	const char *username; /**< the config's user when it is a name */
	bool pinned;
	bool embedded;      /**< mounted in place from the host's files */
	int64_t created_at; /**< when it was stored here; nanoseconds since 1970 */
	const char *architecture;
	const char *os;
	const char *variant;
} cri_image_info;

/** CRI ListImages, newest first. @param reference NULL or "": all; else those that match a tag, a digest or an id. */
CRI_API int cri_image_list(cri_engine *engine, const char *reference, cri_list **images, cri_call *call);
CRI_API const cri_image_info *cri_image_at(const cri_list *list, size_t index);

/** CRI ImageStatus. The list holds one cri_image_info. @return 0, CRI_ENOTFOUND, CRI_EINVAL for a malformed name. */
CRI_API int cri_image_status(cri_engine *engine, const char *reference, cri_list **image, cri_call *call);

/** The verbose map of CRI ImageStatus: a JSON object with the image's config and layers. Freed with cri_free. */
CRI_API int cri_image_info_json(cri_engine *engine, const char *reference, char **json, cri_call *call);

/** CRI RemoveImage: the image with all its tags. One that is gone is a success. The layers that containers use stay
 *  until the last of them is removed. */
CRI_API int cri_image_remove(cri_engine *engine, const char *reference, cri_call *call);
CRI_API int cri_image_remove_begin(cri_engine *engine, const char *reference, cri_op **op, cri_call *call);

/** CRI AuthConfig. Nothing of it is logged or stored. */
typedef struct cri_auth {
	size_t size;
	const char *username;
	const char *password;
	const char *auth; /**< base64 of "user:password" */
	const char *server_address;
	const char *identity_token;
	const char *registry_token;
} cri_auth;
#define CRI_AUTH_INIT .size = sizeof(cri_auth)

/** Progress of a pull or an import. */
typedef struct cri_image_progress {
	uint64_t bytes_done;
	uint64_t bytes_total; /**< 0 until the manifest is known */
	uint32_t layers_done;
	uint32_t layers_total;
	const char *step; /**< "resolve", "fetch", "unpack", "commit"; static */
} cri_image_progress;

/** Called from within the call or cri_op_finish, at most about ten times a second; it must not call the engine. */
typedef void (*cri_image_progress_function)(const cri_image_progress *progress, void *user_data);

typedef struct cri_pull_options {
	size_t size;
	const cri_auth *auth;
	const cri_sandbox_config
		*sandbox;     /**< the pod that the pull is for: its cgroup is charged, its name is logged */
	const char *platform; /**< "linux/arm64/v8"; "": this machine's */
	cri_image_progress_function progress;
	void *progress_data;
	bool pinned;
} cri_pull_options;
#define CRI_PULL_OPTIONS_INIT .size = sizeof(cri_pull_options)

typedef struct cri_import_options {
	size_t size;
	const char
		*reference; /**< names the image; "": the names in the archive (an image without any stays untagged) */
	const char *platform; /**< which image of an index; "": this machine's */
	cri_image_progress_function progress;
	void *progress_data;
	bool pinned;
} cri_import_options;
#define CRI_IMPORT_OPTIONS_INIT .size = sizeof(cri_import_options)

typedef enum cri_image_format {
	CRI_IMAGE_OCI_ARCHIVE = 0, /**< a tar of an OCI image layout */
	CRI_IMAGE_OCI_LAYOUT = 1   /**< a directory */
} cri_image_format;

typedef struct cri_save_options {
	size_t size;
	cri_image_format format;
} cri_save_options;
#define CRI_SAVE_OPTIONS_INIT .size = sizeof(cri_save_options)

CRI_API void cri_auth_init(cri_auth *, size_t size);
CRI_API void cri_pull_options_init(cri_pull_options *, size_t size);
CRI_API void cri_import_options_init(cri_import_options *, size_t size);
CRI_API void cri_save_options_init(cri_save_options *, size_t size);

/** CRI PullImage. @param options may be NULL. @param id Image.id; freed with cri_free. @return 0; CRI_ESIGNATURE: the
 *  image policy refuses it (cri_engine_options.image_policy_file). */
CRI_API int cri_image_pull(cri_engine *engine, const char *reference, const cri_pull_options *options, char **id,
			   cri_call *call);
CRI_API int cri_image_pull_begin(cri_engine *engine, const char *reference, const cri_pull_options *options,
				 cri_op **op, cri_call *call); /**< output: char ** */

/**
 * Imports the images of an OCI image layout directory, an oci-archive or a docker-archive (tar, plain or compressed
 * with gzip or zstd), or an embedded image by its manifest file (`isula load --type embedded`).
 *
 * An embedded image is not copied: its layers are mounted where they are, read-only, while containers use them, and
 * removing the image deletes none of its files. Its manifest X.manifest, whose digest stands in X.sgn ("sha256:…"):
 *
 *     {"schemaVersion": 1, "mediaType": "application/embedded.manifest+json", "imageName": "app:v1",
 *      "config": {"Env": […], "Entrypoint": […], "Cmd": […], "WorkingDir": "/", "User": "", "StopSignal": ""},
 *      "layers": [{"mediaType": "application/squashfs.image.rootfs.diff.img", "size": 4096, "digest": "sha256:…",
 *                  "pathInHost": "root.img", "pathInContainer": "/"}, …]}
 *
 * - mediaType may also be application/erofs.image.rootfs.diff.img, or application/bind.image.rootfs.diff.dir, a
 *   directory, without a digest.
 * - pathInHost is relative to the manifest and leads nowhere else. Only the first layer's may be absolute: a block
 *   device, or the directory "/", the host's own root.
 * - Layers with pathInContainer "/" (the first one always, and it may leave it out) are the container's root, each
 *   covering those before it, under a writable layer. The others are mounted there, read-only.
 * - size and digest may be 0 and "" or absent. What is given is verified here; with verify_embedded_at_mount the
 *   digests are verified again each time a layer is mounted.
 *
 * @param path   absolute.
 * @param images the images (cri_image_at).
 * @return 0; CRI_ECORRUPT: a digest, a size or a format is not what it should be; CRI_ENOTSUP: what it is in is not
 *         known here, or the kernel cannot mount it; CRI_EPRECONDITION: it is for another platform.
 */
CRI_API int cri_image_import(cri_engine *engine, const char *path, const cri_import_options *options, cri_list **images,
			     cri_call *call);
CRI_API int cri_image_import_begin(cri_engine *engine, const char *path, const cri_import_options *options, cri_op **op,
				   cri_call *call); /**< output: cri_list ** */

/**
 * Writes an image as an OCI image layout to `path`, which must not exist; it appears there when it is whole.
 *
 * The store keeps layers as directories, so the saved layers are tars made anew (gzip), with the same files, owners,
 * modes, times and attributes, but with digests of their own; config and manifest say so, and an import of them has
 * another id. Saving that again gives the same. Named by a tag the saved image has this name; named otherwise, all its
 * tags. What was signed or pushed under the old digest is not under the new one.
 *
 * @param path    absolute; its parent directory exists.
 * @param options may be NULL.
 * @return 0; CRI_ENOTFOUND: no such image, or it was removed meanwhile, or no such directory; CRI_EEXIST: there is
 *         something at path; CRI_EEXHAUSTED: the disk is full; CRI_ENOTSUP: an embedded image, whose files are the
 *         host's own; CRI_EINVAL.
 */
CRI_API int cri_image_save(cri_engine *engine, const char *reference, const char *path, const cri_save_options *options,
			   cri_call *call);
CRI_API int cri_image_save_begin(cri_engine *engine, const char *reference, const char *path,
				 const cri_save_options *options, cri_op **op, cri_call *call);

/** A file system and what the store occupies of it (CRI FilesystemUsage). */
typedef struct cri_filesystem_usage {
	int64_t timestamp; /**< nanoseconds since 1970 */
	const char *mountpoint;
	const char *uuid;     /**< of the file system; the mount point if it has none */
	uint64_t used_bytes;  /**< 0 when not known */
	uint64_t inodes_used; /**< 0 when not known */
	bool known;           /**< false: there are so many files, or so deep a tree, that counting was given up */
} cri_filesystem_usage;

/** CRI ImageFsInfo: index 0 is the images', index 1 the containers' writable layers. Those may be as old as the ones in
 *  lists of statistics (libcri/stats.h), and are counted for a quarter of what is left until the call's deadline, ten
 *  seconds at most. */
CRI_API int cri_image_filesystem_usage(cri_engine *engine, cri_list **usage, cri_call *call);
CRI_API const cri_filesystem_usage *cri_filesystem_usage_at(const cri_list *list, size_t index);

#ifdef __cplusplus
}
#endif
#endif
