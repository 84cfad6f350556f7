/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms, by Go's names as image indexes use them. */
#include "base/text.h"
#include "image/document.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char step[] = "choose the platform";

static const struct {
	const char *name; /* of uname(2), or another name in use */
	const char *architecture, *variant;
} names[] = {
	{ "x86_64", "amd64", "" },   { "x86-64", "amd64", "" },
	{ "aarch64", "arm64", "" },  { "armv8l", "arm", "v8" },
	{ "armv7l", "arm", "v7" },   { "armhf", "arm", "v7" },
	{ "armv6l", "arm", "v6" },   { "armel", "arm", "v6" },
	{ "armv5tel", "arm", "v5" }, { "i386", "386", "" },
	{ "i486", "386", "" },       { "i586", "386", "" },
	{ "i686", "386", "" },       { "loongarch64", "loong64", "" },
};

static void set_architecture(struct platform *platform, const char *name)
{
	platform->architecture = name;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0) {
			platform->architecture = names[i].architecture;
			if (!*platform->variant)
				platform->variant = names[i].variant;
		}
}

/* The variant that an architecture has when none is named. */
static const char *settled_variant(const struct platform *platform)
{
	if (strcmp(platform->architecture, "arm64") == 0 && !*platform->variant)
		return "v8";
	if (strcmp(platform->architecture, "arm") == 0 && !*platform->variant)
		return "v7";
	if (strcmp(platform->architecture, "amd64") == 0 && !*platform->variant)
		return "v1";
	return platform->variant;
}

static int level(const char *variant)
{
	int64_t number;

	return *variant == 'v' && text_to_int64(variant + 1, &number) == 0 && number > 0 && number < 100 ? (int)number
													 : 0;
}

int platform_parse(struct arena *arena, const char *text, struct platform *platform, cri_call *call)
{
	struct utsname machine;
	char *os, *architecture, *variant;

	*platform = (struct platform){ .os = "linux", .architecture = "", .variant = "" };
	if (text_is_empty(text)) {
		if (uname(&machine))
			return call_fail_errno(call, errno, step, "uname");
		architecture = arena_strdup(arena, machine.machine);
		if (!architecture)
			return call_no_memory(call, step);
		set_architecture(platform, architecture);
		return 0;
	}
	os = arena_strdup(arena, text);
	if (!os)
		return call_no_memory(call, step);
	architecture = strchr(os, '/');
	variant = architecture ? strchr(architecture + 1, '/') : NULL;
	if (architecture)
		*architecture++ = '\0';
	if (variant)
		*variant++ = '\0';
	if (!*os || !architecture || !*architecture || (variant && (!*variant || strchr(variant, '/'))))
		return call_fail(call, CRI_EINVAL, step, "platform: \"%s\" is not os/architecture[/variant]", text);
	platform->os = os;
	platform->variant = variant ? variant : "";
	set_architecture(platform, architecture);
	return 0;
}

int platform_rank(const struct platform *wanted, const struct platform *offered)
{
	struct platform have = { .os = offered->os, .variant = offered->variant };
	const char *wanted_variant = settled_variant(wanted), *variant;

	set_architecture(&have, offered->architecture);
	if (strcmp(have.os, wanted->os) != 0 || strcmp(have.architecture, wanted->architecture) != 0)
		return 0;
	variant = settled_variant(&have);
	if (strcmp(variant, wanted_variant) == 0)
		return PLATFORM_SAME;
	/* A higher level runs what was built for a lower one, the nearer the better. */
	if (level(variant) && level(variant) < level(wanted_variant))
		return level(variant);
	return 0;
}
