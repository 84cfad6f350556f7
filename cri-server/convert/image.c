/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/convert.h"

const cri_auth *auth_from_wire(struct conversion *conversion, const Cri__AuthConfig *message)
{
	cri_auth *auth;

	if (!message)
		return NULL;
	auth = memory_take(&conversion->memory, sizeof(*auth));
	if (!auth)
		return NULL;
	*auth = (cri_auth){
		CRI_AUTH_INIT,
		.username = message->username,
		.password = message->password,
		.auth = message->auth,
		.server_address = message->server_address,
		.identity_token = message->identity_token,
		.registry_token = message->registry_token,
	};
	return auth;
}

/* What the image can be asked for by. */
static const char *image_name(const cri_image_info *info)
{
	if (info->n_repo_tags)
		return info->repo_tags[0];
	return info->n_repo_digests ? info->repo_digests[0] : info->id;
}

Cri__Image *image_to_wire(struct conversion *conversion, const cri_image_info *info)
{
	Cri__Image *message = message_new(conversion, &cri__image__descriptor);

	if (!message)
		return NULL;
	message->id = text_to_wire(info->id);
	message->repo_tags = texts_to_wire(conversion, info->repo_tags, info->n_repo_tags);
	message->n_repo_tags = info->n_repo_tags;
	message->repo_digests = texts_to_wire(conversion, info->repo_digests, info->n_repo_digests);
	message->n_repo_digests = info->n_repo_digests;
	message->size = info->bytes;
	if (info->has_uid)
		message->uid = signed_number_to_wire(conversion, info->uid);
	message->username = text_to_wire(info->username);
	message->spec = message_new(conversion, &cri__image_spec__descriptor);
	if (message->spec)
		message->spec->image = text_to_wire(image_name(info));
	message->pinned = info->pinned;
	return message;
}

Cri__FilesystemUsage *filesystem_usage_to_wire(struct conversion *conversion, const cri_filesystem_usage *usage)
{
	Cri__FilesystemUsage *message = message_new(conversion, &cri__filesystem_usage__descriptor);
	Cri__FilesystemIdentifier *id = message_new(conversion, &cri__filesystem_identifier__descriptor);

	if (!message || !id)
		return NULL;
	/* 2019 has StorageIdentifier in its place: a message with one text as well, the uuid. */
	id->mountpoint = text_to_wire(conversion->dialect == RPC_2019 ? usage->uuid : usage->mountpoint);
	message->timestamp = usage->timestamp;
	message->fs_id = id;
	if (usage->known) {
		message->used_bytes = number_to_wire(conversion, usage->used_bytes);
		message->inodes_used = number_to_wire(conversion, usage->inodes_used);
	}
	return message;
}
