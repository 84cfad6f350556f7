# Networking: what cri-network is linked with, its tests, and its benchmark.

HELPER_LIBS_network := -lcjson -lnftnl -lmnl
