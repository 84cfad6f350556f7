/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBCRI_HELPERS_INIT_CAPABILITIES_H
#define LIBCRI_HELPERS_INIT_CAPABILITIES_H

#include <stdint.h>

/* Effective, permitted and inheritable set of this process. 0 or -errno. */
int capabilities_get(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int capabilities_set(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* Takes from the bounding set what `keep` lacks. Needs CAP_SETPCAP unless there is nothing to take. */
int capabilities_bound(uint64_t keep);

/* Exactly these; each must be permitted and inheritable. */
int capabilities_set_ambient(uint64_t ambient);

#endif
