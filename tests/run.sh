#!/bin/sh
# Runs the test programs of a build, one after another, and says what passed: tests/run.sh BUILD KIND...
# A kind is a folder of build/tests, or one program of it: integration/test_exec.
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

# How many tests ended so. cmocka names each twice, when it ends and in its summary, which has a head.
count() {
	sed -n "/listed below:\$/d; s/^\\[$1\\] //p" "$log" | sort -u | wc -l
}

# Paths are not split where they have blanks.
IFS=

for kind in "$@"; do
	case $kind in
	*/*) programs=$build/tests/$kind ;;
	*) programs=$build/tests/$kind/test_* ;;
	esac
	for program in $programs; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then
			[ "$kind" = "${kind#*/}" ] || failures="$failures $kind(absent)"
			continue
		fi
		name=${program#"$build/tests/"}
		LIBCRI_HELPER_DIRECTORY=$helpers timeout 600 "$program" >"$log" 2>&1
		status=$?
		ok=$(grep -c '^\[       OK \]' "$log")
		bad=$(count '  FAILED  ')
		skip=$(count '  SKIPPED ')
		if [ $status -ne 0 ] || { [ "$ok" -eq 0 ] && [ "$skip" -eq 0 ]; }; then
			[ "$bad" -gt 0 ] || bad=1
			failures="$failures $name"
			printf 'FAIL %s (exit status %s)\n' "$name" "$status"
			grep -v '^\[ RUN\|^\[       OK' "$log" | tail -60
		elif [ "$ok" -eq 0 ]; then
			printf 'skip %s\n' "$name"
			sed -n '/listed below:$/d; s/^\[  SKIPPED \] /     /p' "$log" | sort -u | head -20
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
[ -z "$failures" ] && [ "$passed" -gt 0 ]
