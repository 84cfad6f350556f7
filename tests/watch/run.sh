#!/bin/sh
# Runs integration tests with helpers that are watched: tests/watch/run.sh valgrind|asan BUILD HELPERS TEST...
# BUILD has the tests, HELPERS the programs, for asan built with the sanitizers. Any error that is found in a helper
# fails it, also when the test passes.
#
# Never watched are cri-init and cri-sandbox, which are static and without a C library: make asan looks at their parts
# in unit tests. Valgrind does not watch cri-shim and cri-mount either: liblxc clones with shared memory, and valgrind
# 3.19 knows neither that nor the newer mount calls.
set -u

tool=$1
build=$(realpath "$2")
helpers=$(realpath "$3")
shift 3
own=$build/watch-$tool
rm -rf "$own/helpers" "$own/logs"
mkdir -p "$own/helpers" "$own/logs"

valgrind_command="LD_PRELOAD=$own/preload.so exec /usr/bin/valgrind --quiet --vgdb=no --error-exitcode=99 --leak-check=full \
--show-leak-kinds=definite --errors-for-leak-kinds=definite --suppressions=$(realpath tests/watch/valgrind.supp)"

for helper in "$helpers"/*; do
	name=$(basename "$helper")
	case $tool.$name in
	*.cri-init | *.cri-sandbox | valgrind.cri-shim | valgrind.cri-mount) command= ;;
	valgrind.*) command="$valgrind_command --log-file=$own/logs/$name.%p" ;;
	# Leaks are valgrind's to find: LeakSanitizer needs ptrace.
	asan.*)
		command="ASAN_OPTIONS=log_path=$own/logs/$name:detect_leaks=0:abort_on_error=0:exitcode=99 \
UBSAN_OPTIONS=log_path=$own/logs/$name:print_stacktrace=1 LD_PRELOAD=$(gcc -print-file-name=libasan.so):$own/preload.so exec"
		;;
	esac
	if [ -z "$command" ]; then
		cp "$helper" "$own/helpers"
		continue
	fi
	printf '#!/bin/sh\n%s %s "$@"\n' "$command" "$helper" >"$own/helpers/$name"
	chmod +x "$own/helpers/$name"
done

status=0
for test in "$@"; do
	LIBCRI_HELPER_DIRECTORY=$own/helpers timeout 900 "$build/tests/integration/$test" >"$own/output" 2>&1
	result=$?
	if [ $result -eq 0 ]; then
		printf 'ok   %s %s: %s tests\n' "$tool" "$test" "$(grep -c '^\[       OK \]' "$own/output")"
	else
		printf 'FAIL %s %s (exit status %s)\n' "$tool" "$test" $result
		grep -v '^\[ RUN\|^\[       OK' "$own/output" | tail -40
		status=1
	fi
done
for log in "$own"/logs/*; do
	[ -s "$log" ] || continue
	printf 'FAIL %s\n' "$log"
	head -60 "$log"
	status=1
done
[ "$tool" != valgrind ] || printf 'valgrind looked at %s processes\n' "$(find "$own/logs" -type f | wc -l)"
exit $status
