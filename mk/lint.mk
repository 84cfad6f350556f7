# Format and static analysis: all clean, or the build fails.

.PHONY: lint format lint-arrows lint-format lint-tidy lint-cppcheck

C_SOURCES = $(shell git ls-files '*.c' '*.h' 2>/dev/null | grep -v '^cri-server/proto/.*\.pb-c\.')
C_UNITS = $(filter %.c,$(C_SOURCES))
# The tests are looked at by all checks but the path-sensitive ones, which take longest and say least of straight code.
TEST_UNITS = $(filter tests/%,$(C_UNITS))
OTHER_UNITS = $(filter-out tests/%,$(C_UNITS))

# One set for all: the compiler, with the flags of each part, has seen to it that none reaches into another.
LINT_INCLUDES = -Iinclude -Ilib -Icri-server -Itests/integration
LINT_DEFINES = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLIBCRI_HELPER_DIRECTORY='""' -DCORPUS_DIRECTORY='""'
# A file a process, as many as there are processors. What goes to stderr counts the warnings that are not shown.
tidy = printf '%s\n' $(1) | xargs -P $$(nproc) -I{} clang-tidy --quiet --warnings-as-errors='*' $(2) {} -- \
	-std=gnu11 $(LINT_DEFINES) $(LINT_INCLUDES) -isystem $(SERVER_BUILD) -Ulinux 2>/dev/null

lint: deps-lint
	@$(SUBMAKE) lint-arrows
	@$(SUBMAKE) lint-format
	@$(SUBMAKE) lint-cppcheck
	@$(SUBMAKE) lint-tidy
	@echo "lint: clean"

# Rooms look down only: $(1) may include nothing of $(2). core is the frame that puts them together.
arrows = ! grep -nE '^\#include "($(2))/' $(foreach room,$(1),$(wildcard $(room)/*.[ch]))
HIGH_ROOMS := sandbox|container|stream|helpers
lint-arrows:
	@$(call arrows,lib/base,core|config|store|cgroup|image|network|runtime|$(HIGH_ROOMS))
	@$(call arrows,lib/config lib/store lib/cgroup,image|network|runtime|$(HIGH_ROOMS))
	@$(call arrows,lib/image,network|runtime|$(HIGH_ROOMS))
	@$(call arrows,lib/network,image|runtime|$(HIGH_ROOMS))
	@$(call arrows,lib/runtime,image|$(HIGH_ROOMS))
	@$(call arrows,cri-server $(wildcard cri-server/*),base|core|config|store|cgroup|image|network|runtime|$(HIGH_ROOMS))

lint-format:
	@clang-format --dry-run --Werror $(C_SOURCES)

# .clang-tidy has the checks, and why some are left out.
lint-tidy: | $(PROTO_HEADERS)
	@$(call tidy,$(OTHER_UNITS),)
	@$(call tidy,$(TEST_UNITS),--checks='-clang-analyzer-*')

# One machine's configuration: all are too many. memleak: cppcheck does not know __attribute__((cleanup)), which is how
# this library frees; AddressSanitizer looks after leaks (make asan). constStatement: nor registers named by __asm__.
lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance --inline-suppr \
		--library=mk/cppcheck.cfg --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=memleak \
		--suppress=constStatement:lib/bare/syscall.c -D__GNUC__=12 -D__x86_64__ -D__linux__ \
		$(LINT_DEFINES) $(LINT_INCLUDES) -j $$(nproc) $(C_UNITS)

format:
	clang-format -i $(C_SOURCES)
