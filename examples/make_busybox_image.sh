#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a container image of the host's static busybox, without a registry and without any image tool.
#
#   make_busybox_image.sh OUTPUT [docker|oci|layout]
#
# docker (the default) and oci write a tar; layout writes an OCI image layout directory.
# BUSYBOX=/path names another binary, IMAGE_NAME=name:tag another name, ARCHITECTURE=arm64 another architecture,
# IMAGE_USER=user the image's user.
set -eu

output=${1:?usage: make_busybox_image.sh OUTPUT [docker|oci|layout]}
format=${2:-docker}
busybox=${BUSYBOX:-/bin/busybox}
name=${IMAGE_NAME:-docker.io/library/busybox:latest}
user=${IMAGE_USER:-}
case ${ARCHITECTURE:-$(uname -m)} in
x86_64 | amd64) architecture=amd64 ;;
aarch64 | arm64) architecture=arm64 ;;
*) architecture=${ARCHITECTURE:-$(uname -m)} ;;
esac
case $format in
docker | oci | layout) ;;
*)
	echo "make_busybox_image.sh: unknown format '$format'" >&2
	exit 2
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

digest_of() { sha256sum "$1" | cut -d ' ' -f 1; }
size_of() { wc -c <"$1" | tr -d ' '; }
# The same input gives the same bytes, and so the same image id.
reproducible_tar() { tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner "$@"; }

rootfs=$work/rootfs
mkdir -p "$rootfs/bin" "$rootfs/dev" "$rootfs/etc" "$rootfs/home" "$rootfs/proc" "$rootfs/root" "$rootfs/sys" \
	"$rootfs/tmp" "$rootfs/usr/bin" "$rootfs/var"
chmod 755 "$rootfs" "$rootfs"/* "$rootfs/usr/bin"
chmod 700 "$rootfs/root"
chmod 1777 "$rootfs/tmp"
cp "$busybox" "$rootfs/bin/busybox"
chmod 755 "$rootfs/bin/busybox"
for applet in $("$busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$rootfs/bin/$applet"
done
ln -s /bin/env "$rootfs/usr/bin/env"
cat >"$rootfs/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
app:x:1000:1000:app:/home:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
END
cat >"$rootfs/etc/group" <<'END'
root:x:0:
daemon:x:1:
audio:x:29:app
app:x:1000:
nogroup:x:65534:
END

reproducible_tar -C "$rootfs" -cf "$work/layer.tar" .
diff_id=$(digest_of "$work/layer.tar")
cat >"$work/config.json" <<END
{"created":"1970-01-01T00:00:00Z","architecture":"$architecture","os":"linux","config":{"User":"$user","Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["sh"],"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"busybox"}]}
END
config=$(digest_of "$work/config.json")

mkdir "$work/image"
if [ "$format" = docker ]; then
	mkdir "$work/image/$diff_id"
	cp "$work/layer.tar" "$work/image/$diff_id/layer.tar"
	cp "$work/config.json" "$work/image/$config.json"
	cat >"$work/image/manifest.json" <<END
[{"Config":"$config.json","RepoTags":["$name"],"Layers":["$diff_id/layer.tar"]}]
END
else
	blobs=$work/image/blobs/sha256
	mkdir -p "$blobs"
	gzip -n -6 <"$work/layer.tar" >"$work/layer.tar.gz"
	layer=$(digest_of "$work/layer.tar.gz")
	cat >"$work/manifest.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size_of "$work/config.json")},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$(size_of "$work/layer.tar.gz")}]}
END
	manifest=$(digest_of "$work/manifest.json")
	cp "$work/layer.tar.gz" "$blobs/$layer"
	cp "$work/config.json" "$blobs/$config"
	cp "$work/manifest.json" "$blobs/$manifest"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
	cat >"$work/image/index.json" <<END
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size_of "$work/manifest.json"),"platform":{"architecture":"$architecture","os":"linux"},"annotations":{"io.containerd.image.name":"$name","org.opencontainers.image.ref.name":"$name"}}]}
END
fi

if [ "$format" = layout ]; then
	mkdir "$output"
	cp -R "$work/image/." "$output"
else
	reproducible_tar -C "$work/image" -cf "$output" .
fi
