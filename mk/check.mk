# Tests, sanitizers, benchmarks, the demo.

.PHONY: demo check check-unit check-integration asan tsan valgrind bench

# Builds that begin with installing what they need.
SUBMAKE = $(MAKE) --no-print-directory

demo: deps
	@$(SUBMAKE) -j$$(nproc) BUILD=$(BUILD) all >$(BUILD).log 2>&1 || { mkdir -p $(BUILD); cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@tests/run_demo.sh $(BUILD)

check: deps-check
	@$(SUBMAKE) -j$$(nproc) all unit-tests replay-tests integration-tests survival-tests cgroup2-tests server-tests program-tests
	@tests/run.sh $(BUILD) unit replay integration survival cgroup2 server programs

check-unit: unit-tests
	@tests/run.sh $(BUILD) unit
check-integration: all integration-tests
	@tests/run.sh $(BUILD) integration

# What users run: the demo, and what is installed.
PROGRAM_TESTS := $(patsubst tests/programs/%.sh,$(BUILD)/tests/programs/%,$(wildcard tests/programs/test_*.sh))
$(PROGRAM_TESTS): $(BUILD)/tests/programs/%: tests/programs/%.sh
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec "%s" "%s"\n' '$(abspath $<)' '$(abspath $(BUILD))' >$@
	@chmod +x $@
.PHONY: program-tests
program-tests: all $(PROGRAM_TESTS)

# Once more where cgroup v2 is alone: what touches cgroups. A machine with v2 beside v1 can do that (tests/with_cgroup2.sh).
CGROUP2_TESTS := $(addprefix unit/test_,cgroup cgroup_limit cgroup_usage clone) \
	$(addprefix integration/test_,box mounts cgroup_v2 container escape events exec host_safety pause_image sandbox stats metrics) \
	$(addprefix survival/test_,kill_points killed_helpers shim)
CGROUP2_SCRIPTS := $(patsubst %,$(BUILD)/tests/cgroup2/%,$(notdir $(CGROUP2_TESTS)))
$(CGROUP2_SCRIPTS): $(BUILD)/tests/cgroup2/%: tests/with_cgroup2.sh
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec "%s" "%s"\n' '$(abspath $<)' '$(abspath $(BUILD)/tests/$(filter %/$*,$(CGROUP2_TESTS)))' >$@
	@chmod +x $@
.PHONY: cgroup2-tests check-cgroup2
cgroup2-tests: all $(CGROUP2_TESTS:%=$(BUILD)/tests/%) $(CGROUP2_SCRIPTS)
check-cgroup2: cgroup2-tests
	@tests/run.sh $(BUILD) cgroup2

# The library, in the unit tests and in those that run it from many threads and processes, with plain helpers; then the
# helpers. Those are all but cri-init and cri-sandbox, whose parts are in the unit tests (tests/watch/run.sh says why).
ASAN_TESTS := container exec log box sandbox users seccomp image image_layers image_merging image_store pull pull_course pull_cost pull_http2 pause_image embedded embedded_device policy policy_import network_native
asan: deps-check
	@$(SUBMAKE) -j$$(nproc) helpers $(ASAN_TESTS:%=$(BUILD)/tests/integration/test_%)
	@$(SUBMAKE) -j$$(nproc) BUILD=build-asan OPTIMISE='-O1 -g' \
		SANITISE='-fsanitize=address,undefined -fno-omit-frame-pointer -Wno-format-truncation' unit-tests helpers \
		build-asan/tests/integration/test_concurrency build-asan/tests/integration/test_container \
		build-asan/tests/integration/test_stats
	@HELPERS=$(BUILD)/libexec/libcri tests/run.sh build-asan unit integration
	@$(SUBMAKE) $(BUILD)/watch-asan/preload.so
	@tests/watch/run.sh asan $(BUILD) build-asan/libexec/libcri $(ASAN_TESTS:%=test_%)

# The helpers that read what comes from outside, and cri-network. The others are asan's alone (tests/watch/run.sh).
VALGRIND_TESTS := image image_layers image_merging image_store image_bad pull_faults network_native
valgrind: deps-check
	@$(SUBMAKE) -j$$(nproc) helpers $(VALGRIND_TESTS:%=$(BUILD)/tests/integration/test_%) $(BUILD)/watch-valgrind/preload.so
	@tests/watch/run.sh valgrind $(BUILD) $(BUILD)/libexec/libcri $(VALGRIND_TESTS:%=test_%)

# Not a part of the library: it takes the place of functions of the C library.
$(BUILD)/watch-valgrind/preload.so: WATCH := -DWITHOUT_OPENAT2
$(BUILD)/watch-%/preload.so: tests/watch/preload.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O1 -g $(filter-out -Wmissing-prototypes,$(WARN)) -D_GNU_SOURCE $(WATCH) -fPIC -shared $< -o $@

tsan: deps-check
	@$(SUBMAKE) -j$$(nproc) helpers
	@$(SUBMAKE) -j$$(nproc) BUILD=build-tsan OPTIMISE='-O1 -g' SANITISE='-fsanitize=thread' unit-tests \
		build-tsan/tests/integration/test_concurrency build-tsan/tests/integration/test_stats
	@HELPERS=$(BUILD)/libexec/libcri tests/run.sh build-tsan unit integration

BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/bench/bench_*.c),$(wildcard tests/bench/*.c)))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BENCH_COMMON) $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(BUILD)/tests/bench/$*.o $(BENCH_COMMON) -L$(BUILD) -lcri -lpthread -lm $(BENCH_LIBS) \
		-Wl,-rpath,'$$ORIGIN/../..' -o $@
bench: deps
	@$(SUBMAKE) -j$$(nproc) all $(BENCHES)
	@tests/bench/run.sh $(BUILD)
