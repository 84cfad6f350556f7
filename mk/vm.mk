# Tests where cgroup v2 is alone, whatever this machine has: in a virtual machine, as root there (tests/vm/run.sh).

.PHONY: check-vm bench-vm bench-cgroup2
DEPS_VM := user-mode-linux busybox-static kmod iproute2 e2fsprogs

check-vm: deps-check
	@mk/deps.sh $(DEPS_VM)
	@$(SUBMAKE) -j$$(nproc) all integration-tests survival-tests
	@tests/vm/run.sh $(BUILD) integration survival

# The figures of cgroup v2. A user-mode kernel takes ten to thirty times as long as a real one for a page fault, an exec
# or a system call, and not the same times for each: compare runs, not budgets.
bench-vm: deps-check
	@mk/deps.sh $(DEPS_VM)
	@$(SUBMAKE) -j$$(nproc) all $(BENCHES)
	@COMMAND='tests/bench/run.sh $(BUILD) 10 alone memory' \
		SECONDS_MAX=300 tests/vm/run.sh $(BUILD)

# The same at this machine's speed, with the controllers that v1 leaves to v2 (tests/bench/cgroup2.sh).
bench-cgroup2: deps
	@$(SUBMAKE) -j$$(nproc) all $(BENCHES)
	@tests/bench/cgroup2.sh $(BUILD) 60 alone beside
