/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of cri-fetch may still do. */
#ifndef LIBCRI_HELPERS_FETCH_CONFINE_H
#define LIBCRI_HELPERS_FETCH_CONFINE_H

/* It opens nothing: what a job reads and writes comes with its request. 0 or -errno. */
int confine_files(void);

/* It connects, and reads files (names, certificates); it cannot write, make or change any. 0 or -errno. */
int confine_network(void);

#endif
