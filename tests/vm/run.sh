#!/bin/sh
# Runs tests of a build in a throw-away machine that has cgroup v2 alone: tests/vm/run.sh BUILD KIND...
# BUILD is a directory below the sources.
# The machine is user-mode Linux, a kernel that is a program: it needs neither privileges nor hardware, and boots within
# a second. Its root is this machine's own, read-only, so what is installed and built here is what runs there, and
# whatever is written there is written to its memory, or to a disk of its own at /tmp.
# MEMORY and DISK (megabytes) and SECONDS_MAX bound it; COMMAND is run instead of the tests.
set -eu

here=$(realpath "$(dirname "$0")")
sources=$(realpath "$here/../..")
build=$(realpath --relative-to="$sources" "$1")
shift
memory=${MEMORY:-1536}
disk=${DISK:-2048}
limit=${SECONDS_MAX:-1800}

case $sources in
*[!A-Za-z0-9/._+-]*)
	echo "vm: a kernel takes no such path on its command line: $sources" >&2
	exit 1
	;;
esac

directory=$(mktemp -d /tmp/libcri-vm.XXXXXX)
machine=
cleanup() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || true
	rm -rf "$directory"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
if [ -n "${COMMAND:-}" ]; then
	printf '%s\n' "$COMMAND"
else
	printf 'exec tests/run.sh %s %s\n' "$build" "$*"
fi >"$directory/command"

truncate -s "${disk}M" "$directory/disk"
mkfs.ext4 -q "$directory/disk"

# The guest finds what it is told on the command line in the environment of its first process.
timeout --kill-after=5 "$limit" linux.uml mem="${memory}M" root=none rootfstype=hostfs rootflags=/ ro quiet panic=-1 \
	ubd0="$directory/disk" con=null con0=null,fd:1 init="$here/guest.sh" vm_shared="$directory" vm_sources="$sources" \
	vm_modules=/usr/lib/uml/modules </dev/null >"$directory/console" 2>&1 &
machine=$!
: >"$directory/output"
tail -c +1 -s 0.3 -f --pid="$machine" "$directory/output"
status=0
wait "$machine" || status=$?
machine=
if [ -s "$directory/status" ]; then
	exit "$(cat "$directory/status")"
fi
tail -20 "$directory/console" | tr -d '\r' >&2
if [ "$status" = 124 ]; then
	echo "vm: not done after $limit seconds" >&2
else
	echo "vm: the machine ended before the tests did" >&2
fi
exit 1
