#!/bin/sh
# The benchmarks at this machine's speed where cgroup v2 is alone: tests/bench/cgroup2.sh BUILD [ROUNDS [PART...]]
# They see no other cgroups, in a mount namespace of their own. The machine is what it was, so beside v1 the kernel lends
# v2 only the controllers that no v1 hierarchy has: the figures are of births and cgroups in one hierarchy, without what
# the missing controllers cost. make bench-vm has all of them, at a user-mode kernel's speed.
set -eu
build=$(realpath "$1")
shift
here=$(realpath "$(dirname "$0")")
exec unshare --mount --propagation private sh -c '
	umount -R /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	printf "cgroup v2 alone, with the controllers: %s\n" "$(cat /sys/fs/cgroup/cgroup.controllers)"
	run=$1
	shift
	exec "$run" "$@"' sh "$here/run.sh" "$build" "$@"
