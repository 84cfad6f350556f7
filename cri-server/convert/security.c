/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, user namespaces and profiles, which pods and containers have alike. */
#include "convert/convert.h"

const cri_id_mapping *const *id_mappings_from_wire(struct conversion *conversion, Cri__IDMapping *const *messages,
						   size_t n)
{
	const cri_id_mapping **mappings = memory_array(&conversion->memory, n, sizeof(*mappings));
	cri_id_mapping *all = memory_array(&conversion->memory, n, sizeof(*all));

	if (!mappings || !all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		all[i] = (cri_id_mapping){
			CRI_ID_MAPPING_INIT,
			.host_id = messages[i]->host_id,
			.container_id = messages[i]->container_id,
			.length = messages[i]->length,
		};
		mappings[i] = &all[i];
	}
	return mappings;
}

Cri__IDMapping **id_mappings_to_wire(struct conversion *conversion, const cri_id_mapping *const *mappings, size_t n)
{
	Cri__IDMapping **messages = memory_array(&conversion->memory, n, sizeof(*messages));

	for (size_t i = 0; messages && i < n; i++) {
		messages[i] = message_new(conversion, &cri__idmapping__descriptor);
		if (!messages[i])
			return NULL;
		messages[i]->host_id = mappings[i]->host_id;
		messages[i]->container_id = mappings[i]->container_id;
		messages[i]->length = mappings[i]->length;
	}
	return messages;
}

static const cri_user_namespace *user_namespace_from_wire(struct conversion *conversion,
							  const Cri__UserNamespace *message)
{
	cri_user_namespace *user;

	if (!message)
		return NULL;
	user = memory_take(&conversion->memory, sizeof(*user));
	if (!user)
		return NULL;
	*user = (cri_user_namespace){
		CRI_USER_NAMESPACE_INIT,
		.mode = (cri_namespace_mode)message->mode,
		.uids = id_mappings_from_wire(conversion, message->uids, message->n_uids),
		.n_uids = message->n_uids,
		.gids = id_mappings_from_wire(conversion, message->gids, message->n_gids),
		.n_gids = message->n_gids,
	};
	return user;
}

static Cri__UserNamespace *user_namespace_to_wire(struct conversion *conversion, const cri_user_namespace *user)
{
	Cri__UserNamespace *message;

	if (!user)
		return NULL;
	message = message_new(conversion, &cri__user_namespace__descriptor);
	if (!message)
		return NULL;
	message->mode = (Cri__NamespaceMode)user->mode;
	message->uids = id_mappings_to_wire(conversion, user->uids, user->n_uids);
	message->n_uids = user->n_uids;
	message->gids = id_mappings_to_wire(conversion, user->gids, user->n_gids);
	message->n_gids = user->n_gids;
	return message;
}

/* 2019 has booleans in the place of the modes; on the wire they are numbers as well. */
static cri_namespace_mode mode_from_wire(const struct conversion *conversion, Cri__NamespaceMode mode)
{
	if (conversion->dialect != RPC_2019)
		return (cri_namespace_mode)mode;
	return mode ? CRI_NAMESPACE_NODE : CRI_NAMESPACE_POD;
}

static Cri__NamespaceMode mode_to_wire(const struct conversion *conversion, cri_namespace_mode mode)
{
	if (conversion->dialect != RPC_2019)
		return (Cri__NamespaceMode)mode;
	return (Cri__NamespaceMode)(mode == CRI_NAMESPACE_NODE);
}

/* A message that is absent has POD three times, as the CRI has it: the pid mode too, whatever libcri's own default. */
struct namespaces namespaces_from_wire(struct conversion *conversion, const Cri__NamespaceOption *message)
{
	if (!message)
		return (struct namespaces){ .pid = CRI_NAMESPACE_POD, .target_id = "" };
	return (struct namespaces){
		.network = mode_from_wire(conversion, message->network),
		.pid = mode_from_wire(conversion, message->pid),
		.ipc = mode_from_wire(conversion, message->ipc),
		.target_id = message->target_id,
		.user_namespace = user_namespace_from_wire(conversion, message->userns_options),
	};
}

Cri__NamespaceOption *namespaces_to_wire(struct conversion *conversion, const struct namespaces *namespaces)
{
	Cri__NamespaceOption *message = message_new(conversion, &cri__namespace_option__descriptor);

	if (!message)
		return NULL;
	message->network = mode_to_wire(conversion, namespaces->network);
	message->pid = mode_to_wire(conversion, namespaces->pid);
	message->ipc = mode_to_wire(conversion, namespaces->ipc);
	message->target_id = text_to_wire(namespaces->target_id);
	message->userns_options = user_namespace_to_wire(conversion, namespaces->user_namespace);
	return message;
}

const cri_selinux_option *selinux_from_wire(struct conversion *conversion, const Cri__SELinuxOption *message)
{
	cri_selinux_option *option;

	if (!message)
		return NULL;
	option = memory_take(&conversion->memory, sizeof(*option));
	if (!option)
		return NULL;
	*option = (cri_selinux_option){
		CRI_SELINUX_OPTION_INIT, .user = message->user,   .role = message->role,
		.type = message->type,   .level = message->level,
	};
	return option;
}

const cri_security_profile *profile_from_wire(struct conversion *conversion, const Cri__SecurityProfile *message)
{
	cri_security_profile *profile;

	if (!message)
		return NULL;
	profile = memory_take(&conversion->memory, sizeof(*profile));
	if (!profile)
		return NULL;
	*profile = (cri_security_profile){
		CRI_SECURITY_PROFILE_INIT,
		.profile_type = (cri_profile_type)message->profile_type,
		.localhost_ref = message->localhost_ref,
	};
	return profile;
}
