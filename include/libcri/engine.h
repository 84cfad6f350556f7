/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/engine.h
 * Opening a root, its status and its configuration.
 */
#ifndef LIBCRI_ENGINE_H
#define LIBCRI_ENGINE_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CRI_VERSION_MAJOR 0
#define CRI_VERSION_MINOR 1
#define CRI_VERSION_PATCH 0
#define CRI_VERSION "0.1.0"

/** The version of the library that is linked, such as "0.1.0". Static. */
CRI_API const char *cri_version(void);

typedef enum cri_log_level {
	CRI_LOG_ERROR = 0,
	CRI_LOG_WARNING = 1,
	CRI_LOG_INFO = 2,
	CRI_LOG_DEBUG = 3
} cri_log_level;

/** Receives the engine's log lines, without newline. Called in the thread of the call that logs; it must not call the
 *  engine. Without one nothing is logged: the library never prints. */
typedef void (*cri_log_function)(cri_log_level level, const char *message, void *user_data);

typedef enum cri_cgroup_driver { CRI_CGROUP_SYSTEMD = 0, CRI_CGROUP_CGROUPFS = 1 } cri_cgroup_driver;

/** Which cgroup the monitor processes are charged to. */
typedef enum cri_monitor_cgroup {
	CRI_MONITOR_CGROUP_SHARED = 0, /**< `<cgroup root>/libcri/monitors` */
	CRI_MONITOR_CGROUP_POD = 1     /**< the pod's */
} cri_monitor_cgroup;

typedef enum cri_network_plugin {
	CRI_NETWORK_NONE = 0,  /**< loopback only */
	CRI_NETWORK_CNI = 1,   /**< CNI configuration files */
	CRI_NETWORK_NATIVE = 2 /**< the default: the built-in bridge cri0, with 10.88.0.0/16 and fd4c:1bc7:1a0e:88::/64,
				    masquerading and port mappings; made with the first pod that is attached to it */
} cri_network_plugin;

/** How to talk to one registry host. */
typedef struct cri_registry_options {
	size_t size;
	const char *host;           /**< "docker.io", "registry.local:5000" */
	const char *const *mirrors; /**< URLs, tried in order before the host itself */
	size_t n_mirrors;
	bool plain_http;
	bool skip_verify;    /**< accept any TLS certificate */
	const char *ca_file; /**< PEM */
	const char *certificate_file;
	const char *key_file;
} cri_registry_options;
#define CRI_REGISTRY_OPTIONS_INIT .size = sizeof(cri_registry_options)

/** A runtime handler beside the built-in `lxc`. */
typedef struct cri_handler_options {
	size_t size;
	const char *name;
	const char *type; /**< "oci" or "shimv2" */
	const char *path;
	const char *const *args;
	size_t n_args;
} cri_handler_options;
#define CRI_HANDLER_OPTIONS_INIT .size = sizeof(cri_handler_options)

typedef struct cri_engine_options {
	size_t size;
	const char *root;             /**< "": /var/lib/libcri. Holds the database, layers, writable layers */
	const char *state;            /**< "": /run/libcri. On tmpfs, or empty: then one is mounted there */
	const char *helper_directory; /**< "": $LIBCRI_HELPER_DIRECTORY, else the installed libexec/libcri */
	cri_log_function log;
	void *log_data;
	cri_log_level log_level;
	const char *cgroup_parent; /**< for pods that name none; "": /libcri */
	cri_cgroup_driver cgroup_driver;
	cri_monitor_cgroup monitor_cgroup;
	const char *pod_sandbox_image; /**< "": the built-in pause where one is needed. Else every pod has a pause
					  process of this image, which is pulled when it is absent, and pinned;
					  `${machine}` in it becomes amd64 or aarch64 */
	const char *default_handler;   /**< "": lxc */
	const cri_handler_options *const *handlers;
	size_t n_handlers;
	cri_network_plugin network_plugin;
	const char *const *cni_plugin_directories; /**< none: /opt/cni/bin, /usr/lib/cni */
	size_t n_cni_plugin_directories;
	const char *cni_config_directory; /**< "": /etc/cni/net.d */
	bool cni_exec_all;                /**< run bridge, host-local, portmap and loopback as programs too */
	const cri_registry_options *const *registries;
	size_t n_registries;
	const char *const *registry_mirrors; /**< for docker.io, as registry-mirrors of daemon.json */
	size_t n_registry_mirrors;
	const char *const *insecure_registries;
	size_t n_insecure_registries;
	uint32_t max_parallel_layers; /**< 0: 4 */
	uint64_t max_layer_bytes;     /**< of one unpacked layer; 0: 64 GiB */
	/**
	 * Which images cri_image_pull and cri_image_import take; "": all. An absolute path of a file in the format of
	 * containers-policy.json(5), as podman and skopeo read it: "default" and, below "transports" ("docker" for
	 * registries, "oci", "oci-archive", "docker-archive", "embedded") by scope, lists of requirements that must all
	 * hold; an archive's scope is its path without links, or a directory above it:
	 * - {"type": "insecureAcceptAnything"}, {"type": "reject"};
	 * - {"type": "sigstoreSigned", "keyPath" or "keyPaths" or "keyData" or "keyDatas": …, "signedIdentity":
	 * {"type": "matchRepoDigestOrExact" (the default), "matchExact", "matchRepository", "exactReference" with
	 *   "dockerReference", "exactRepository" with "dockerRepository"}}: a signature of cosign or podman, by one of
	 *   these keys, in the registry (tag sha256-<digits>.sig) or in "signatureDirectory", an addition
	 *   (sha256-<digits>.payload and sha256-<digits>.sig, base64). For the first three it must be for every name
	 *   that an archive gives the image;
	 * - {"type": "allowedDigests", "digests": ["sha256:…"]}, an addition.
	 * Digests are those of the image's manifest or of the index that listed it, and of a docker-archive, which has
	 * none, the image's id. Anything else in it, "signedBy" for example, is CRI_ENOTSUP at cri_engine_open. It is
	 * read anew for each image; one that is refused, also because the file has gone bad, is CRI_ESIGNATURE.
	 */
	const char *image_policy_file;
	bool verify_embedded_at_mount; /**< hash the files of embedded images anew each time they are mounted */
	/**
	 * Without it fsync and sync in a container's own file system answer at once (overlayfs' "volatile"; errors of
	 * the disk are told all the same): nothing reads it after a power cut, which ends the container, and a
	 * container starts once. With it they wait for the disk, and each container's end waits until all of the file
	 * system that holds the root is written out: for who saves by hand what a container wrote. What is mounted into
	 * a container, and its log, never depend on it.
	 */
	bool sync_writable_layers;
	uint32_t max_events; /**< kept in the store; 0: 10000 */
} cri_engine_options;
#define CRI_ENGINE_OPTIONS_INIT                                                                                        \
	.size = sizeof(cri_engine_options), .cgroup_driver = CRI_CGROUP_CGROUPFS, .log_level = CRI_LOG_INFO,           \
	.network_plugin = CRI_NETWORK_NATIVE

CRI_API void cri_registry_options_init(cri_registry_options *, size_t size);
CRI_API void cri_handler_options_init(cri_handler_options *, size_t size);
CRI_API void cri_engine_options_init(cri_engine_options *, size_t size);

/**
 * Opens a root, makes it when it does not exist, and cleans what a killed program or a power cut left behind. Any
 * number of engines, in any number of processes, may have the same root open.
 *
 * Needs root. Changes nothing of the calling process: no signal, no working directory, no umask, no environment.
 *
 * @param options NULL: the defaults.
 * @return 0; CRI_EINVAL; CRI_EPRECONDITION: the root has pods, or is open, in another mount namespace or with another
 *         state directory, its state directory holds what a tmpfs would hide, or its schema is newer than this library;
 *         CRI_EPERM: not root.
 */
CRI_API int cri_engine_open(const cri_engine_options *options, cri_engine **engine, cri_call *call);

/** Closes it; containers run on. Not while a call uses it. In the child of a fork it frees memory only. NULL is
 *  allowed. */
CRI_API void cri_engine_close(cri_engine *engine);

/**
 * Takes new registry settings (registries, registry_mirrors, insecure_registries), CNI directories
 * (cni_plugin_directories, cni_config_directory) and log_level, as SIGHUP of cri-server does. Calls that are under way
 * end by the old ones. Other engines on the same root keep theirs. Any thread.
 *
 * @param options all of them; the rest must be what the engine was opened with. NULL: the defaults.
 * @return 0; CRI_EINVAL names the option that is wrong or that cannot be changed: nothing has changed then.
 */
CRI_API int cri_engine_reload(cri_engine *engine, const cri_engine_options *options, cri_call *call);

/** A condition of the runtime (CRI RuntimeCondition): "RuntimeReady", "NetworkReady". */
typedef struct cri_condition {
	const char *type;
	bool status;
	const char *reason;
	const char *message;
} cri_condition;

typedef struct cri_handler_status {
	const char *name; /**< "" is the default handler */
	bool recursive_read_only_mounts;
	bool user_namespaces;
} cri_handler_status;

typedef struct cri_engine_status {
	const cri_condition *const *conditions;
	size_t n_conditions;
	const cri_handler_status *const *handlers;
	size_t n_handlers;
	bool supplemental_groups_policy;
	bool user_namespaces_host_network;
	bool mount_options;
	cri_cgroup_driver cgroup_driver; /**< CRI RuntimeConfig */
	int cgroup_version;              /**< 1 (also hybrid) or 2 */
	const char *root;
	const char *state;
	const char *filesystem; /**< mount point of the root's file system */
} cri_engine_status;

/** CRI Status and RuntimeConfig. The list holds one. Network plugins of CNI 1.1.0 are asked for their STATUS. */
CRI_API int cri_engine_status_get(cri_engine *engine, cri_list **status, cri_call *call);
/** Its twin for event loops; the output of cri_op_finish is cri_list **. */
CRI_API int cri_engine_status_get_begin(cri_engine *engine, cri_op **op, cri_call *call);
CRI_API const cri_engine_status *cri_engine_status_at(const cri_list *list, size_t index);

/** The verbose map of CRI Status: a JSON object whose values are JSON. @param json freed with cri_free. */
CRI_API int cri_engine_info_json(cri_engine *engine, char **json, cri_call *call);

/** CRI UpdateRuntimeConfig: writes one log line with the CIDR and changes nothing. @param pod_cidr may be "". */
CRI_API int cri_engine_update_runtime_config(cri_engine *engine, const char *pod_cidr, cri_call *call);

#ifdef __cplusplus
}
#endif
#endif
