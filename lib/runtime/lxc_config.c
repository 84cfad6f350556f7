/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as a configuration of liblxc (lxc.container.conf(5)).
 *
 * liblxc makes the namespaces, the root file system, /proc, /sys and /dev. What comes after it is not here: mounts,
 * user, capabilities, limits are cri-init's (init_protocol.h), since liblxc would apply them to cri-init itself;
 * cgroups are made and entered without it (shim_protocol.h).
 *
 * liblxc runs in the monitors' mount namespace (network/pin_protocol.h), where the state directory is not: paths in it
 * are named through a descriptor of the monitor's.
 */
#include "runtime/handler.h"

#include "base/buffer.h"
#include "base/fs.h"
#include "base/text.h"
#include "core/paths.h"
#include "network/pin_protocol.h"
#include "runtime/shim_protocol.h"

#include <string.h>

static const char step[] = "write liblxc's configuration";

/* Terminals in the container's devpts; without the key liblxc mounts none. */
#define PTY_MAX 1024

/* Of the tmpfs at /dev, as Docker and containerd have it. */
#define DEV_SIZE 65536000

/* Without it (sync_writable_layers) the end of every container waits until all of the file system below is written out:
 * overlay syncs it when it is unmounted, image pulls and what other programs wrote there included. What a container
 * wrote has no reader after a power cut: it has ended then, and a container starts once. CRI-O does the same. */
#define OVERLAY_OPTIONS "volatile"

/* mount(2) takes a page of options, with what liblxc writes around the directories. */
#define OPTIONS_MAX 4096
#define OPTIONS_FRAME sizeof("upperdir=,lowerdir=,workdir=," OVERLAY_OPTIONS)

struct render {
	cri_engine *engine;
	const struct runtime_container *container;
	struct buffer text;
	cri_call *call;
};

/* A line's value ends with the line; liblxc cuts blanks and a pair of quotes off it. */
static int check_value(const struct render *render, const char *key, const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == '\x7f')
			return call_fail(render->call, CRI_EINVAL, step, "%s: it has a control character", key);
	}
	if (!length || strchr(" \"'", value[0]) || strchr(" \"'", value[length - 1]))
		return call_fail(render->call, CRI_EINVAL, step,
				 "%s: \"%s\" is empty, or has a blank or a quote at an end", key, value);
	return 0;
}

static int set(struct render *render, const char *key, const char *value)
{
	int result;

	if (!value)
		return call_fail(render->call, CRI_EINVAL, step, "%s: its path is too long", key);
	result = check_value(render, key, value);
	if (result == 0)
		buffer_printf(&render->text, "%s = %s\n", key, value);
	return result;
}

/* liblxc takes the directories apart at ":/", the kernel at ":" and "," and reads "\" as an escape. */
static int check_directory(const struct render *render, const char *directory)
{
	if (directory[0] != '/' || strpbrk(directory, ":,\\"))
		return call_fail(render->call, CRI_EINVAL, step,
				 "directory %s cannot be a part of an overlay: it has one of ':', ',', '\\' in its "
				 "path; open the engine with another root",
				 directory);
	return 0;
}

/* "overlay:/highest:…:/lowest:/upper"; the work directory is the upper one's sibling "work". */
static int set_overlay(struct render *render)
{
	const struct runtime_container *container = render->container;
	CLEANUP_BUFFER struct buffer path = BUFFER_EMPTY;
	size_t length = OPTIONS_FRAME + 2 * strlen(container->writable) + strlen("/upper/work");
	int result = check_directory(render, container->writable);

	buffer_text(&path, "overlay:");
	for (size_t i = container->n_layers; result == 0 && i-- > 0;) {
		result = check_directory(render, container->layers[i]);
		buffer_printf(&path, "%s:", container->layers[i]);
		length += strlen(container->layers[i]) + 1;
	}
	buffer_printf(&path, "%s/upper", container->writable);
	if (result < 0)
		return result;
	if (path.failed)
		return call_no_memory(render->call, step);
	if (length > OPTIONS_MAX)
		return call_fail(render->call, CRI_EEXHAUSTED, step,
				 "the paths of %zu layers have %zu bytes, mount(2) takes %d: open the engine with a "
				 "shorter root",
				 container->n_layers, length, OPTIONS_MAX);
	result = set(render, "lxc.rootfs.path", path.data);
	if (result < 0 || render->engine->options.sync_writable_layers)
		return result;
	return set(render, "lxc.rootfs.options", OVERLAY_OPTIONS);
}

static int set_rootfs(struct render *render)
{
	int result = render->container->n_layers ? set_overlay(render)
						 : set(render, "lxc.rootfs.path", "dir:" PIN_NO_LAYERS);

	return result < 0 ? result : set(render, "lxc.rootfs.mount", PIN_ROOTFS);
}

/* A path below the state directory as the monitor reaches it; others as they are. */
static const char *through_monitor(const struct render *render, const char *path, char reached[PATH_MAX])
{
	size_t length = strlen(render->engine->state);

	if (!path || strncmp(path, render->engine->state, length) != 0 || path[length] != '/')
		return path;
	return fs_path(reached, PATH_MAX, SHIM_MONITOR_STATE "%s", path + length) < 0 ? NULL : reached;
}

static bool is_host(const char *namespace)
{
	return text_equal(namespace, RUNTIME_NAMESPACE_HOST);
}

static int share(struct render *render, const char *key, const char *namespace)
{
	char reached[PATH_MAX];

	if (text_is_empty(namespace) || is_host(namespace))
		return 0;
	return set(render, key, through_monitor(render, namespace, reached));
}

static int set_namespaces(struct render *render)
{
	const struct runtime_container *container = render->container;
	char path[PATH_MAX];
	int result;

	/* The host's is pinned: the monitor, from which all that is not said is inherited, has an empty one. */
	result = share(render, "lxc.namespace.share.net",
		       is_host(container->network_namespace) ? path_host_namespace(render->engine, path)
							     : container->network_namespace);
	if (result == 0)
		result = share(render, "lxc.namespace.share.ipc", container->ipc_namespace);
	if (result == 0)
		result = share(render, "lxc.namespace.share.uts", container->uts_namespace);
	if (result == 0)
		result = share(render, "lxc.namespace.share.pid", container->pid_namespace);
	if (result == 0 && text_is_empty(container->uts_namespace) && !text_is_empty(container->hostname))
		result = set(render, "lxc.uts.name", container->hostname);
	if (result < 0)
		return result;
	/* Said by what is made, since lxc.namespace.keep would make a user and a time namespace too. The root of a
	 * cgroup namespace is where the process is that makes it: cri-init does that, in its own cgroup. */
	buffer_printf(&render->text, "lxc.namespace.clone = mnt%s%s%s\n",
		      text_is_empty(container->ipc_namespace) ? " ipc" : "",
		      text_is_empty(container->uts_namespace) ? " uts" : "",
		      text_is_empty(container->pid_namespace) ? " pid" : "");
	return 0;
}

static int set_log(struct render *render)
{
	int result = set(render, "lxc.log.file", SHIM_MONITOR_DIRECTORY "/lxc.log");

	buffer_text(&render->text, "lxc.log.level = ERROR\n");
	return result;
}

static void set_file_systems(struct render *render)
{
	/* Which parts of /proc and /sys are masked or read-only is said by mounts. */
	buffer_printf(&render->text, "lxc.mount.auto = proc:rw sys:%s\n", render->container->privileged ? "rw" : "ro");
	buffer_printf(&render->text, "lxc.autodev = 1\nlxc.autodev.tmpfs.size = %d\n", DEV_SIZE);
	buffer_printf(&render->text, "lxc.pty.max = %d\nlxc.tty.max = 0\nlxc.console.path = none\n", PTY_MAX);
}

int runtime_render_lxc(cri_engine *engine, const struct runtime_container *container, char **text, cri_call *call)
{
	struct render render = { engine, container, BUFFER_EMPTY, call };
	int result = set_rootfs(&render);

	if (result == 0)
		result = set_namespaces(&render);
	if (result == 0)
		result = set_log(&render);
	set_file_systems(&render);
	buffer_text(&render.text, "lxc.apparmor.profile = unconfined\n");
	if (result == 0 && render.text.failed)
		result = call_no_memory(call, step);
	if (result == 0)
		*text = buffer_take(&render.text);
	buffer_free(&render.text);
	return result;
}
