/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's first process, born in its cgroup of v2.
 *
 * liblxc clones it, from a child of the monitor, and uses CLONE_INTO_CGROUP only for containers that share no namespace
 * (5.0.2), which ours always do; nor does it see a cgroup (runtime/shim_protocol.h). The other ways are worse: a
 * process that moves waits for RCU while it holds the lock of all cgroups, and with it every other start; a monitor
 * that is born there itself, to bequeath it, would have to move out, and until then be killed by a kill of the
 * container and be counted by its pids.max.
 *
 * So cri-shim exports a function syscall(), which the dynamic linker prefers to the C library's: it hands all calls on,
 * but to clone3 with CLONE_PARENT, with which liblxc makes none but this process, it adds the cgroup. A liblxc that
 * does otherwise, a kernel that cannot, a cgroup that refuses: then nothing is different from a birth elsewhere, and
 * cri-init, which looks, moves itself.
 */
#ifndef LIBCRI_HELPERS_SHIM_BIRTH_H
#define LIBCRI_HELPERS_SHIM_BIRTH_H

/* The directory of the cgroup (O_PATH), closed when the process is born; negative: there is none. */
void birth_begin(int cgroup_fd);

#endif
