/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libcri/config.h
 * What a pod and a container are asked to be: PodSandboxConfig and ContainerConfig of the CRI. The security and
 * resource messages of CRI's Linux parts are flattened into them or are structs of their own.
 */
#ifndef LIBCRI_CONFIG_H
#define LIBCRI_CONFIG_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which namespace a process lives in (CRI NamespaceMode; the numbers are CRI's). */
typedef enum cri_namespace_mode {
	CRI_NAMESPACE_POD = 0,       /**< the pod's */
	CRI_NAMESPACE_CONTAINER = 1, /**< the container's own */
	CRI_NAMESPACE_NODE = 2,      /**< the host's */
	CRI_NAMESPACE_TARGET = 3     /**< that of container `target_id`; pid only */
} cri_namespace_mode;

typedef enum cri_mount_propagation {
	CRI_PROPAGATION_PRIVATE = 0,
	CRI_PROPAGATION_HOST_TO_CONTAINER = 1, /**< rslave */
	CRI_PROPAGATION_BIDIRECTIONAL = 2      /**< rshared */
} cri_mount_propagation;

typedef enum cri_protocol { CRI_TCP = 0, CRI_UDP = 1, CRI_SCTP = 2 } cri_protocol;

typedef enum cri_profile_type {
	CRI_PROFILE_RUNTIME_DEFAULT = 0,
	CRI_PROFILE_UNCONFINED = 1,
	CRI_PROFILE_LOCALHOST = 2 /**< the profile named by localhost_ref */
} cri_profile_type;

typedef enum cri_groups_policy { CRI_GROUPS_MERGE = 0, CRI_GROUPS_STRICT = 1 } cri_groups_policy;

/** One line of a user namespace's map (CRI IDMapping). */
typedef struct cri_id_mapping {
	size_t size;
	uint32_t host_id;
	uint32_t container_id;
	uint32_t length;
} cri_id_mapping;
#define CRI_ID_MAPPING_INIT .size = sizeof(cri_id_mapping)

/** A user namespace (CRI UserNamespace). mode POD asks for one, NODE for none. */
typedef struct cri_user_namespace {
	size_t size;
	cri_namespace_mode mode;
	const cri_id_mapping *const *uids;
	size_t n_uids;
	const cri_id_mapping *const *gids;
	size_t n_gids;
} cri_user_namespace;
#define CRI_USER_NAMESPACE_INIT .size = sizeof(cri_user_namespace)

typedef struct cri_port_mapping {
	size_t size;
	cri_protocol protocol;
	int32_t container_port; /**< 1 to 65535 */
	int32_t host_port;      /**< 0 to 65535; 0: not mapped */
	const char *host_ip;    /**< "" is every address */
} cri_port_mapping;
#define CRI_PORT_MAPPING_INIT .size = sizeof(cri_port_mapping)

/** resolv.conf of a pod. All empty: the host's /etc/resolv.conf is copied. */
typedef struct cri_dns_config {
	size_t size;
	const char *const *servers; /**< at most 32 addresses */
	size_t n_servers;
	const char *const *searches;
	size_t n_searches;
	const char *const *options; /**< see resolv.conf(5) */
	size_t n_options;
} cri_dns_config;
#define CRI_DNS_CONFIG_INIT .size = sizeof(cri_dns_config)

typedef struct cri_selinux_option {
	size_t size;
	const char *user;
	const char *role;
	const char *type;
	const char *level;
} cri_selinux_option;
#define CRI_SELINUX_OPTION_INIT .size = sizeof(cri_selinux_option)

/**
 * A seccomp or AppArmor profile (CRI SecurityProfile). A NULL pointer to one means that none was asked for, and none is
 * applied. Privileged containers have none, whatever was asked for.
 *
 * Seccomp: RUNTIME_DEFAULT is the built-in profile, in effect that of the other engines. LOCALHOST is a file, named by
 * its absolute path, in the JSON of the OCI runtime specification or of Docker; it is read when the container is
 * created, and also holds for what is executed in it later. A file that is missing or wrong is CRI_EINVAL.
 * AppArmor: others than UNCONFINED are CRI_ENOTSUP.
 */
typedef struct cri_security_profile {
	size_t size;
	cri_profile_type profile_type;
	const char *localhost_ref;
} cri_security_profile;
#define CRI_SECURITY_PROFILE_INIT .size = sizeof(cri_security_profile)

typedef struct cri_hugepage_limit {
	size_t size;
	const char *page_size; /**< "2MB", "1GB" */
	uint64_t limit;        /**< bytes */
} cri_hugepage_limit;
#define CRI_HUGEPAGE_LIMIT_INIT .size = sizeof(cri_hugepage_limit)

/**
 * Resources (CRI LinuxContainerResources). A 0 or an empty text means "not given": the kernel's default when a
 * container is created, unchanged when resources are updated. The has_ flags tell that a 0 is meant.
 */
typedef struct cri_resources {
	size_t size;
	int64_t cpu_period;                 /**< microseconds */
	int64_t cpu_quota;                  /**< microseconds a period; -1: no limit */
	int64_t cpu_shares;                 /**< 2 to 262144, as cpu.shares of cgroup v1 */
	int64_t memory_limit_in_bytes;      /**< -1: no limit */
	int64_t memory_swap_limit_in_bytes; /**< memory and swap together; -1: no limit */
	int64_t oom_score_adj;              /**< -1000 to 1000 */
	bool has_oom_score_adj;             /**< an oom_score_adj of 0 is meant */
	bool has_memory_swap_limit;         /**< a memory_swap_limit_in_bytes of 0 is meant */
	const char *cpuset_cpus;            /**< "0-2,7" */
	const char *cpuset_mems;
	const cri_hugepage_limit *const *hugepage_limits;
	size_t n_hugepage_limits;
	cri_key_values unified; /**< cgroup v2 files and their values, "memory.high" = "1000000" */
	size_t n_unified;
	int64_t pids_limit; /**< processes and threads; -1: no limit. Also annotation "cgroup.pids.max" */
} cri_resources;
#define CRI_RESOURCES_INIT .size = sizeof(cri_resources)

/** CRI PodSandboxConfig with its LinuxPodSandboxConfig and LinuxSandboxSecurityContext. */
typedef struct cri_sandbox_config {
	size_t size;
	/** PodSandboxMetadata: any characters; (name, namespace_, uid, attempt) is unique in an engine. name is
	 * required. */
	const char *name;
	const char *uid;
	const char *namespace_;
	uint32_t attempt;
	const char *hostname;      /**< "": the host's in a pod of the host's network, else the pod's name, cut to 63 */
	const char *log_directory; /**< absolute, or "": no container of the pod has a log file */
	const cri_dns_config *dns_config;
	const cri_port_mapping *const *port_mappings;
	size_t n_port_mappings;
	cri_key_values labels;
	size_t n_labels;
	cri_key_values annotations;
	size_t n_annotations;
	const char *cgroup_parent; /**< "": the engine's. cgroupfs: "/a/b"; systemd: "a-b.slice" */
	cri_key_values sysctls;    /**< only those of the pod's own namespaces */
	size_t n_sysctls;
	const cri_resources *overhead;
	const cri_resources *resources; /**< the sum of the pod's containers; informative */
	cri_namespace_mode network;     /**< POD or NODE */
	cri_namespace_mode pid;         /**< INIT sets CONTAINER; POD makes the containers share one */
	cri_namespace_mode ipc;         /**< POD or NODE */
	const cri_user_namespace *user_namespace;
	/** The following apply to the pause process where a pod has one, never to its containers. */
	const cri_selinux_option *selinux_options;
	bool has_run_as_user;
	int64_t run_as_user;
	bool has_run_as_group;
	int64_t run_as_group;
	bool readonly_rootfs;
	const int64_t *supplemental_groups;
	size_t n_supplemental_groups;
	cri_groups_policy supplemental_groups_policy;
	bool privileged; /**< required by containers that want to be privileged */
	const cri_security_profile *seccomp;
	const cri_security_profile *apparmor;
	const char *seccomp_profile_path; /**< the 2019 form; `seccomp` wins when both are given */
} cri_sandbox_config;
#define CRI_SANDBOX_CONFIG_INIT .size = sizeof(cri_sandbox_config), .pid = CRI_NAMESPACE_CONTAINER

typedef struct cri_mount {
	size_t size;
	const char *container_path; /**< absolute */
	const char *host_path;      /**< absolute and existing, or "" with `image` or for a tmpfs of kind "tmpfs" */
	bool readonly;
	bool selinux_relabel;
	cri_mount_propagation propagation;
	const cri_id_mapping *const *uid_mappings;
	size_t n_uid_mappings;
	const cri_id_mapping *const *gid_mappings;
	size_t n_gid_mappings;
	bool recursive_read_only;
	const char *image; /**< mount this image read-only instead of a host path */
	const char *image_sub_path;
	const char *const *mount_options; /**< "noexec", "nosuid", "nodev" */
	size_t n_mount_options;
} cri_mount;
#define CRI_MOUNT_INIT .size = sizeof(cri_mount)

typedef struct cri_device {
	size_t size;
	const char *container_path;
	const char *host_path;
	const char *permissions; /**< letters of "rwm"; "" means all */
} cri_device;
#define CRI_DEVICE_INIT .size = sizeof(cri_device)

/** CRI ContainerConfig with its LinuxContainerConfig and LinuxContainerSecurityContext. */
typedef struct cri_container_config {
	size_t size;
	const char *name; /**< required; (sandbox, name, attempt) is unique */
	uint32_t attempt;
	const char *image; /**< required: an image id, a reference or a digest known to the store */
	const char *user_specified_image;
	cri_key_values image_annotations;
	size_t n_image_annotations;
	const char *const *command; /**< replaces the image's Entrypoint (and its Cmd) */
	size_t n_command;
	const char *const *args; /**< replaces the image's Cmd */
	size_t n_args;
	const char *working_dir; /**< "": the image's, else "/" */
	cri_key_values envs;     /**< added to the image's; the same name replaces */
	size_t n_envs;
	const cri_mount *const *mounts;
	size_t n_mounts;
	const cri_device *const *devices;
	size_t n_devices;
	const char *const *cdi_devices; /**< CDI names, "vendor.com/class=name" */
	size_t n_cdi_devices;
	cri_key_values labels;
	size_t n_labels;
	cri_key_values annotations;
	size_t n_annotations;
	const char *log_path; /**< relative to the pod's log_directory; "": no log file */
	bool stdin_;          /**< keep a pipe to the process's standard input; else it reads /dev/null */
	bool stdin_once;      /**< close it when the first attach ends */
	bool tty;
	const char *stop_signal; /**< "SIGTERM", "TERM", "15", "RTMIN+3"; "": the image's, else SIGTERM */
	const cri_resources *resources;
	/* security */
	bool privileged;
	const char *const *add_capabilities; /**< "NET_ADMIN" or "CAP_NET_ADMIN", "ALL" */
	size_t n_add_capabilities;
	const char *const *drop_capabilities;
	size_t n_drop_capabilities;
	const char *const *add_ambient_capabilities;
	size_t n_add_ambient_capabilities;
	cri_namespace_mode network; /**< the pod's network always counts; validated against it */
	cri_namespace_mode pid;     /**< INIT sets CONTAINER */
	cri_namespace_mode ipc;     /**< POD: the pod's, and its /dev/shm; CONTAINER: its own; NODE: as the pod has */
	const char *target_id;      /**< the container of pid mode TARGET */
	const cri_user_namespace *user_namespace;
	const cri_selinux_option *selinux_options;
	bool has_run_as_user;
	int64_t run_as_user;
	const char *run_as_username; /**< wins over run_as_user; looked up in the container's /etc/passwd */
	bool has_run_as_group;
	int64_t run_as_group; /**< needs run_as_user or run_as_username */
	const int64_t *supplemental_groups;
	size_t n_supplemental_groups;
	cri_groups_policy supplemental_groups_policy;
	bool readonly_rootfs;
	bool no_new_privs;
	bool has_masked_paths; /**< n_masked_paths 0 is meant: mask nothing; else the defaults apply */
	const char *const *masked_paths;
	size_t n_masked_paths;
	bool has_readonly_paths;
	const char *const *readonly_paths;
	size_t n_readonly_paths;
	const cri_security_profile *seccomp;
	const cri_security_profile *apparmor;
	const char *seccomp_profile_path; /**< the 2019 form: "unconfined", "runtime/default", or a file, "localhost/"
					     before it or not */
	const char *apparmor_profile;     /**< the 2019 form */
} cri_container_config;
#define CRI_CONTAINER_CONFIG_INIT .size = sizeof(cri_container_config), .pid = CRI_NAMESPACE_CONTAINER

/** @name The INIT macros as functions
 * They zero `size` bytes, set the size member and the defaults that the macro sets. @{ */
CRI_API void cri_id_mapping_init(cri_id_mapping *, size_t size);
CRI_API void cri_user_namespace_init(cri_user_namespace *, size_t size);
CRI_API void cri_port_mapping_init(cri_port_mapping *, size_t size);
CRI_API void cri_dns_config_init(cri_dns_config *, size_t size);
CRI_API void cri_selinux_option_init(cri_selinux_option *, size_t size);
CRI_API void cri_security_profile_init(cri_security_profile *, size_t size);
CRI_API void cri_hugepage_limit_init(cri_hugepage_limit *, size_t size);
CRI_API void cri_resources_init(cri_resources *, size_t size);
CRI_API void cri_sandbox_config_init(cri_sandbox_config *, size_t size);
CRI_API void cri_mount_init(cri_mount *, size_t size);
CRI_API void cri_device_init(cri_device *, size_t size);
CRI_API void cri_container_config_init(cri_container_config *, size_t size);
/** @} */

/** @name JSON
 * The JSON that crictl users have in pod-config.json and container-config.json: protobuf's JSON mapping of the CRI
 * messages, original or camelCase field names, numbers or quoted numbers for int64, enums by number or name. Unknown
 * keys and wrong types are CRI_EINVAL with the path of the key; at most 1 MiB and 32 levels. A `windows` section that
 * is not empty is CRI_ENOTSUP.
 *
 * Beyond the CRI's keys: linux.resources has pids_limit, has_oom_score_adj and has_memory_swap_limit; stop_signal is
 * also taken as a plain name ("TERM"). has_masked_paths and has_readonly_paths tell whether the key is there. Values of
 * envs are plain text, never base64.
 * @{ */

/** Reads one. The list holds the config; get it with the _at function. Not given pid mode is POD, as in the CRI. */
CRI_API int cri_sandbox_config_from_json(const char *json, size_t length, cri_list **config, cri_call *call);
CRI_API int cri_container_config_from_json(const char *json, size_t length, cri_list **config, cri_call *call);

/** The config in such a list; NULL when `list` is of another kind or `index` is out of range. */
CRI_API const cri_sandbox_config *cri_sandbox_config_at(const cri_list *list, size_t index);
CRI_API const cri_container_config *cri_container_config_at(const cri_list *list, size_t index);

/** Writes one, in the original field names. @param json freed with cri_free. */
CRI_API int cri_sandbox_config_to_json(const cri_sandbox_config *config, char **json, cri_call *call);
CRI_API int cri_container_config_to_json(const cri_container_config *config, char **json, cri_call *call);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
