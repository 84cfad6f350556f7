# Tests, sanitizers, benchmarks, the demo.

.PHONY: demo check check-unit check-integration asan tsan bench

# Builds that begin with installing what they need.
SUBMAKE = $(MAKE) --no-print-directory

demo: deps
	@$(SUBMAKE) -j$$(nproc) BUILD=$(BUILD) all >$(BUILD).log 2>&1 || { mkdir -p $(BUILD); cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@tests/run_demo.sh $(BUILD)

check: deps-check
	@$(SUBMAKE) -j$$(nproc) all unit-tests replay-tests integration-tests survival-tests server-tests
	@tests/run.sh $(BUILD) unit replay integration survival server

check-unit: unit-tests
	@tests/run.sh $(BUILD) unit
check-integration: all integration-tests
	@tests/run.sh $(BUILD) integration

# What a sanitizer can watch: the library, in the unit tests and in those that run it from many threads and processes.
# Helpers, which enter namespaces and drop privileges, are those of the plain build; valgrind looks after them.
asan: deps-check
	@$(SUBMAKE) -j$$(nproc) helpers
	@$(SUBMAKE) -j$$(nproc) BUILD=build-asan OPTIMISE='-O1 -g' \
		SANITISE='-fsanitize=address,undefined -fno-omit-frame-pointer' unit-tests replay-tests build-asan/tests/integration/test_concurrency \
		build-asan/tests/integration/test_container
	@HELPERS=$(BUILD)/libexec/libcri tests/run.sh build-asan unit replay integration

tsan: deps-check
	@$(SUBMAKE) -j$$(nproc) helpers
	@$(SUBMAKE) -j$$(nproc) BUILD=build-tsan OPTIMISE='-O1 -g' SANITISE='-fsanitize=thread' unit-tests \
		build-tsan/tests/integration/test_concurrency
	@HELPERS=$(BUILD)/libexec/libcri tests/run.sh build-tsan unit integration

BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/bench/bench_*.c),$(wildcard tests/bench/*.c)))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BENCH_COMMON) $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(BUILD)/tests/bench/$*.o $(BENCH_COMMON) -L$(BUILD) -lcri -lpthread -lm \
		-Wl,-rpath,'$$ORIGIN/../..' -o $@
bench: deps
	@$(SUBMAKE) -j$$(nproc) all $(BENCHES)
	@tests/bench/run.sh $(BUILD)
