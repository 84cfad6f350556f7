# Images: the benchmark of pulls.

PULL_BENCH := $(BUILD)/tests/bench/pull/pull
PULL_FLOOR := $(BUILD)/tests/bench/pull/floor
$(PULL_BENCH): $(PULL_BENCH).o $(BUILD)/tests/bench/samples.o $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) -L$(BUILD) -lcri -lm -Wl,-rpath,'$$ORIGIN/../../..' -o $@
$(PULL_FLOOR): $(PULL_FLOOR).o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -lcrypto -lisal -o $@

.PHONY: bench-pull
bench-pull: deps-check
	@$(SUBMAKE) -j$$(nproc) all $(PULL_BENCH) $(PULL_FLOOR)
	@tests/bench/pull/run.py $(BUILD)
