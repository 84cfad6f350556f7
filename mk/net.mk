# Networking: what cri-network is linked with, its tests, and its benchmark.

# libmd is for the names of iptables chains, which hold a hash; small, and linked in, since the helper is started often.
HELPER_LIBS_network := -lcjson -lnftnl -lmnl -l:libmd.a
