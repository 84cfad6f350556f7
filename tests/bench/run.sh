#!/bin/sh
# Runs the benchmarks of a build on a fresh loop-mounted ext4: tests/bench/run.sh BUILD [ROUNDS [PART...]], with the
# parts of bench_engine, or all; BENCH names another program.
# (After large deletes ext4 spends a millisecond on every new file for minutes, so a used one measures itself.)
set -eu
build=$(realpath "$1")
shift
rounds=${1:-100}
[ $# -eq 0 ] || shift
here=$(dirname "$0")
directory=$(mktemp -d /tmp/libcri-bench.XXXXXX)
cleanup() {
	umount -l "$directory"/disk/state* 2>/dev/null || true
	umount -l "$directory/disk" 2>/dev/null || true
	rm -rf "$directory"
	find /sys/fs/cgroup -depth -type d -path '*/libcri-bench*' -exec rmdir {} + 2>/dev/null || true
}
trap cleanup EXIT
truncate -s 2G "$directory/image"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$directory/image"
mkdir "$directory/disk"
mount -o loop "$directory/image" "$directory/disk"
"$here/../../examples/make_busybox_image.sh" "$directory/busybox.tar"
printf 'machine: %s cores, kernel %s, load %s\n' "$(nproc)" "$(uname -r)" "$(cut -d ' ' -f 1 /proc/loadavg)"
LIBCRI_HELPER_DIRECTORY=$build/libexec/libcri "$build/tests/bench/${BENCH:-bench_engine}" "$directory/disk" \
	"$directory/busybox.tar" "$rounds" "$@"
