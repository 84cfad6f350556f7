#!/bin/sh
# What is installed can be built against, shared and static, with nothing but pkg-config; the README's example first.
set -eu
cd "$(dirname "$0")/.."
directory=$(mktemp -d /tmp/libcri-install.XXXXXX)
trap 'rm -rf "$directory"' EXIT
make --no-print-directory -j"$(nproc)" install DESTDIR="$directory" PREFIX=/usr >"$directory/log" 2>&1 || {
	tail -20 "$directory/log"
	exit 1
}
sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$directory/example.c"
export PKG_CONFIG_PATH="$directory/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$directory"
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror "$directory/example.c" $(pkg-config --cflags --libs libcri) -o "$directory/shared"
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror "$directory/example.c" $(pkg-config --cflags libcri) "$directory/usr/lib/libcri.a" \
	$(pkg-config --static --libs libcri | sed 's/-lcri//') -o "$directory/static"
if nm "$directory/static" | grep ' [TDB] ' | grep -q 'cgroup_kill\|fs_remove_tree'; then
	echo "libcri.a shows its inner symbols"
	exit 1
fi
for header in include/libcri/*.h; do
	echo "#include <libcri/$(basename "$header")>" >"$directory/header.c"
	cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$directory/usr/include" "$directory/header.c"
	c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$directory/usr/include" -x c++ "$directory/header.c"
done
strings "$directory/usr/lib/libcri.so" | grep -qx /usr/libexec/libcri
for helper in shim init sandbox fetch unpack; do
	test -x "$directory/usr/libexec/libcri/cri-$helper"
done
echo "ok   install"
