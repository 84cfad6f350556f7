/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to what users see. */
#ifndef LIBCRI_SANDBOX_INFO_H
#define LIBCRI_SANDBOX_INFO_H

#include "core/engine.h"
#include "store/store.h"

/* Texts are borrowed from the row's arena; pairs are parsed into it. */
int sandbox_info_fill(struct arena *arena, const struct sandbox_row *row, cri_sandbox_info *info, cri_call *call);

/* Copies a filter and drops rows that do not match: labels are compared here, the rest is asked of the store. */
int sandbox_list_rows(cri_engine *engine, struct arena *arena, const cri_sandbox_filter *filter,
		      cri_sandbox_info **infos, size_t *n_infos, cri_call *call);

#endif
