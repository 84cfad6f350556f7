# Networking: what cri-network is linked with, its tests, and its benchmark.

# libmd is for the names of iptables chains, which hold a hash; small, and linked in, since the helper is started often.
HELPER_LIBS_network := -lcjson -l:libnftnl.a -lmnl -l:libmd.a

# Plugins that are newer than Debian's, Go programs, and make their rules otherwise: in 1.7 the chains of portmap changed.
# Without the network the tests that want them are skipped, and say so.
NEWER_PLUGINS := $(BUILD)/cni-plugins/1.6.2/bridge $(BUILD)/cni-plugins/1.9.0/bridge
$(NEWER_PLUGINS): tests/build_go.sh
	@mkdir -p $(@D)
	$(call say,GO,$(@D))
	$(Q)$< $(@D) 1.24.2 $(foreach p,main/bridge meta/portmap ipam/host-local,\
		github.com/containernetworking/plugins/plugins/$(p)@v$(notdir $(@D))) >$(@D)/log 2>&1 || \
		{ tail -3 $(@D)/log >&2; echo "the plugins cannot be built; their tests are skipped" >&2; }
integration-tests: $(NEWER_PLUGINS)

BENCH_LIBS += -lmnl
# RunPodSandbox with networks in-process, by the plugins' programs, and beside the bare netlink messages.
.PHONY: bench-net
bench-net: deps
	@mk/deps.sh containernetworking-plugins iptables
	@$(SUBMAKE) -j$$(nproc) all $(BUILD)/tests/bench/bench_network
	@BENCH=bench_network tests/bench/run.sh $(BUILD) 40
