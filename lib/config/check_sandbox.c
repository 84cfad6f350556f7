/* SPDX-License-Identifier: Apache-2.0 */
/* What a PodSandboxConfig must fulfil beyond its types. */
#include "config/check.h"

#include "base/text.h"
#include "cgroup/cgroup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#define NAMESPACES "linux.security_context.namespace_options."
#define MAX_DNS_SERVERS 32
#define MAX_LABEL 63 /* RFC 1123 */

static int check_hostname(const char *hostname, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, "hostname");

	if (strlen(hostname) > HOST_NAME_MAX)
		return config_fail(call, CRI_EINVAL, &place, "it is longer than %d bytes", HOST_NAME_MAX);
	for (const char *label = hostname; *hostname; label++) {
		size_t length = strcspn(label, ".");

		if (length < 1 || length > MAX_LABEL)
			return config_fail(call, CRI_EINVAL, &place, "the parts of \"%s\" must have 1 to %d bytes",
					   hostname, MAX_LABEL);
		if (label[0] == '-' || label[length - 1] == '-')
			return config_fail(call, CRI_EINVAL, &place, "no part of \"%s\" may begin or end with '-'",
					   hostname);
		for (; length; length--, label++)
			if (!isalnum((unsigned char)*label) && *label != '-' && *label != '_')
				return config_fail(call, CRI_EINVAL, &place,
						   "\"%s\" may hold letters, digits, '-', '_' and '.' only", hostname);
		if (!*label)
			break;
	}
	return 0;
}

/* An address; for IPv6 also with the zone of a link-local one, which resolv.conf(5) takes: "fe80::1%eth0". */
static bool is_address(const char *text, bool zone)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char binary[sizeof(struct in6_addr)];
	size_t length = strcspn(text, zone ? "%" : "");

	if (!zone)
		length = strlen(text);
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!text[length])
		return inet_pton(AF_INET, address, binary) == 1 || inet_pton(AF_INET6, address, binary) == 1;
	return inet_pton(AF_INET6, address, binary) == 1 && text[length + 1] && strlen(text + length + 1) < 16 &&
	       !config_has_control(text + length, true);
}

/* Words of one line of resolv.conf: a blank or a newline would make them something else. */
static int check_words(const char *name, const char *const *words, size_t n_words, cri_call *call)
{
	for (size_t i = 0; i < n_words; i++) {
		const struct config_place place = CONFIG_PLACE_AT(NULL, name, i);

		if (!*words[i] || strlen(words[i]) > 255 || config_has_control(words[i], true))
			return config_fail(call, CRI_EINVAL, &place, "it must be one word of 1 to 255 bytes");
	}
	return 0;
}

static int check_dns(const cri_dns_config *dns, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, "dns_config.servers");
	int result;

	if (!dns)
		return 0;
	if (dns->n_servers > MAX_DNS_SERVERS)
		return config_fail(call, CRI_EINVAL, &place, "%zu are more than %d", dns->n_servers, MAX_DNS_SERVERS);
	for (size_t i = 0; i < dns->n_servers; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, "dns_config.servers", i);

		if (!is_address(dns->servers[i], true))
			return config_fail(call, CRI_EINVAL, &at, "\"%.64s\" is no address", dns->servers[i]);
	}
	result = check_words("dns_config.searches", dns->searches, dns->n_searches, call);
	return result ? result : check_words("dns_config.options", dns->options, dns->n_options, call);
}

static int check_ports(const cri_sandbox_config *config, cri_call *call)
{
	for (size_t i = 0; i < config->n_port_mappings; i++) {
		const cri_port_mapping *mapping = config->port_mappings[i];
		const struct config_place at = CONFIG_PLACE_AT(NULL, "port_mappings", i);
		const struct config_place container = CONFIG_PLACE(&at, "container_port");
		const struct config_place host = CONFIG_PLACE(&at, "host_port");
		const struct config_place ip = CONFIG_PLACE(&at, "host_ip");

		if (mapping->container_port < 1 || mapping->container_port > UINT16_MAX)
			return config_fail(call, CRI_EINVAL, &container, "%d is not 1 to 65535",
					   mapping->container_port);
		if (mapping->host_port < 0 || mapping->host_port > UINT16_MAX)
			return config_fail(call, CRI_EINVAL, &host, "%d is not 0 to 65535", mapping->host_port);
		if (*mapping->host_ip && !is_address(mapping->host_ip, false))
			return config_fail(call, CRI_EINVAL, &ip, "\"%.64s\" is no address", mapping->host_ip);
	}
	return 0;
}

int config_sysctl_path(const char *name, char *path, size_t size)
{
	/* sysctl(8): the first separator tells which of '.' and '/' separates; the other one stands for the first. */
	size_t first = strcspn(name, "./");
	bool dots = name[first] == '.';
	size_t length = strlen(name), component = 0;

	if (length >= size)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= length; i++) {
		char c = name[i];

		if (dots && (c == '.' || c == '/'))
			c = c == '.' ? '/' : '.';
		path[i] = c;
		if (c && c != '/') {
			if (!isalnum((unsigned char)c) && !strchr("._-:@", c))
				return -EINVAL;
			continue;
		}

		const char *start = path + component;
		size_t bytes = i - component;

		if (bytes == 0 || bytes > NAME_MAX || (bytes == 1 && *start == '.') ||
		    (bytes == 2 && start[0] == '.' && start[1] == '.'))
			return -EINVAL;
		component = i + 1;
	}
	return 0;
}

/* The namespace that a sysctl belongs to; NULL: it is the whole machine's. */
static const char *sysctl_namespace(const char *path)
{
	if (text_starts(path, "net/"))
		return "network";
	if (text_starts(path, "kernel/shm") || text_starts(path, "kernel/msg") || strcmp(path, "kernel/sem") == 0 ||
	    text_starts(path, "fs/mqueue/"))
		return "ipc";
	return NULL;
}

/* One line; tabs separate the numbers of some. */
static bool is_sysctl_value(const char *value)
{
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

static int check_sysctls(const cri_sandbox_config *config, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, "linux.sysctls");

	for (size_t i = 0; i < config->n_sysctls; i++) {
		const char *name = config->sysctls[i]->key;
		const char *owner;
		char path[PATH_MAX];

		if (config_sysctl_path(name, path, sizeof(path)))
			return config_fail(call, CRI_EINVAL, &place, "\"%.64s\" is no name of a sysctl", name);
		owner = sysctl_namespace(path);
		if (!owner)
			return config_fail(call, CRI_EINVAL, &place,
					   "\"%.64s\" belongs to no namespace of a pod (kernel.shm*, kernel.msg*, "
					   "kernel.sem, fs.mqueue.*, net.*)",
					   name);
		if ((*owner == 'n' ? config->network : config->ipc) == CRI_NAMESPACE_NODE)
			return config_fail(call, CRI_EINVAL, &place,
					   "\"%.64s\" would change the host's: namespace_options.%s is NODE", name,
					   owner);
		if (!is_sysctl_value(config->sysctls[i]->value))
			return config_fail(call, CRI_EINVAL, &place, "the value of \"%.64s\" holds a control character",
					   name);
	}
	return 0;
}

static int check_namespaces(const cri_sandbox_config *config, cri_call *call)
{
	const struct config_place network = CONFIG_PLACE(NULL, NAMESPACES "network");
	const struct config_place pid = CONFIG_PLACE(NULL, NAMESPACES "pid");
	const struct config_place ipc = CONFIG_PLACE(NULL, NAMESPACES "ipc");

	if (config->network != CRI_NAMESPACE_POD && config->network != CRI_NAMESPACE_NODE)
		return config_fail(call, CRI_EINVAL, &network, "a pod's must be POD or NODE");
	if (config->pid == CRI_NAMESPACE_TARGET)
		return config_fail(call, CRI_EINVAL, &pid, "a pod's must be POD, CONTAINER or NODE");
	if (config->ipc != CRI_NAMESPACE_POD && config->ipc != CRI_NAMESPACE_NODE)
		return config_fail(call, CRI_EINVAL, &ipc, "a pod's must be POD or NODE");
	return config_check_user_namespace(config->user_namespace, call);
}

static int check_security(const cri_sandbox_config *config, cri_call *call)
{
	const struct config_identity identity = {
		.has_user = config->has_run_as_user,
		.user = config->run_as_user,
		.has_group = config->has_run_as_group,
		.group = config->run_as_group,
		.username = "",
		.groups = config->supplemental_groups,
		.n_groups = config->n_supplemental_groups,
	};
	int result = config_check_identity(&identity, call);

	if (!result)
		result = config_check_selinux(config->selinux_options, call);
	if (!result)
		result = config_check_seccomp(config->seccomp, config->seccomp_profile_path, call);
	return result ? result : config_check_apparmor(config->apparmor, "", config->privileged, call);
}

int config_check_sandbox(const cri_sandbox_config *config, cri_call *call)
{
	const struct config_place name = CONFIG_PLACE(NULL, "metadata.name");
	const struct config_place logs = CONFIG_PLACE(NULL, "log_directory");
	int result = 0;

	if (!*config->name)
		return config_fail(call, CRI_EINVAL, &name, "it is required");
	result = check_hostname(config->hostname, call);
	if (!result && *config->log_directory)
		result = config_check_path(config->log_directory, &logs, CONFIG_PATH_ABSOLUTE | CONFIG_PATH_NO_PARENT,
					   call);
	if (!result)
		result = check_dns(config->dns_config, call);
	if (!result)
		result = check_ports(config, call);
	if (!result && *config->cgroup_parent)
		result = cgroup_check_path(config->cgroup_parent, "linux.cgroup_parent", call);
	if (!result)
		result = check_namespaces(config, call);
	if (!result)
		result = check_sysctls(config, call);
	if (!result)
		result = config_check_resources(config->overhead, "linux.overhead", call);
	if (!result)
		result = config_check_resources(config->resources, "linux.resources", call);
	return result ? result : check_security(config, call);
}
