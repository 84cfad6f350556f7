# Tests where cgroup v2 is alone, whatever this machine has: in a virtual machine, as root there (tests/vm/run.sh).

.PHONY: check-vm
DEPS_VM := user-mode-linux busybox-static kmod iproute2

check-vm: deps-check
	@mk/deps.sh $(DEPS_VM)
	@$(SUBMAKE) -j$$(nproc) all integration-tests survival-tests
	@tests/vm/run.sh $(BUILD) integration survival
