#!/bin/sh
# What `make demo` runs, and that it says all that it is to say: test_demo.sh BUILD.
set -eu
cd "$(dirname "$0")/../.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT

printf '[ RUN      ] demo\n'
tests/run_demo.sh "$1" >"$output" 2>&1 || {
	cat "$output"
	exit 1
}
for step in 'open' 'import image' 'run sandbox' 'create container' 'start container' 'wait' 'exec' 'stats' \
	'stop container' 'remove container' 'stop sandbox' 'remove sandbox' 'remove image'; do
	grep -q "^  $step .* [0-9]*\.[0-9][0-9] ms$" "$output" || {
		printf 'no step "%s":\n' "$step"
		cat "$output"
		exit 1
	}
done
# The log of one container, and what a command in another said.
grep -q '| .* stdout F hello from demo$' "$output"
grep -q '| .* stderr F oops$' "$output"
grep -q '| demo: [0-9]* processes, uid 0$' "$output"
printf '[       OK ] demo\n'
