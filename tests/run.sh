#!/bin/sh
# Runs the test programs of a build, one after another, and says what passed: tests/run.sh BUILD KIND...
# HELPERS names the helpers of another build. A program that prints no summary, hangs, or leaves a process behind has failed.
set -u

build=$1
helpers=$(realpath "${HELPERS:-$build/libexec/libcri}" 2>/dev/null)
shift
passed=0
failed=0
skipped=0
failures=
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for kind in "$@"; do
	for program in "$build/tests/$kind"/test_*; do
		[ -f "$program" ] && [ -x "$program" ] || continue
		name=$kind/$(basename "$program")
		LIBCRI_HELPER_DIRECTORY=$helpers timeout 600 "$program" >"$log" 2>&1
		status=$?
		ok=$(grep -c '^\[       OK \]' "$log")
		bad=$(grep -c '^\[  FAILED  \] [^0-9]' "$log")
		skip=$(grep -c '^\[  SKIPPED \] [^0-9]' "$log")
		if [ $status -ne 0 ] || { [ "$ok" -eq 0 ] && [ "$skip" -eq 0 ]; }; then
			[ "$bad" -gt 0 ] || bad=1
			failures="$failures $name"
			printf 'FAIL %s (exit status %s)\n' "$name" "$status"
			grep -v '^\[ RUN\|^\[       OK' "$log" | tail -60
		else
			printf 'ok   %s: %s tests\n' "$name" "$ok"
		fi
		passed=$((passed + ok))
		failed=$((failed + bad))
		skipped=$((skipped + skip))
	done
done

[ -z "$failures" ] || printf 'failed:%s\n' "$failures"
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
