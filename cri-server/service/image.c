/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on images. */
#include "service/methods.h"

/* "" when none is named, which libcri refuses where one is needed. */
static const char *image_name(const Cri__ImageSpec *image)
{
	return image ? image->image : "";
}

static Cri__Image **images_to_wire(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	struct conversion *conversion = &exchange->conversion;
	Cri__Image **images = memory_array(&conversion->memory, end - first, sizeof(*images));

	for (size_t i = first; images && i < end; i++)
		images[i - first] = image_to_wire(conversion, cri_image_at(list, i));
	return images;
}

static int list_images(struct exchange *exchange, const Cri__ImageFilter *filter, cri_list **list)
{
	return cri_image_list(exchange->engine, filter ? image_name(filter->image) : "", list, exchange->call);
}

int serve_list_images(struct exchange *exchange, const void *request)
{
	const Cri__ListImagesRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	Cri__ListImagesResponse *response;
	int result = list_images(exchange, asked->filter, &list);

	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__list_images_response__descriptor);
	if (response) {
		response->n_images = cri_list_count(list);
		response->images = images_to_wire(exchange, list, 0, response->n_images);
	}
	return exchange_send(exchange, response);
}

static void *image_chunk(struct exchange *exchange, const cri_list *list, size_t first, size_t end)
{
	Cri__StreamImagesResponse *response =
		message_new(&exchange->conversion, &cri__stream_images_response__descriptor);

	if (response) {
		response->n_images = end - first;
		response->images = images_to_wire(exchange, list, first, end);
	}
	return response;
}

int serve_stream_images(struct exchange *exchange, const void *request)
{
	const Cri__StreamImagesRequest *asked = request;
	OWN_LIST cri_list *list = NULL;
	int result = list_images(exchange, asked->filter, &list);

	return result ? result : exchange_send_chunks(exchange, list, image_chunk);
}

/* An image that is not there is an answer without an image. */
int serve_image_status(struct exchange *exchange, const void *request)
{
	const Cri__ImageStatusRequest *asked = request;
	const char *name = image_name(asked->image);
	OWN_LIST cri_list *image = NULL;
	Cri__ImageStatusResponse *response;
	char *json = NULL;
	int result;

	exchange_object(exchange, "image", name);
	result = cri_image_status(exchange->engine, name, &image, exchange->call);
	if (result && result != CRI_ENOTFOUND)
		return result;
	response = message_new(&exchange->conversion, &cri__image_status_response__descriptor);
	if (!response || result == CRI_ENOTFOUND)
		return exchange_send(exchange, response);
	response->image = image_to_wire(&exchange->conversion, cri_image_at(image, 0));
	if (asked->verbose) {
		result = cri_image_info_json(exchange->engine, cri_image_at(image, 0)->id, &json, exchange->call);
		if (!result)
			response->n_info = exchange_info(exchange, json, &response->info);
	}
	return result ? result : exchange_send(exchange, response);
}

int serve_pull_image(struct exchange *exchange, const void *request)
{
	const Cri__PullImageRequest *asked = request;
	struct conversion *conversion = &exchange->conversion;
	const char *name = image_name(asked->image);
	const cri_pull_options options = {
		CRI_PULL_OPTIONS_INIT,
		.auth = auth_from_wire(conversion, asked->auth),
		.sandbox = asked->sandbox_config ? sandbox_config_from_wire(conversion, asked->sandbox_config) : NULL,
	};
	OWN_TEXT char *id = NULL;
	Cri__PullImageResponse *response;
	int result = exchange_check(exchange);

	if (result)
		return result;
	exchange_object(exchange, "image", name);
	result = cri_image_pull(exchange->engine, name, &options, &id, exchange->call);
	if (result)
		return result;
	response = message_new(conversion, &cri__pull_image_response__descriptor);
	if (response)
		response->image_ref = id;
	return exchange_send(exchange, response);
}

int serve_remove_image(struct exchange *exchange, const void *request)
{
	const Cri__RemoveImageRequest *asked = request;
	const char *name = image_name(asked->image);
	int result;

	exchange_object(exchange, "image", name);
	result = cri_image_remove(exchange->engine, name, exchange->call);
	if (result)
		return result;
	return exchange_send(exchange, message_new(&exchange->conversion, &cri__remove_image_response__descriptor));
}

/* An array of one, or of none when the list has no such element. */
static Cri__FilesystemUsage **usage_to_wire(struct exchange *exchange, const cri_list *list, size_t index, size_t *n)
{
	struct conversion *conversion = &exchange->conversion;
	const cri_filesystem_usage *usage = cri_filesystem_usage_at(list, index);
	Cri__FilesystemUsage **usages;

	if (!usage)
		return NULL;
	usages = memory_array(&conversion->memory, 1, sizeof(*usages));
	if (usages) {
		usages[0] = filesystem_usage_to_wire(conversion, usage);
		*n = 1;
	}
	return usages;
}

int serve_image_fs_info(struct exchange *exchange, const void *request)
{
	OWN_LIST cri_list *list = NULL;
	Cri__ImageFsInfoResponse *response;
	int result = cri_image_filesystem_usage(exchange->engine, &list, exchange->call);

	(void)request;
	if (result)
		return result;
	response = message_new(&exchange->conversion, &cri__image_fs_info_response__descriptor);
	if (response) {
		response->image_filesystems = usage_to_wire(exchange, list, 0, &response->n_image_filesystems);
		response->container_filesystems = usage_to_wire(exchange, list, 1, &response->n_container_filesystems);
	}
	return exchange_send(exchange, response);
}
