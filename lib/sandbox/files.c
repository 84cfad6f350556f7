/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod's containers find in /etc and /dev/shm. */
#include "sandbox/sandbox.h"

#include "base/fs.h"
#include "core/paths.h"
#include "network/network.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

static const char step[] = "write the pod's files";

#define HOST_FILE_LIMIT (1u << 20)
#define HOSTNAME_MAX 63
#define SHARED_MEMORY_OPTIONS "mode=1777,size=65536k" /* Docker's and Kubernetes' default */

const char *sandbox_hostname(struct arena *arena, const cri_sandbox_config *config)
{
	char *name;

	if (!text_is_empty(config->hostname))
		return config->hostname;
	name = arena_strdup(arena, config->name);
	if (!name)
		return NULL;
	if (strlen(name) > HOSTNAME_MAX)
		name[HOSTNAME_MAX] = '\0';
	/* Metadata may hold any characters, a host name may not. */
	for (char *at = name; *at; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.')
			*at = '-';
	}
	return name;
}

static int write_file(cri_engine *engine, const char *id, const char *name, const struct buffer *content,
		      cri_call *call)
{
	char path[PATH_MAX];
	int result;

	if (content->failed)
		return call_no_memory(call, step);
	/* Readable by every user of the container, whatever the host's umask. */
	result = fs_write_atomic(AT_FDCWD, path_sandbox(engine, id, name, path), content->data ? content->data : "",
				 content->length, 0644, false);
	return result < 0 ? call_fail_errno(call, result, step, "%s", path) : 0;
}

static int copy_host_file(const char *path, struct buffer *content, cri_call *call)
{
	int result = fs_read(AT_FDCWD, path, HOST_FILE_LIMIT, content);

	return result < 0 && result != -ENOENT ? call_fail_errno(call, result, step, "read %s", path) : 0;
}

static void list_line(struct buffer *content, const char *keyword, const char *const *words, size_t n_words)
{
	if (!n_words)
		return;
	buffer_text(content, keyword);
	for (size_t i = 0; i < n_words; i++)
		buffer_printf(content, " %s", words[i]);
	buffer_text(content, "\n");
}

static int resolv_conf(const cri_sandbox_config *config, struct buffer *content, cri_call *call)
{
	const cri_dns_config *dns = config->dns_config;

	if (!dns || (!dns->n_servers && !dns->n_searches && !dns->n_options))
		return copy_host_file("/etc/resolv.conf", content, call);
	list_line(content, "search", dns->searches, dns->n_searches);
	for (size_t i = 0; i < dns->n_servers; i++)
		buffer_printf(content, "nameserver %s\n", dns->servers[i]);
	list_line(content, "options", dns->options, dns->n_options);
	return 0;
}

static int hosts(const cri_sandbox_config *config, const char *hostname, struct buffer *content, cri_call *call)
{
	if (config->network == CRI_NAMESPACE_NODE)
		return copy_host_file("/etc/hosts", content, call);
	buffer_printf(content,
		      "127.0.0.1\tlocalhost%s%s\n"
		      "::1\tlocalhost ip6-localhost ip6-loopback\n"
		      "fe00::\tip6-localnet\n"
		      "ff02::1\tip6-allnodes\n"
		      "ff02::2\tip6-allrouters\n",
		      *hostname ? " " : "", hostname);
	return 0;
}

int sandbox_write_files(cri_engine *engine, const char *id, const cri_sandbox_config *config, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_BUFFER struct buffer resolver = BUFFER_EMPTY;
	CLEANUP_BUFFER struct buffer names = BUFFER_EMPTY;
	CLEANUP_BUFFER struct buffer name = BUFFER_EMPTY;
	const char *hostname = sandbox_hostname(&arena, config);
	int result;

	if (!hostname)
		return call_no_memory(call, step);
	if (sandbox_shares_host_name(config))
		result = copy_host_file("/etc/hostname", &name, call);
	else
		result = (buffer_printf(&name, "%s\n", hostname), 0);
	if (result == 0)
		result = resolv_conf(config, &resolver, call);
	if (result == 0)
		result = hosts(config, hostname, &names, call);
	if (result == 0)
		result = write_file(engine, id, "resolv.conf", &resolver, call);
	if (result == 0)
		result = write_file(engine, id, "hosts", &names, call);
	if (result == 0)
		result = write_file(engine, id, "hostname", &name, call);
	return result;
}

int sandbox_write_hosts(cri_engine *engine, const char *id, const cri_sandbox_config *config, cri_call *call)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_BUFFER struct buffer names = BUFFER_EMPTY;
	const char *hostname = sandbox_hostname(&arena, config);
	const char *const *ips;
	size_t n_ips;
	int result;

	if (!hostname)
		return call_no_memory(call, step);
	result = network_addresses(engine, &arena, id, &ips, &n_ips, call);
	/* With addresses of its own, its name is not loopback's. */
	if (result == 0)
		result = hosts(config, n_ips ? "" : hostname, &names, call);
	for (size_t i = 0; i < n_ips && result == 0; i++)
		buffer_printf(&names, "%s\t%s\n", ips[i], hostname);
	return result < 0 ? result : write_file(engine, id, "hosts", &names, call);
}

int sandbox_mount_shared_memory(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];
	int result = fs_make_directories(path_sandbox(engine, id, "shm", path), 0700);

	if (result < 0)
		return call_fail_errno(call, result, step, "make %s", path);
	if (mount("shm", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, SHARED_MEMORY_OPTIONS) < 0)
		return call_fail_errno(call, errno, "mount the pod's shared memory", "%s", path);
	return 0;
}

int sandbox_unmount_shared_memory(cri_engine *engine, const char *id, cri_call *call)
{
	char path[PATH_MAX];

	if (umount2(path_sandbox(engine, id, "shm", path), MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
	    errno != ENOENT)
		return call_fail_errno(call, errno, "unmount the pod's shared memory", "%s", path);
	return 0;
}
