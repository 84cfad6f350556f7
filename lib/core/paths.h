/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows where things are below root and state.
 *
 *     <root>/libcri.db           the database; only SQLite ever opens it
 *     <root>/lock                bytes: object locks by hash; byte 0: recovery; 2^62: open engines; never unlinked
 *     <root>/l/<base 36>/        a layer: fs/ is its tree, or where an embedded image's is mounted for monitors
 *     <root>/c/<container id>/   upper/ and work/ of a container's writable layer
 *     <root>/tmp/<id>/           imports in progress
 *     <state>/                   tmpfs, a private mount
 *     <state>/ns/empty, ns/host  pinned network namespaces: of the monitors; of the host for pods in mode NODE
 *     <state>/ns/monitors        the monitors' pinned mount namespace
 *     <state>/exits/<container>  exit records that no transaction has folded yet
 *     <state>/exits/.wake        touched after a commit that made events
 *     <state>/sandboxes/<id>/    net ipc uts (pins), shm/, resolv.conf, hosts, hostname
 *     <state>/containers/<id>/   shim.json, lxc.conf, process, shim.sock, shim.lock, monitor.lock, rootfs/, exit
 *
 * Every function writes into path[PATH_MAX] and answers it, or NULL when it does not fit: engine_open refuses roots
 * and states so long that this could happen. A `name` that is NULL or "" means the object's directory itself; ids and
 * names were checked by whoever took them from outside: a "/" in them is not looked for here.
 */
#ifndef LIBCRI_CORE_PATHS_H
#define LIBCRI_CORE_PATHS_H

#include "core/engine.h"

#include <limits.h>

char *path_database(const cri_engine *engine, char path[PATH_MAX]);
char *path_lock(const cri_engine *engine, char path[PATH_MAX]);
char *path_layer(const cri_engine *engine, int64_t layer, char path[PATH_MAX]);    /* …/l/<base 36> */
char *path_layer_fs(const cri_engine *engine, int64_t layer, char path[PATH_MAX]); /* …/l/<base 36>/fs */
char *path_container_root(const cri_engine *engine, const char *id, char path[PATH_MAX]);
char *path_temporary(const cri_engine *engine, const char *id, char path[PATH_MAX]);
char *path_empty_namespace(const cri_engine *engine, char path[PATH_MAX]);
char *path_monitor_mounts(const cri_engine *engine, char path[PATH_MAX]);
char *path_host_namespace(const cri_engine *engine, char path[PATH_MAX]);
char *path_exits(const cri_engine *engine, char path[PATH_MAX]);
char *path_exit(const cri_engine *engine, const char *container, char path[PATH_MAX]);
char *path_wake(const cri_engine *engine, char path[PATH_MAX]);
char *path_sandbox(const cri_engine *engine, const char *id, const char *name, char path[PATH_MAX]);
char *path_container(const cri_engine *engine, const char *id, const char *name, char path[PATH_MAX]);
char *path_helper(const cri_engine *engine, const char *program, char path[PATH_MAX]);

#endif
