#!/bin/sh
# The demo: an image made on the spot, and a pod run from it, below a directory that is removed afterwards.
set -eu
build=$(realpath "$1")
directory=$(mktemp -d /tmp/libcri-demo.XXXXXX)
cleanup() {
	umount -l "$directory/state" 2>/dev/null || true
	rm -rf "$directory"
}
trap cleanup EXIT
"$(dirname "$0")/../examples/make_busybox_image.sh" "$directory/busybox.tar" docker
LIBCRI_HELPER_DIRECTORY=$build/libexec/libcri "$build/examples/run_pod" \
	--root "$directory/root" --state "$directory/state" "$directory/busybox.tar"
