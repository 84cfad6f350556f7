# Networking: what cri-network is linked with, its tests, and its benchmark.

# libmd is for the names of iptables chains, which hold a hash; small, and linked in, since the helper is started often.
HELPER_LIBS_network := -lcjson -l:libnftnl.a -lmnl -l:libmd.a

BENCH_LIBS += -lmnl
# RunPodSandbox with networks in-process, by the plugins' programs, and beside the bare netlink messages.
.PHONY: bench-net
bench-net: deps
	@mk/deps.sh containernetworking-plugins iptables
	@$(SUBMAKE) -j$$(nproc) all $(BUILD)/tests/bench/bench_network
	@BENCH=bench_network tests/bench/run.sh $(BUILD) 40
