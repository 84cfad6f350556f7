/* SPDX-License-Identifier: Apache-2.0 */
#include "pull_fixture.h"

#include <glob.h>
#include <stdbool.h>

struct server pull_server, pull_proxy;

char pull_url[64];

char *pull_image(struct fixture *fixture, const char *reference)
{
	char *id = NULL;

	expect_ok(fixture, cri_image_pull(fixture->engine, reference, NULL, &id, fixture->call));
	assert_non_null(id);
	return id;
}

const char *pull_named(const char *name)
{
	static char text[4][256];
	static size_t next;
	char *made = text[next++ % 4];

	snprintf(made, sizeof(text[0]), "%s/%s", pull_proxy.host, name);
	return made;
}

const cri_image_info *pull_status(struct fixture *fixture, const char *reference, cri_list **list)
{
	expect_ok(fixture, cri_image_status(fixture->engine, reference, list, fixture->call));
	assert_int_equal(cri_list_count(*list), 1);
	return cri_image_at(*list, 0);
}

void pull_remove(struct fixture *fixture, const char *reference)
{
	expect_ok(fixture, cri_image_remove(fixture->engine, reference, fixture->call));
}

size_t pull_count_charged(const char *parent, bool directories)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/memory" };
	size_t most = 0;

	for (size_t i = 0; i < 2; i++) {
		char pattern[200];
		glob_t found;
		size_t n = 0;

		snprintf(pattern, sizeof(pattern), "%s%s/libcri-pull-*/%s", roots[i], parent,
			 directories ? "" : "cgroup.procs");
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc && !directories; j++) {
			FILE *file = fopen(found.gl_pathv[j], "re");
			int c;

			while (file && (c = getc(file)) != EOF)
				n += c == '\n';
			if (file)
				fclose(file);
		}
		n = directories ? found.gl_pathc : n;
		most = n > most ? n : most;
		globfree(&found);
	}
	return most;
}

int pull_set_up(void **state)
{
	struct fixture *fixture;

	if (fixture_set_up(state))
		return -1;
	fixture = *state;
	registry_start(&pull_server, fixture->directory, "registry", free_port(), "", "");
	proxy_start(&pull_proxy, fixture->directory, "proxy", pull_server.port);
	snprintf(pull_url, sizeof(pull_url), "http://%s", pull_server.host);
	return 0;
}

int pull_tear_down(void **state)
{
	server_stop(&pull_proxy);
	server_stop(&pull_server);
	return fixture_tear_down(state);
}
