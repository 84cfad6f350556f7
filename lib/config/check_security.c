/* SPDX-License-Identifier: Apache-2.0 */
/* What the security contexts of pods and containers have in common, and paths. */
#include "config/check.h"

#include "base/text.h"

#include <limits.h>
#include <string.h>

#define SECURITY "linux.security_context."

bool config_has_control(const char *text, bool or_blank)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < ' ' || byte == 0x7f || (or_blank && byte == ' '))
			return true;
	}
	return false;
}

int config_check_path(const char *path, const struct config_place *place, unsigned rules, cri_call *call)
{
	if ((rules & CONFIG_PATH_ABSOLUTE) && *path != '/')
		return config_fail(call, CRI_EINVAL, place, "\"%.64s\" is no absolute path", path);
	if ((rules & CONFIG_PATH_RELATIVE) && *path == '/')
		return config_fail(call, CRI_EINVAL, place, "\"%.64s\" is no relative path", path);
	if (strlen(path) >= PATH_MAX)
		return config_fail(call, CRI_EINVAL, place, "the path is longer than %d bytes", PATH_MAX - 1);
	if (config_has_control(path, false))
		return config_fail(call, CRI_EINVAL, place, "the path holds a control character");
	for (const char *component = path; *component;) {
		size_t length = strcspn(component, "/");

		if (length > NAME_MAX)
			return config_fail(call, CRI_EINVAL, place, "a component of the path is longer than %d bytes",
					   NAME_MAX);
		if ((rules & CONFIG_PATH_NO_PARENT) && length == 2 && strncmp(component, "..", 2) == 0)
			return config_fail(call, CRI_EINVAL, place, "\"%.64s\" holds \"..\"", path);
		component += length;
		component += strspn(component, "/");
	}
	return 0;
}

int config_check_user_namespace(const cri_user_namespace *user_namespace, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, SECURITY "namespace_options.userns_options");
	const struct config_place mode = CONFIG_PLACE(&place, "mode");

	if (!user_namespace)
		return 0;
	if (user_namespace->mode == CRI_NAMESPACE_POD)
		return config_fail(call, CRI_ENOTSUP, &mode, "user namespaces are not built yet; use NODE");
	if (user_namespace->mode != CRI_NAMESPACE_NODE)
		return config_fail(call, CRI_EINVAL, &mode, "only POD and NODE exist for user namespaces");
	if (user_namespace->n_uids || user_namespace->n_gids)
		return config_fail(call, CRI_EINVAL, &place, "mode NODE takes no mappings");
	return 0;
}

/* (uid_t)-1 means "unchanged" to the kernel and is nobody's id. */
static bool is_id(int64_t id)
{
	return id >= 0 && id < UINT32_MAX;
}

int config_check_identity(const struct config_identity *identity, cri_call *call)
{
	const struct config_place user = CONFIG_PLACE(NULL, SECURITY "run_as_user");
	const struct config_place username = CONFIG_PLACE(NULL, SECURITY "run_as_username");
	const struct config_place group = CONFIG_PLACE(NULL, SECURITY "run_as_group");

	if (identity->has_user && !is_id(identity->user))
		return config_fail(call, CRI_EINVAL, &user, "%lld is no user id", (long long)identity->user);
	/* ':' would be read as the start of a group. */
	if (strchr(identity->username, ':') || config_has_control(identity->username, false))
		return config_fail(call, CRI_EINVAL, &username, "a user's name holds no ':' and no control character");
	if (identity->has_group && !identity->has_user && !*identity->username)
		return config_fail(call, CRI_EINVAL, &group, "it needs run_as_user or run_as_username");
	if (identity->has_group && !is_id(identity->group))
		return config_fail(call, CRI_EINVAL, &group, "%lld is no group id", (long long)identity->group);
	for (size_t i = 0; i < identity->n_groups; i++) {
		const struct config_place at = CONFIG_PLACE_AT(NULL, SECURITY "supplemental_groups", i);

		if (!is_id(identity->groups[i]))
			return config_fail(call, CRI_EINVAL, &at, "%lld is no group id",
					   (long long)identity->groups[i]);
	}
	return 0;
}

int config_check_selinux(const cri_selinux_option *option, cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, SECURITY "selinux_options");

	if (option && (*option->user || *option->role || *option->type || *option->level))
		return config_fail(call, CRI_ENOTSUP, &place, "SELinux labels are not built yet");
	return 0;
}

/* CRI SecurityProfile: localhost_ref is given if, and only if, the type is Localhost. */
static int check_profile(const cri_security_profile *profile, const struct config_place *place, cri_call *call)
{
	const struct config_place reference = CONFIG_PLACE(place, "localhost_ref");

	if (profile->profile_type == CRI_PROFILE_LOCALHOST && !*profile->localhost_ref)
		return config_fail(call, CRI_EINVAL, &reference, "profile_type Localhost needs it");
	if (profile->profile_type != CRI_PROFILE_LOCALHOST && *profile->localhost_ref)
		return config_fail(call, CRI_EINVAL, &reference, "only profile_type Localhost takes it");
	return 0;
}

int config_check_seccomp(const cri_security_profile *profile, const char *path, cri_call *call)
{
	static const char prefix[] = "localhost/";
	const struct config_place place = CONFIG_PLACE(NULL, SECURITY "seccomp");
	const struct config_place reference = CONFIG_PLACE(&place, "localhost_ref");
	const struct config_place path_place = CONFIG_PLACE(NULL, SECURITY "seccomp_profile_path");
	int result = profile ? check_profile(profile, &place, call) : 0;

	if (result)
		return result;
	if (profile && profile->profile_type == CRI_PROFILE_LOCALHOST)
		return config_check_path(profile->localhost_ref, &reference, CONFIG_PATH_ABSOLUTE, call);
	if (profile || !*path || strcmp(path, "unconfined") == 0 || strcmp(path, "runtime/default") == 0)
		return 0;
	return config_check_path(path + (text_starts(path, prefix) ? strlen(prefix) : 0), &path_place,
				 CONFIG_PATH_ABSOLUTE, call);
}

static bool is_unconfined(const cri_security_profile *profile)
{
	return !profile || profile->profile_type == CRI_PROFILE_UNCONFINED;
}

int config_check_apparmor(const cri_security_profile *profile, const char *profile_name, bool privileged,
			  cri_call *call)
{
	const struct config_place place = CONFIG_PLACE(NULL, SECURITY "apparmor");
	const struct config_place name = CONFIG_PLACE(NULL, SECURITY "apparmor_profile");
	int result = profile ? check_profile(profile, &place, call) : 0;

	if (result)
		return result;
	if (*profile_name && strcmp(profile_name, "runtime/default") != 0 && strcmp(profile_name, "unconfined") != 0 &&
	    !text_starts(profile_name, "localhost/"))
		return config_fail(call, CRI_EINVAL, &name,
				   "\"%.64s\" is none of \"runtime/default\", \"unconfined\" and \"localhost/…\"",
				   profile_name);
	if (privileged)
		return 0;
	if (!is_unconfined(profile))
		return config_fail(call, CRI_ENOTSUP, &place, "AppArmor profiles are not built yet; use Unconfined");
	if (!profile && *profile_name && strcmp(profile_name, "unconfined") != 0)
		return config_fail(call, CRI_ENOTSUP, &name, "AppArmor profiles are not built yet; use \"unconfined\"");
	return 0;
}
