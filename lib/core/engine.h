/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of cri_engine: settled options and the things that every area needs. */
#ifndef LIBCRI_CORE_ENGINE_H
#define LIBCRI_CORE_ENGINE_H

#include "libcri/libcri.h"

#include "base/arena.h"
#include "core/call.h"

#include <pthread.h>
#include <sys/types.h>

struct store;
struct cgroup_system;
struct fetch_service;
struct settings;
struct recent;
struct shim_zygote;

struct cri_engine {
	struct arena arena;         /* owns the texts of `options` */
	cri_engine_options options; /* a deep copy (core/options.h); without what cri_engine_reload may change, but for
				       log_level */
	pthread_mutex_t settings;   /* guards what is below it, and options.log_level */
	struct settings *current;   /* core/settings.h: settings_take */
	const char *root;           /* options.root */
	const char *state;          /* options.state */
	const char *helpers;        /* options.helper_directory */
	pid_t opened_by;            /* getpid() at open: CRI_EFORKED elsewhere */
	int presence;               /* core/place.h; -1 until the engine is in its place */
	struct store *store;
	struct cgroup_system *cgroups;
	struct fetch_service *fetch_service; /* NULL until the first pull */
	struct shim_zygote *zygote;          /* runtime/shim_zygote.h; NULL: none. Guarded by `settings` */
	const char *mountpoint, *filesystem; /* of the root: image/filesystem.h; NULL until somebody asks */
	struct recent *rates;                /* runtime/usage_rates.h; NULL until the first statistics */
	struct recent *walks;                /* image/tree_usage.h; NULL until the first walk */
};

/* One line to the host's log function, if the level is wanted. Never printed. */
void engine_log(cri_engine *engine, cri_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells event and exit watchers of every process that something was committed (paths.h: path_wake). Best effort. */
void engine_wake(cri_engine *engine);

/*
 * Object locks. Order: name, sandbox, container; never held across a container's run or a grace period. Waits with
 * back-off until the call's deadline. *lock is a descriptor for lock_release (CLEANUP_LOCK).
 */
int engine_lock_name(cri_engine *engine, const char *name, int *lock, cri_call *call);
int engine_lock_object(cri_engine *engine, const char *id, int *lock, cri_call *call);
/* The same without waiting: CRI_EAGAIN, not described, when somebody holds it. */
int engine_trylock_object(cri_engine *engine, const char *id, int *lock, cri_call *call);

#endif
