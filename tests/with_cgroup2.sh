#!/bin/sh
# Runs a test program where cgroup v2 is alone, though the machine has v1 beside it: tests/with_cgroup2.sh PROGRAM
# That is a mount namespace of its own, with nothing but v2 at /sys/fs/cgroup. Controllers that v1 has are absent there,
# so tests that need them are skipped: `make check-vm` runs those.
set -eu

skip() {
	echo "[  SKIPPED ] $(basename "$program"): $1"
	exit 0
}

program=$(realpath "$1")
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	skip "cgroup v2 is alone on this machine, all tests ran with it"
fi
# That mount, and no new one: a new one's options would become those of the whole hierarchy.
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
[ -n "$unified" ] || skip "this machine has no cgroup v2 mounted"

# One that v1 only hides would be found in /proc/self/mountinfo, so v1 is unmounted.
view='mount --bind "$1" /mnt && umount -R /sys/fs/cgroup && mount --move /mnt /sys/fs/cgroup && exec "$2"'
obstacle=$(unshare --mount --propagation private sh -c "$view" view "$unified" true 2>&1) ||
	skip "no view of cgroup v2 alone can be made: $obstacle"
exec unshare --mount --propagation private sh -c "$view" view "$unified" "$program"
