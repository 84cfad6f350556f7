#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes an embedded image of directories: a file system for each, a manifest and its checksum file.
#
#   make_embedded_image.sh OUTPUT NAME:TAG ROOT [DIRECTORY=/PLACE]...
#
# ROOT becomes the container's root, each DIRECTORY is mounted at its place. OUTPUT, a directory that is made, then holds
# image.manifest, which `images import` takes. FILESYSTEM=erofs makes erofs instead of squashfs; COMMAND="/bin/app x" is
# the image's command.
set -eu

output=${1:?usage: make_embedded_image.sh OUTPUT NAME:TAG ROOT [DIRECTORY=/PLACE]...}
name=${2:?the image has no name}
root=${3:?the image has no root}
shift 3
filesystem=${FILESYSTEM:-squashfs}
mkdir -p "$output"

pack() {
	case $filesystem in
	squashfs) mksquashfs "$1" "$output/$2" -noappend -quiet -no-progress -all-root >/dev/null ;;
	erofs) mkfs.erofs --all-root "$output/$2" "$1" >/dev/null ;;
	*)
		echo "make_embedded_image.sh: unknown file system '$filesystem'" >&2
		exit 2
		;;
	esac
	printf '{"mediaType":"application/%s.image.rootfs.diff.img","size":%s,"digest":"sha256:%s","pathInHost":"%s","pathInContainer":"%s"}' \
		"$filesystem" "$(wc -c <"$output/$2" | tr -d ' ')" "$(sha256sum "$output/$2" | cut -d ' ' -f 1)" "$2" "$3"
}

command=
for word in ${COMMAND:-}; do
	command="$command${command:+,}\"$word\""
done
layers=$(pack "$root" root.img /)
number=0
for layer in "$@"; do
	number=$((number + 1))
	layers="$layers,$(pack "${layer%%=*}" "layer$number.img" "${layer#*=}")"
done
printf '{"schemaVersion":1,"mediaType":"application/embedded.manifest+json","imageName":"%s","config":{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":[%s]},"layers":[%s]}' \
	"$name" "$command" "$layers" >"$output/image.manifest"
printf 'sha256:%s' "$(sha256sum "$output/image.manifest" | cut -d ' ' -f 1)" >"$output/image.sgn"
