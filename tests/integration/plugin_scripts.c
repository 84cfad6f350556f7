/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin_scripts.h"
#include "network_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nothing but the shell's own and cat, env, sort: it is run often. */
#define WRITE_DOWN                                                                                                     \
	"#!/bin/sh\n"                                                                                                  \
	"me=${0##*/}\n"                                                                                                \
	"log=${0%/*}/../log\n"                                                                                         \
	"echo \"$me $CNI_COMMAND $CNI_IFNAME\" >>$log/calls\n"                                                         \
	"env | grep -v '^PWD=' | sort >$log/$me.$CNI_COMMAND.env\n"                                                    \
	"input=$(cat)\n"                                                                                               \
	"printf '%s' \"$input\" >$log/$me.$CNI_COMMAND.stdin\n"                                                        \
	"if [ -e $log/$me.fails ] && [ \"$(cat $log/$me.fails)\" = $CNI_COMMAND ]; then\n"                             \
	"	echo '{\"cniVersion\":\"1.0.0\",\"code\":11,\"msg\":\"it is not as it was\",\"details\":\"ask the "          \
	"tests\"}'\n"                                                                                                  \
	"	exit 1\n"                                                                                                    \
	"fi\n"                                                                                                         \
	"[ $CNI_COMMAND = ADD ] || exit 0\n"

static const char answering[] = WRITE_DOWN
	"echo '{\"cniVersion\":\"1.0.0\",\"interfaces\":[{\"name\":\"'$CNI_IFNAME'\",\"sandbox\":\"'$CNI_NETNS'\"}],"
	"\"ips\":[{\"address\":\"10.9.0.7/24\",\"interface\":0},{\"address\":\"fd09::7/64\",\"interface\":0}],"
	"\"dns\":{\"domain\":\"'$me'\"}}'\n";

static const char versioned[] = WRITE_DOWN
	"interfaces='\"interfaces\":[{\"name\":\"'$CNI_IFNAME'\",\"sandbox\":\"'$CNI_NETNS'\"}]'\n"
	"case $input in\n"
	"*:\\\"0.[12].*) echo "
	"'{\"ip4\":{\"ip\":\"10.9.0.7/24\",\"gateway\":\"10.9.0.1\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}}' ;;\n"
	"*:\\\"0.*) echo "
	"'{\"cniVersion\":\"0.3.1\",'$interfaces',\"ips\":[{\"version\":\"4\",\"address\":\"10.9.0.7/"
	"24\",\"interface\":0}]}' ;;\n"
	"*) echo '{\"cniVersion\":\"1.0.0\",'$interfaces',\"ips\":[{\"address\":\"10.9.0.7/24\",\"interface\":0}]}' "
	";;\n"
	"esac\n";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/log/%s", net.fixture->directory, name);
	return path;
}

void scripts_install(void)
{
	assert_true(
		network_try(NULL, "rm -rf '%s/log'; mkdir '%s/log'", net.fixture->directory, net.fixture->directory));
	network_add_plugin("first", answering);
	network_add_plugin("second", answering);
	network_add_plugin("third", answering);
	network_add_plugin("versioned", versioned);
}

char *scripts_read(const char *name)
{
	if (!scripts_has(name))
		print_error("no plugin has written %s\n", name);
	assert_true(scripts_has(name));
	return network_shell(NULL, "cat '%s'", path_of(name));
}

cJSON *scripts_json(const char *name)
{
	char *text = scripts_read(name);
	cJSON *json = cJSON_Parse(text);

	if (!json)
		print_error("%s is no JSON: %s\n", name, text);
	assert_non_null(json);
	cJSON_free(text);
	return json;
}

bool scripts_has(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

void scripts_fail(const char *plugin, const char *command)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.fails", plugin);
	assert_true(network_try(NULL, "echo '%s' >'%s'", command ? command : "", path_of(name)));
}
