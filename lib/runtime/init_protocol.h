/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cri-shim and cri-init say to each other over a SEQPACKET socket (descriptor INIT_SOCKET_FD of cri-init).
 *
 * cri-init is the first process of every container and of every exec. For a container:
 *
 *     shim → init  any number of MOUNT, FRESH, MASK, READONLY, in the order in which they are to be done
 *     shim → init  PROCESS + a memfd with the process record, and descriptors of cgroup files
 *     init → shim  READY (user, and with a tty the master descriptor), or FAILED
 *     shim → init  START + stdin, stdout, stderr (none with a tty)
 *     init → shim  nothing but the end of file of the O_CLOEXEC socket: execve succeeded; or FAILED
 *
 * For an exec, cri-init has been started inside the container's namespaces, and begins with PROCESS.
 * The pause process (PROCESS_PAUSE) takes no notice of descriptors that come with START.
 *
 * A message is one struct init_message followed by `length` bytes of texts, each with its NUL.
 */
#ifndef LIBCRI_RUNTIME_INIT_PROTOCOL_H
#define LIBCRI_RUNTIME_INIT_PROTOCOL_H

#include <stdint.h>

#define INIT_SOCKET_FD 3
#define INIT_MESSAGE_MAX 16384

enum init_message_type {
	/* Attach the detached mount that comes with it at `target`, resolved inside the root, made when it is missing
	 * (a directory, or a file with INIT_MOUNT_FILE). Texts: target. */
	INIT_MOUNT = 1,
	/* Mount a new file system. Texts: type ("tmpfs", "mqueue", "proc", "cgroup2"), target, data. `flags`: MS_*. */
	INIT_FRESH = 2,
	/* Hide a path: /dev/null over a file, an empty read-only tmpfs over a directory; absent is fine. Texts: target.
	 */
	INIT_MASK = 3,
	/* Make a path read-only, with all below it; absent is fine. Texts: target. */
	INIT_READONLY = 4,
	/* The process to become: a memfd comes with it, then, if any, descriptors of tasks files of v1, into which "0"
	 * is written; with INIT_PROCESS_CGROUP_V2, last, one of cgroup.procs of v2, which is read first and written
	 * only if this process was not born in there. */
	INIT_PROCESS = 5,
	INIT_START = 6,
	/*
	 * The answers. READY texts: "uid gid group group …", then any number of notes, each telling of something that
	 * could be done in part only (a limit or oom_score_adj without CAP_SYS_RESOURCE, capabilities that are not
	 * there).
	 * FAILED texts: step, message; `error` is the errno, whose text whoever shows them adds. The step "execute"
	 * with ENOENT is a command that is not there; INIT_STEP_USER is a user or group that the container's files do
	 * not have or that is none, INIT_STEP_MOUNT often a target that cannot be. After a FAILED cri-init exits.
	 */
	INIT_READY = 16,
	INIT_FAILED = 17,
};

#define INIT_STEP_USER "find the user"
#define INIT_STEP_MOUNT "mount"

#define INIT_MOUNT_FILE 0x1u
#define INIT_PROCESS_CGROUP_V2 0x1u

struct init_message {
	uint32_t type;
	uint32_t flags;
	int32_t error;
	uint32_t length;
};

/*
 * The process record: what libcri.so encodes (process_record.c), the shim passes on unread and cri-init decodes. A
 * sequence of { uint32_t tag, uint32_t length, bytes }, unaligned, host byte order. Unknown tags are an error: an
 * instruction that cannot be followed must not be dropped. Texts carry no NUL in the record.
 */
enum process_tag {
	PROCESS_ARGUMENT = 1,    /* text; repeated */
	PROCESS_ENVIRONMENT = 2, /* text "NAME=value"; repeated. HOME is added from passwd when absent */
	PROCESS_DIRECTORY = 3,   /* text; made when it is missing, for a container; an error for an exec */
	PROCESS_USER = 4,   /* text: user of the image's or CRI's notation, "", "1000", "name", "name:group", "1:2" */
	PROCESS_GROUP = 5,  /* int64: overrides the primary group */
	PROCESS_GROUPS = 6, /* int64 array: supplemental groups to add */
	PROCESS_GROUPS_STRICT = 7, /* present: only these, none from /etc/group */
	PROCESS_CAPABILITIES = 8,  /* uint64 bits: effective, permitted, inheritable, bounding, ambient (5 of them) */
	PROCESS_NO_NEW_PRIVS = 9,  /* present: set it */
	PROCESS_TERMINAL = 10,     /* present: make a terminal from the container's devpts */
	PROCESS_OOM_SCORE = 11,    /* int64 */
	PROCESS_RLIMIT = 12,       /* int32 resource, int32 padding, uint64 soft, uint64 hard; repeated */
	PROCESS_UMASK = 13,        /* uint32 */
	PROCESS_SECCOMP = 14,      /* struct sock_filter array */
	PROCESS_LSM_LABEL = 15,    /* text for /proc/self/attr/exec */
	PROCESS_HOSTNAME = 16,     /* text: sethostname in an own UTS namespace */
	PROCESS_EXEC = 17,         /* present: an exec, not the first process: the directory must exist */
	PROCESS_CGROUP_FILES = 18, /* present: descriptors of cgroup entry files must come with PROCESS */
	PROCESS_PAUSE = 19,        /* present: execute nothing; reap orphans and sleep until SIGTERM or SIGINT */
};

#endif
