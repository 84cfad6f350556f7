/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins loopback, bridge with host-local, and portmap, without a program. */
#ifndef LIBCRI_HELPERS_NETWORK_NATIVE_H
#define LIBCRI_HELPERS_NETWORK_NATIVE_H

#include "helpers/network/pod.h"
#include "helpers/network/rules_of_program.h"

/* Whether the plugin, all options of its configuration and the arguments are known here; if not, the program is run.
 * The answer for one configuration never changes, so that DEL takes the way of ADD. */
bool native_can(const struct pod *pod, const cJSON *configuration);

/* Does what the plugin's program would do. `previous` and `*result` as for a program. */
int native_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
	       cJSON **result, struct failure *failure);

/* The rules that the plugin's program makes for such a configuration, also for one that is not known here: those of
 * masquerading have one option and one layout in all plugins. */
enum program_rules native_rules_of(const cJSON *configuration);

/* Deletes the rules that this program made for such a plugin: before the address is free. */
int native_forget_rules(struct pod *pod, const struct attachment *attachment, const cJSON *configuration,
			struct failure *failure);

/* The member of a configuration that GC is given: [{"containerID","ifname"}]. */
#define VALID_KEY "cni.dev/valid-attachments"

/* One plugin each. `_can` looks at the options only. */
bool bridge_can(const cJSON *configuration);
bool bridge_makes_rules(const cJSON *configuration);
int bridge_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
	       cJSON **result, struct failure *failure);
int loopback_run(struct pod *pod, const struct attachment *attachment, const cJSON *previous, cJSON **result,
		 struct failure *failure);
bool portmap_can(const cJSON *configuration);
bool portmap_makes_rules(const cJSON *configuration);
int portmap_run(struct pod *pod, const struct attachment *attachment, const cJSON *configuration, const cJSON *previous,
		cJSON **result, struct failure *failure);

/* Every member of `object` is of one of the kinds that are listed in `known`, NULL-terminated. */
bool native_only_known(const cJSON *object, const char *const *known);

#endif
