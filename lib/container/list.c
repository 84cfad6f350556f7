/* SPDX-License-Identifier: Apache-2.0 */
/* ListContainers. */
#include "container/info.h"

#include "base/text.h"
#include "config/config.h"
#include "container/exits.h"
#include "core/api.h"
#include "core/list.h"

static const char step[] = "list containers";

int container_info_fill(struct arena *arena, const struct container_row *row, cri_container_info *info, cri_call *call)
{
	static const cri_container_state states[] = {
		[CONTAINER_CREATING] = CRI_CONTAINER_UNKNOWN, [CONTAINER_CREATED] = CRI_CONTAINER_CREATED,
		[CONTAINER_RUNNING] = CRI_CONTAINER_RUNNING,  [CONTAINER_EXITED] = CRI_CONTAINER_EXITED,
		[CONTAINER_REMOVING] = CRI_CONTAINER_UNKNOWN,
	};
	int result;

	*info = (cri_container_info){
		.id = row->id,
		.sandbox_id = row->sandbox_id,
		.name = row->name,
		.attempt = row->attempt,
		.image = row->image,
		.user_specified_image = row->user_specified_image,
		.image_id = row->image_id,
		.state = states[row->state],
		.created_at = row->created_at,
	};
	result = config_pairs_from_json(arena, row->labels, &info->labels, &info->n_labels, call);
	if (result == 0)
		result =
			config_pairs_from_json(arena, row->annotations, &info->annotations, &info->n_annotations, call);
	return result;
}

static bool is_wanted(const cri_container_filter *filter, bool any_state, const cri_container_info *info)
{
	if (!any_state && filter->has_state && info->state != filter->state)
		return false;
	return config_pairs_match(info->labels, info->n_labels, filter->label_selector, filter->n_label_selector);
}

int container_list_items(cri_engine *engine, struct arena *arena, const cri_container_filter *filter, bool any_state,
			 struct container_item **items, size_t *n_items, cri_call *call)
{
	/* Before the rows are read: a record that is folded in between is then in the rows. */
	bool pending = container_exits_pending(engine);
	const cri_container_filter *wanted;
	const void *copy;
	struct container_row *rows;
	size_t n_rows;
	int result = config_copy(&config_container_filter, arena, filter, &copy, call);

	if (result < 0)
		return result;
	wanted = copy;
	result = store_container_list(engine->store, arena, text_is_empty(wanted->id) ? NULL : wanted->id,
				      text_is_empty(wanted->sandbox_id) ? NULL : wanted->sandbox_id, CONTAINER_VISIBLE,
				      true, &rows, &n_rows, call);
	if (result < 0)
		return result;
	*items = arena_array(arena, n_rows + 1, sizeof(**items));
	if (!*items)
		return call_no_memory(call, step);
	*n_items = 0;
	for (size_t i = 0; i < n_rows && result == 0; i++) {
		struct container_item *item = &(*items)[*n_items];

		if (rows[i].pause)
			continue;
		item->row = rows[i];
		if (pending)
			result = container_overlay_exit(engine, arena, &item->row, NULL, call);
		if (result == 0)
			result = container_info_fill(arena, &item->row, &item->info, call);
		if (result == 0 && is_wanted(wanted, any_state, &item->info))
			(*n_items)++;
	}
	return result;
}

static int list(cri_engine *engine, const void *pointer, void *output, cri_call *call)
{
	const cri_container_filter *const *filter = pointer;
	CLEANUP_LIST cri_list *made = list_new(LIST_CONTAINER, sizeof(cri_container_info));
	struct container_item *items = NULL;
	size_t n_items = 0;
	int result;

	if (!made)
		return call_no_memory(call, step);
	result = container_list_items(engine, &made->arena, *filter, false, &items, &n_items, call);
	if (result)
		return result;
	for (size_t i = 0; i < n_items; i++) {
		cri_container_info *info = list_add(made);

		if (!info)
			return call_no_memory(call, step);
		*info = items[i].info;
	}
	*(cri_list **)output = TAKE_POINTER(made);
	return 0;
}

int cri_container_list(cri_engine *engine, const cri_container_filter *filter, cri_list **containers, cri_call *call)
{
	return api_call_output(engine, list, &filter, containers, call);
}

const cri_container_info *cri_container_at(const cri_list *containers, size_t index)
{
	return list_at(containers, LIST_CONTAINER, index);
}
