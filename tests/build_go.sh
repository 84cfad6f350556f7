#!/bin/sh
# Builds programs that tests need from the Go module proxy: tests/build_go.sh DIRECTORY GO PACKAGE@VERSION...
# GO is the version of Go that the packages want. Any from 1.17 on will do, and Debian's is installed where there is
# none: one that is older than GO gets the right one as a module.
set -eu

output=$1
needed=$2
shift 2

find_go() {
	command -v go || for go in /usr/local/go/bin/go /usr/lib/go/bin/go; do
		[ ! -x "$go" ] || { echo "$go"; return; }
	done
}

go=$(find_go)
if [ -z "$go" ]; then
	"$(dirname "$0")/../mk/deps.sh" golang-go
	go=$(find_go)
fi

export GOFLAGS=-buildvcs=false GOTOOLCHAIN=local CGO_ENABLED=0
version=$("$go" env GOVERSION | sed 's/^go//; s/ .*//')
if [ "$(printf '%s\n%s\n' "$needed" "$version" | sort -V | head -1)" != "$needed" ]; then
	toolchain=golang.org/toolchain@v0.0.1-go$needed.$("$go" env GOOS)-$("$go" env GOARCH)
	"$go" mod download "$toolchain"
	directory=$("$go" env GOMODCACHE)/$toolchain
	# Files of modules are never executable.
	chmod -R u+w "$directory/bin" "$directory/pkg"
	chmod +x "$directory/bin/go" "$directory"/pkg/tool/*/*
	go=$directory/bin/go
	export GOROOT="$directory"
fi

mkdir -p "$output"
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
GOBIN=$directory "$go" install -ldflags='-s -w' "$@"
mv "$directory"/* "$output/"
