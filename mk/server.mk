# cri-server: gRPC over nghttp2, by the public API only. protoc-c writes the messages' descriptors from proto/cri.proto.
# What it is made of is below $(BUILD)/server, since $(BUILD)/cri-server is the program.

SERVER_BUILD := $(BUILD)/server
PROTO_SOURCES := $(patsubst cri-server/%.proto,$(SERVER_BUILD)/%.pb-c.c,$(wildcard cri-server/proto/*.proto))
PROTO_HEADERS := $(PROTO_SOURCES:%.c=%.h)
PROTO_OBJECTS := $(PROTO_SOURCES:%.c=%.o)
SERVER_OBJECTS := $(patsubst cri-server/%.c,$(SERVER_BUILD)/%.o,$(wildcard cri-server/*/*.c))
SERVER_LIBS := -lnghttp2 -lprotobuf-c -lcjson -ldl -lpthread

# A field of the CRI is called linux, which is a macro of the compiler.
SERVER_CFLAGS = $(CFLAGS_ALL) -Icri-server -I$(SERVER_BUILD) -Ulinux

$(SERVER_BUILD)/%.o: cri-server/%.c | $(PROTO_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(SERVER_CFLAGS) -c $< -o $@
$(PROTO_SOURCES): $(SERVER_BUILD)/%.pb-c.c: cri-server/%.proto
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)protoc-c --proto_path=cri-server --c_out=$(SERVER_BUILD) $<
$(PROTO_HEADERS): %.h: %.c
$(PROTO_OBJECTS): WARN :=
$(PROTO_OBJECTS): %.o: %.c
	$(call say,CC,$<)
	$(Q)$(CC) $(SERVER_CFLAGS) -Os -c $< -o $@

# All but main: the tests bring a main, and a service of their own, if they need them.
$(BUILD)/cri-server-inner.a: $(SERVER_OBJECTS) $(PROTO_OBJECTS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/cri-server: $(SERVER_BUILD)/main.o $(BUILD)/cri-server-inner.a $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter-out %.so,$^) -L$(BUILD) -lcri $(SERVER_LIBS) -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib' \
		-o $@

$(if $(wildcard cri-server/main.c),$(eval all: $(BUILD)/cri-server))

# Their own sources know the daemon's; the linker takes of it what they use.
SERVER_TESTS := $(foreach p,grpc daemon convert service,$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_$(p)*.c)))
$(SERVER_TESTS:%=$(BUILD)/tests/unit/%.o): CFLAGS_ALL += -Icri-server -I$(SERVER_BUILD) -Ulinux
$(SERVER_TESTS:%=$(BUILD)/tests/unit/%.o): | $(PROTO_HEADERS)
$(SERVER_TESTS:%=$(BUILD)/tests/unit/%): $(BUILD)/cri-server-inner.a
GRPC_FIXTURE := $(BUILD)/tests/unit/grpc_fixture.o $(BUILD)/tests/unit/grpc_client.o
$(GRPC_FIXTURE): CFLAGS_ALL += -Icri-server
$(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_grpc_server*.c)): $(GRPC_FIXTURE)
$(foreach t,$(SERVER_TESTS),$(eval UNIT_LIBS_$(t) := $(BUILD)/cri-server-inner.a $(BUILD)/libcri-inner.a $(SERVER_LIBS)))

# The whole program, by Debian's Python: its grpc is a package of Debian's interpreter. Run as root.
SERVER_SCRIPTS := $(patsubst tests/server/%.py,$(BUILD)/tests/server/%,$(wildcard tests/server/test_*.py))
$(SERVER_SCRIPTS): $(BUILD)/tests/server/%: tests/server/%.py
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec /usr/bin/python3 -B "%s" "%s" %s "$$@"\n' '$(abspath tests/server/run.py)' '$(abspath $(BUILD))' $* >$@
	@chmod +x $@

# The CRI's own client, a Go program: two minutes when it is built for the first time. Without the network its tests are
# skipped, and say so.
$(BUILD)/crictl: tests/build_go.sh
	$(call say,GO,$@)
	$(Q)$< $(@D) 1.26.6 sigs.k8s.io/cri-tools/cmd/crictl@v1.37.0 >$@.log 2>&1 || { tail -3 $@.log >&2; echo "crictl cannot be built; its tests are skipped" >&2; }

.PHONY: server-tests check-server
server-tests: all $(SERVER_SCRIPTS) $(BUILD)/crictl
check-server: server-tests
	@tests/run.sh $(BUILD) server

SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= /etc

.PHONY: install-server
install: install-server
# An edited configuration is kept.
install-server: all
	$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/libcri
	$(INSTALL) -m 755 $(BUILD)/cri-server $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 644 docs/man/cri-server.8 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 cri-server/systemd/cri-server.socket $(DESTDIR)$(UNITDIR)
	sed -e 's|@SBINDIR@|$(SBINDIR)|' cri-server/systemd/cri-server.service.in >$(DESTDIR)$(UNITDIR)/cri-server.service
	[ -e $(DESTDIR)$(SYSCONFDIR)/libcri/daemon.json ] || \
		$(INSTALL) -m 644 cri-server/systemd/daemon.json $(DESTDIR)$(SYSCONFDIR)/libcri

# Memory, calls a second, and what gRPC adds to a call. Run as root.
CALLS_BENCH := $(BUILD)/tests/bench/server/calls
$(CALLS_BENCH): $(CALLS_BENCH).o $(BUILD)/tests/bench/samples.o $(BUILD)/tests/unit/grpc_client.o $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter-out %.so,$^) -L$(BUILD) -lcri -lnghttp2 -Wl,-rpath,'$$ORIGIN/../../..' -o $@
.PHONY: bench-server
bench-server: deps-check
	@$(SUBMAKE) -j$$(nproc) all $(CALLS_BENCH)
	@/usr/bin/python3 tests/bench/server/run.py $(BUILD)
