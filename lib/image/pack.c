/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pack.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "core/paths.h"

#include <fcntl.h>

static const char step[] = "pack";

int packer_start(cri_engine *engine, int directory, struct unpacker *packer, int *source, cri_call *call)
{
	CLEANUP_CLOSE int theirs = -1;
	CLEANUP_CLOSE int ours = -1;
	CLEANUP_CLOSE int reader = -1;
	CLEANUP_CLOSE int writer = -1;
	const char *const argv[] = { "cri-pack", NULL };
	struct spawn spawn = { SPAWN_INIT, .argv = argv, .n_fds = 2 };
	char path[PATH_MAX];
	int pair[2];
	int error = socket_pair(pair);

	if (error)
		return call_fail_errno(call, error, step, "make a socket");
	ours = pair[0];
	theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC))
		return call_fail_errno(call, errno, step, "make a pipe");
	reader = pair[0];
	writer = pair[1];
	/* As in unpacker_start. */
	(void)fcntl(writer, F_SETPIPE_SZ, 1 << 20);
	if (!path_helper(engine, argv[0], path))
		return call_fail_errno(call, ENAMETOOLONG, step, "%s", engine->helpers);
	spawn.path = path;
	spawn.fds = (const int[]){ theirs, directory };
	spawn.stdout_fd = writer;
	error = fs_set_nonblocking(ours, true);
	if (!error)
		error = spawn_program(&spawn, &packer->process);
	if (error)
		return call_fail_errno(call, error, step, "start %s", path);
	packer->step = step;
	packer->status = take_fd(&ours);
	*source = take_fd(&reader);
	return 0;
}
