/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that pods and containers share. Each answers 0 or a described failure that names the field as CRI spells it.
 */
#ifndef LIBCRI_CONFIG_CHECK_H
#define LIBCRI_CONFIG_CHECK_H

#include "config/table.h"

enum config_path_rule {
	CONFIG_PATH_ABSOLUTE = 1,
	CONFIG_PATH_RELATIVE = 2,
	CONFIG_PATH_NO_PARENT = 4, /* no component ".." */
};

/* Lengths (NAME_MAX, PATH_MAX), no control characters (they end up in line-based files), and the rules. */
int config_check_path(const char *path, const struct config_place *place, unsigned rules, cri_call *call);

/* Whether a text has a control character; `or_blank`: or a blank. */
bool config_has_control(const char *text, bool or_blank);

/* linux.security_context.namespace_options.userns_options */
int config_check_user_namespace(const cri_user_namespace *user_namespace, cri_call *call);

/* linux.security_context.run_as_user and so on. */
struct config_identity {
	bool has_user, has_group;
	int64_t user, group;
	const char *username;
	const int64_t *groups;
	size_t n_groups;
};
int config_check_identity(const struct config_identity *identity, cri_call *call);

/* linux.security_context.selinux_options, .seccomp, .apparmor, .apparmor_profile */
int config_check_selinux(const cri_selinux_option *option, cri_call *call);
int config_check_seccomp(const cri_security_profile *profile, const char *path, cri_call *call);
/* A privileged container is not confined, whatever profile is named. */
int config_check_apparmor(const cri_security_profile *profile, const char *profile_name, bool privileged,
			  cri_call *call);

#endif
