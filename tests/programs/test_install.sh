#!/bin/sh
# What is installed can be built against with nothing but pkg-config, shared and static: test_install.sh BUILD.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
directory=$(mktemp -d "$build/install.XXXXXX")
# Of the make that runs the tests nothing but the build.
unset MAKEFLAGS MAKELEVEL MFLAGS

begin() {
	test=$1
	printf '[ RUN      ] %s\n' "$test"
}
passed() {
	printf '[       OK ] %s\n' "$test"
}
trap '[ $? -eq 0 ] || printf "[  FAILED  ] %s\n" "$test"; rm -rf "$directory"' EXIT

begin install
make --no-print-directory install BUILD="$build" DESTDIR="$directory" PREFIX=/usr/local >"$directory/log" 2>&1 || {
	tail -20 "$directory/log"
	exit 1
}
installed=$directory/usr/local
for source in lib/helpers/*/; do
	test -x "$installed/libexec/libcri/cri-$(basename "$source")"
done
strings "$installed/lib/libcri.so" | grep -qx /usr/local/libexec/libcri
test -x "$installed/sbin/cri-server"
# Nothing is written beside DESTDIR and what it is told.
test -z "$(find "$directory" -mindepth 1 -maxdepth 1 ! -name usr ! -name etc ! -name log)"
passed

begin another_prefix
make --no-print-directory BUILD="$directory/other" PREFIX=/opt/engine "$directory/other/lib/core/options.o" >"$directory/log"
strings "$directory/other/lib/core/options.o" | grep -qx /opt/engine/libexec/libcri
passed

begin headers_compile_alone
for header in include/libcri/*.h; do
	echo "#include <libcri/$(basename "$header")>" >"$directory/header.c"
	cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$installed/include" "$directory/header.c"
	c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$installed/include" -x c++ "$directory/header.c"
done
passed

export PKG_CONFIG_PATH="$installed/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$directory"
sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$directory/example.c"

begin example_shared
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror "$directory/example.c" $(pkg-config --cflags --libs libcri) -o "$directory/shared"
passed

begin example_static
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror "$directory/example.c" \
	$(pkg-config --static --cflags --libs libcri | sed 's/-lcri /-l:libcri.a /') -o "$directory/static"
if nm "$directory/static" | grep ' [TDB] ' | grep -q 'cgroup_kill\|fs_remove_tree'; then
	echo "libcri.a shows its inner symbols"
	exit 1
fi
passed

# With the defaults of everything, which are the machine's: in a mount and a network namespace of its own. What is
# installed is seen at /mnt there, since the sources may be below one of the places.
begin example_runs
examples/make_busybox_image.sh "$directory/busybox.tar"
for program in shared static; do
	LIBCRI_HELPER_DIRECTORY=/mnt/usr/local/libexec/libcri LD_LIBRARY_PATH=/mnt/usr/local/lib \
		unshare --mount --net sh -c '
			set -eu
			mount --bind "$1" /mnt
			for place in /tmp /var/lib /run; do mount -t tmpfs tmpfs $place; done
			cp /mnt/busybox.tar /tmp/busybox.tar
			test "$("/mnt/$2")" = "it ended with 0"
			grep -q "stdout F hello$" /tmp/web/hello.log
			test -z "$(ls /var/lib/libcri/c /run/libcri/sandboxes /run/libcri/containers | grep -v :)"
		' sh "$directory" "$program"
done
passed
