/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to what users see. */
#ifndef LIBCRI_SANDBOX_INFO_H
#define LIBCRI_SANDBOX_INFO_H

#include "core/engine.h"
#include "store/store.h"

/* Texts are borrowed from the row's arena; pairs are parsed into it. */
int sandbox_info_fill(struct arena *arena, const struct sandbox_row *row, cri_sandbox_info *info, cri_call *call);

/* One visible pod as a list shows it, with its row. */
struct sandbox_item {
	struct sandbox_row row;
	cri_sandbox_info info;
};

/* Those that match a filter, of which the state is not looked at with `ready`: then they are the ready ones. Labels are
 * compared here, the rest is asked of the store. */
int sandbox_list_items(cri_engine *engine, struct arena *arena, const cri_sandbox_filter *filter, bool ready,
		       struct sandbox_item **items, size_t *n_items, cri_call *call);

#endif
