/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to what users see. */
#ifndef LIBCRI_CONTAINER_INFO_H
#define LIBCRI_CONTAINER_INFO_H

#include "core/engine.h"
#include "store/store.h"

/* Texts are borrowed from the row's arena; pairs are parsed into it. */
int container_info_fill(struct arena *arena, const struct container_row *row, cri_container_info *info, cri_call *call);

/* One visible container as a list shows it, with its row. */
struct container_item {
	struct container_row row;
	cri_container_info info;
};

/* Those that match a filter, of which the state is not looked at with `any_state`; exits that nobody committed yet
 * included; newest first. */
int container_list_items(cri_engine *engine, struct arena *arena, const cri_container_filter *filter, bool any_state,
			 struct container_item **items, size_t *n_items, cri_call *call);

#endif
