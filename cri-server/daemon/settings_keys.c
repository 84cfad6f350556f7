/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <string.h>

const struct setting settings_table[] = {
	{ "hosts", .kind = SETTING_LIST, .flag = "host", .letter = 'H', .placeholder = "URL",
	  .fallback = "unix:///run/libcri/cri.sock", .check = settings_check_hosts,
	  .explanation =
		  "Where clients connect: unix:///PATH, or tcp://ADDRESS:PORT with mutual TLS. May be repeated." },
	{ "graph", .kind = SETTING_PATH, .flag = "graph", .letter = 'g', .placeholder = "DIRECTORY",
	  .fallback = "/var/lib/libcri", .explanation = "Images, writable layers and the database." },
	{ "state", .kind = SETTING_PATH, .flag = "state", .placeholder = "DIRECTORY", .fallback = "/run/libcri",
	  .explanation = "What does not outlive the machine; on a tmpfs, or empty: then one is mounted there." },
	{ "pidfile", .kind = SETTING_PATH, .flag = "pidfile", .letter = 'p', .placeholder = "FILE", .fallback = "",
	  .explanation = "Where to write the process id; locked while the daemon runs." },
	{ "group", .kind = SETTING_TEXT, .flag = "group", .letter = 'G', .placeholder = "GROUP", .fallback = "",
	  .check = settings_check_group,
	  .explanation = "Name or number of the group that may connect to unix sockets." },
	{ "log-level", .kind = SETTING_TEXT, .flag = "log-level", .letter = 'l', .placeholder = "LEVEL",
	  .fallback = "info", .choices = "|fatal|alert|crit|error|warn|warning|notice|info|debug|trace|",
	  .reload = true,
	  .explanation = "error, warn, info or debug (iSulad's other names are taken as the nearest)." },
	{ "default-runtime", .kind = SETTING_TEXT, .flag = "default-runtime", .placeholder = "NAME", .fallback = "lxc",
	  .explanation = "The handler of pods that name none: lxc, lcr (the same), or one of `runtimes`." },
	{ "runtimes", .kind = SETTING_OBJECT, .check = settings_check_runtimes,
	  .explanation = "Handlers beside lxc: {\"NAME\": {\"path\": FILE, \"runtimeArgs\": [TEXT...], "
			 "\"type\": \"oci\" or \"shimv2\"}}." },
	{ "pod-sandbox-image", .kind = SETTING_TEXT, .flag = "pod-sandbox-image", .placeholder = "IMAGE",
	  .fallback = "",
	  .explanation = "Gives every pod a pause container from this image; ${machine} becomes amd64 or aarch64. "
			 "Without it only pods that need one have one, which is built in." },
	{ "network-plugin", .kind = SETTING_TEXT, .flag = "network-plugin", .placeholder = "NAME", .fallback = "cni",
	  .choices = "||cni|native|none|",
	  .explanation = "cni, native (the built-in bridge) or none (loopback only, as the empty name)." },
	{ "cni-bin-dir", .kind = SETTING_PATHS, .flag = "cni-bin-dir", .placeholder = "DIRECTORY,...", .fallback = "",
	  .reload = true, .explanation = "CNI plugins; by default /opt/cni/bin and /usr/lib/cni." },
	{ "cni-conf-dir", .kind = SETTING_PATH, .flag = "cni-conf-dir", .placeholder = "DIRECTORY", .fallback = "",
	  .reload = true, .explanation = "CNI configurations; by default /etc/cni/net.d." },
	{ "cni-exec-all", .kind = SETTING_BOOL, .flag = "cni-exec-all", .fallback = "false",
	  .explanation = "Run the plugins bridge, host-local, portmap and loopback as programs, too." },
	{ "registry-mirrors", .kind = SETTING_LIST, .flag = "registry-mirrors", .placeholder = "URL",
	  .check = settings_check_addresses, .reload = true,
	  .explanation = "Asked for docker.io's images before it. May be repeated." },
	{ "insecure-registries", .kind = SETTING_LIST, .flag = "insecure-registries", .placeholder = "HOST",
	  .check = settings_check_names, .reload = true,
	  .explanation = "Registries without TLS, or with any certificate. May be repeated." },
	{ "registries", .kind = SETTING_OBJECT, .check = settings_check_registries, .reload = true,
	  .explanation = "How to talk to a registry: {\"HOST\": {\"mirrors\": [URL...], \"plain_http\": BOOL, "
			 "\"skip_verify\": BOOL, \"ca\": FILE, \"cert\": FILE, \"key\": FILE}}." },
	{ "image-policy", .kind = SETTING_PATH, .flag = "image-policy", .placeholder = "FILE", .fallback = "",
	  .explanation = "Which images may be pulled and imported: a file as containers-policy.json(5) describes it. "
			 "By default all may." },
	{ "verify-embedded-at-mount", .kind = SETTING_BOOL, .flag = "verify-embedded-at-mount", .fallback = "false",
	  .explanation = "Hash the files of embedded images anew each time they are mounted." },
	{ "sync-writable-layers", .kind = SETTING_BOOL, .flag = "sync-writable-layers", .fallback = "false",
	  .explanation = "Let fsync in a container's own file system wait for the disk. Without it what a container "
			 "wrote there may be lost in a power cut, after which no container starts again." },
	{ "websocket-server-listening-port", .kind = SETTING_NUMBER, .flag = "websocket-server-listening-port",
	  .placeholder = "PORT", .fallback = "10350", .minimum = 1, .maximum = 65535,
	  .explanation = "The port of the streaming server (exec, attach, port-forward)." },
	{ "stream-address", .kind = SETTING_TEXT, .flag = "stream-address", .placeholder = "ADDRESS",
	  .fallback = "127.0.0.1", .check = settings_check_address,
	  .explanation = "The address of the streaming server." },
	{ "stream-tls-config", "CAFile", .kind = SETTING_PATH, .flag = "stream-tlscacert", .placeholder = "FILE",
	  .fallback = "",
	  .explanation = "Who may sign certificates of the streaming server's clients, which then must have one." },
	{ "stream-tls-config", "CertFile", .kind = SETTING_PATH, .flag = "stream-tlscert", .placeholder = "FILE",
	  .fallback = "", .explanation = "The streaming server's certificate." },
	{ "stream-tls-config", "KeyFile", .kind = SETTING_PATH, .flag = "stream-tlskey", .placeholder = "FILE",
	  .fallback = "", .explanation = "The streaming server's key." },
	{ "tls-config", "CAFile", .kind = SETTING_PATH, .flag = "tlscacert", .placeholder = "FILE", .fallback = "",
	  .explanation = "Who may sign certificates of clients over TCP." },
	{ "tls-config", "CertFile", .kind = SETTING_PATH, .flag = "tlscert", .placeholder = "FILE", .fallback = "",
	  .explanation = "The daemon's certificate for TCP." },
	{ "tls-config", "KeyFile", .kind = SETTING_PATH, .flag = "tlskey", .placeholder = "FILE", .fallback = "",
	  .explanation = "The daemon's key for TCP." },
	{ "cgroup-parent", .kind = SETTING_TEXT, .flag = "cgroup-parent", .placeholder = "CGROUP", .fallback = "",
	  .explanation = "The cgroup of pods that name none: /PATH, or NAME.slice with systemd-cgroup." },
	{ "systemd-cgroup", .kind = SETTING_BOOL, .flag = "systemd-cgroup", .fallback = "false",
	  .explanation = "Make cgroups through systemd." },
	{ "metrics-address", .kind = SETTING_TEXT, .flag = "metrics-address", .placeholder = "ADDRESS:PORT",
	  .fallback = "", .check = settings_check_loopback,
	  .explanation = "Serve /metrics (Prometheus) and /healthz by HTTP on this loopback address." },
	{ "drain-timeout", .kind = SETTING_NUMBER, .flag = "drain-timeout", .placeholder = "SECONDS", .fallback = "30",
	  .minimum = 0, .maximum = 3600, .explanation = "How long running calls may go on after SIGTERM." },
};
const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

/* Of iSulad's daemon.json, and of Docker's where iSulad took them over. */
static const char *const foreign[] = {
	"cdi-spec-dirs",
	"container-log",
	"cpu-rt-period",
	"cpu-rt-runtime",
	"cri-runtimes",
	"cri-sandboxers",
	"default-ulimits",
	"enable-cdi",
	"enable-cri-v1",
	"enable-plugins",
	"engine",
	"hook-spec",
	"image-layer-check",
	"image-opt-timeout",
	"image-server-sock-addr",
	"image_service",
	"insecure-skip-verify-enforce",
	"log-driver",
	"log-opts",
	"metrics-port",
	"native.umask",
	"rootfsmntdir",
	"selinux-enabled",
	"start-timeout",
	"storage-driver",
	"storage-opts",
	"use-decrypted-key",
	"userns-remap",
};

bool settings_is_foreign(const char *key)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (!strcmp(key, foreign[i]))
			return true;
	}
	return false;
}

const struct setting *settings_find_flag(const char *name, size_t length, char letter)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];

		if (letter ? setting->letter == letter
			   : setting->flag && strlen(setting->flag) == length && !memcmp(setting->flag, name, length))
			return setting;
	}
	return NULL;
}

const struct setting *settings_find_key(const char *key, const char *member)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];

		if (!strcmp(setting->key, key) &&
		    (member ? setting->member && !strcmp(setting->member, member) : !setting->member))
			return setting;
	}
	return NULL;
}
