# Debian 12 packages. `make deps` asks the network only for what is missing.

DEPS_BUILD := gcc binutils libc6-dev pkg-config libsqlite3-dev libcjson-dev liblxc1 lxc-dev libarchive-dev libssl-dev \
	zlib1g-dev libisal-dev libzstd-dev libcurl4-openssl-dev libcurl4 libseccomp-dev libcap-dev busybox-static zstd e2fsprogs libnghttp2-dev \
	libprotobuf-c-dev libprotobuf-dev protobuf-c-compiler libmnl-dev libnftnl-dev libmd-dev
DEPS_CHECK := g++ libcmocka-dev python3 valgrind procps iproute2 libclang-rt-14-dev clang skopeo umoci nghttp2-client nghttp2-proxy docker-registry apache2-utils openssl \
	python3-grpcio python3-protobuf xz-utils bzip2 curl squashfs-tools erofs-utils containernetworking-plugins iptables nftables
DEPS_LINT := clang-format clang-tidy cppcheck

.PHONY: deps deps-check deps-lint
deps:
	@mk/deps.sh $(DEPS_BUILD)
deps-check:
	@mk/deps.sh $(DEPS_BUILD) $(DEPS_CHECK)
deps-lint:
	@mk/deps.sh $(DEPS_BUILD) $(DEPS_CHECK) $(DEPS_LINT)
