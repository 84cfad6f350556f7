# Format and static analysis: all clean, or the build fails.

.PHONY: lint format lint-format lint-tidy lint-cppcheck

C_SOURCES = $(shell git ls-files '*.c' '*.h' 2>/dev/null | grep -v '^cri-server/proto/.*\.pb-c\.')
C_UNITS = $(filter %.c,$(C_SOURCES))

lint: deps-lint
	@$(SUBMAKE) -j$$(nproc) lint-format lint-tidy lint-cppcheck
	@echo "lint: clean"

lint-format:
	@clang-format --dry-run --Werror $(C_SOURCES)

lint-tidy:
	@printf '%s\n' $(C_UNITS) | xargs -P $$(nproc) -n 1 clang-tidy --quiet --warnings-as-errors='*' 2>/dev/null -- \
		-std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLIBCRI_HELPER_DIRECTORY='""' -Iinclude -Ilib

lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unknownMacro -D_GNU_SOURCE -D__GNUC__=12 \
		-DLIBCRI_HELPER_DIRECTORY='""' -Iinclude -Ilib -j $$(nproc) $(C_UNITS)

format:
	clang-format -i $(C_SOURCES)
