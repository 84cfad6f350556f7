# libcri: `make demo` shows it, `make check` proves it. Everything is built below $(BUILD).

BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec
INCLUDEDIR ?= $(PREFIX)/include

VERSION := $(shell sed -n 's/^\#define CRI_VERSION "\(.*\)"/\1/p' include/libcri/engine.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

CC ?= gcc
OPTIMISE ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wno-override-init
CFLAGS_ALL = -std=gnu11 $(OPTIMISE) $(WARN) -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections \
	-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLIBCRI_HELPER_DIRECTORY='"$(LIBEXECDIR)/libcri"' \
	-Iinclude -Ilib -MMD -MP $(SANITISE) $(CFLAGS)
LDFLAGS_ALL = -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now $(SANITISE) $(LDFLAGS)

LIBRARY_DIRECTORIES := base core config store cgroup image network runtime sandbox container stream
LIBRARY_SOURCES := $(foreach d,$(LIBRARY_DIRECTORIES),$(wildcard lib/$(d)/*.c))
LIBRARY_OBJECTS := $(LIBRARY_SOURCES:%.c=$(BUILD)/%.o)
LIBRARY_LIBS := -lsqlite3 -lcjson -lpthread

HELPERS := $(patsubst lib/helpers/%/,%,$(wildcard lib/helpers/*/))
HELPERS := $(foreach h,$(HELPERS),$(if $(wildcard lib/helpers/$(h)/*.c),$(h)))
HELPER_DIRECTORY := $(BUILD)/libexec/libcri
HELPER_PROGRAMS := $(HELPERS:%=$(HELPER_DIRECTORY)/cri-%)

# What each helper is linked with beside lib/base. cri-init and cri-sandbox are apart: mk/bare.mk.
# liblxc is to find the shim's syscall() and recvmsg(): lib/helpers/shim/birth.h, early_death.h.
HELPER_LIBS_shim := -lcjson -ldl -Wl,--export-dynamic-symbol=syscall -Wl,--export-dynamic-symbol=recvmsg
# libcurl is loaded when it is needed.
HELPER_LIBS_fetch := -lcrypto -lisal -lzstd -lcjson -lpthread -ldl
HELPER_LIBS_unpack := -l:libarchive.a
HELPER_LIBS_pack := -l:libarchive.a

# make V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.PHONY: all clean

all: $(BUILD)/libcri.so $(BUILD)/libcri.a helpers examples

include mk/deps.mk mk/check.mk mk/lint.mk mk/install.mk mk/bare.mk mk/server.mk mk/vm.mk mk/net.mk mk/fuzz.mk mk/images.mk

# The one file that knows where the helpers are installed is made anew when that changes.
HELPER_STAMP := $(BUILD)/helper-directory
.PHONY: force
$(HELPER_STAMP): force
	@mkdir -p $(@D)
	@echo '$(LIBEXECDIR)/libcri' | cmp -s - $@ || echo '$(LIBEXECDIR)/libcri' >$@
$(BUILD)/lib/core/options.o: $(HELPER_STAMP)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

$(BUILD)/libcri.so: $(LIBRARY_OBJECTS) lib/libcri.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libcri.so.$(SOVERSION) -Wl,--version-script=lib/libcri.map -Wl,-z,defs $(LDFLAGS_ALL) \
		$(LIBRARY_OBJECTS) $(LIBRARY_LIBS) -o $@
	@ln -sf libcri.so $(BUILD)/libcri.so.$(SOVERSION)

# The static library keeps the shared one's promise: one object, of which only the public symbols are global.
$(BUILD)/libcri.a: $(LIBRARY_OBJECTS)
	@rm -f $@ $(BUILD)/libcri-all.o
	$(call say,AR,$@)
	$(Q)$(LD) -r $(LIBRARY_OBJECTS) -o $(BUILD)/libcri-all.o
	$(Q)objcopy --wildcard --keep-global-symbol='cri_*' $(BUILD)/libcri-all.o
	$(Q)$(AR) rcs $@ $(BUILD)/libcri-all.o

# Everything with its inner symbols: for the helpers and the unit tests. The linker takes what it needs.
$(BUILD)/libcri-inner.a: $(LIBRARY_OBJECTS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIBRARY_OBJECTS)

.PHONY: helpers examples
helpers: $(HELPER_PROGRAMS)

HELPER_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/helpers/*.c))
define helper_rule
$(HELPER_DIRECTORY)/cri-$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/helpers/$(1)/*.c)) $(HELPER_COMMON) $(BUILD)/libcri-inner.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$^ $$(HELPER_LIBS_$(1)) -o $$@
endef
$(foreach h,$(HELPERS),$(eval $(call helper_rule,$(h))))

EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c))
examples: $(EXAMPLES)
$(BUILD)/examples/%: examples/%.c $(BUILD)/libcri.so
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=c11 $(OPTIMISE) $(WARN) -D_GNU_SOURCE -Iinclude $(SANITISE) $< -L$(BUILD) -lcri -Wl,-rpath,'$$ORIGIN/..' -o $@

# One program a test file; unit tests need no root and link the inner symbols, integration tests the library itself.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
INTEGRATION_TESTS := $(patsubst tests/integration/%.c,$(BUILD)/tests/integration/%,$(wildcard tests/integration/test_*.c))
TEST_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/integration/test_*.c),$(wildcard tests/integration/*.c)))

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libcri-inner.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(LIBRARY_LIBS) $(UNIT_LIBS_$*) -lcmocka -o $@
# Parts of cri-fetch and cri-shim in tests.
$(BUILD)/tests/unit/test_challenge: $(patsubst %,$(BUILD)/lib/helpers/fetch/%.o,challenge date)
$(BUILD)/tests/unit/test_shim_log: $(BUILD)/lib/helpers/shim/log.o $(BUILD)/lib/helpers/shim/failure.o
UNIT_LIBS_test_shim_log := $(BUILD)/libcri-inner.a
$(BUILD)/tests/unit/test_early_death: $(BUILD)/lib/helpers/shim/early_death.o
$(BUILD)/tests/unit/test_shim_filter: $(patsubst %,$(BUILD)/lib/helpers/shim/%.o,filter filter_default filter_profile failure)
UNIT_LIBS_test_shim_filter := $(BUILD)/libcri-inner.a
$(BUILD)/tests/unit/test_shim_kill: $(BUILD)/lib/helpers/shim/kill.o
UNIT_LIBS_test_shim_kill := $(BUILD)/libcri-inner.a

$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o $(TEST_COMMON) $(BUILD)/libcri.so
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(BUILD)/tests/integration/$*.o $(TEST_COMMON) -L$(BUILD) -lcri $(LIBRARY_LIBS) \
		-lcmocka -Wl,-rpath,'$$ORIGIN/../..' -o $@

# Survival tests kill their own process at points inside the library (core/test_point.h), so they link its inner symbols.
SURVIVAL_TESTS := $(patsubst tests/survival/%.c,$(BUILD)/tests/survival/%,$(wildcard tests/survival/test_*.c))
$(BUILD)/tests/survival/%.o: CFLAGS += -Itests/integration
$(BUILD)/tests/survival/%: $(BUILD)/tests/survival/%.o $(TEST_COMMON) $(BUILD)/libcri-inner.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(LIBRARY_LIBS) -lcmocka -o $@

.PHONY: unit-tests integration-tests survival-tests
.PRECIOUS: $(BUILD)/%.o
unit-tests: $(UNIT_TESTS)
integration-tests: $(INTEGRATION_TESTS) helpers examples
survival-tests: $(SURVIVAL_TESTS) helpers

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
