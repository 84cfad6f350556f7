# cri-init and cri-sandbox: static, without a C library's start-up (lib/bare/start.c says why). They are compiled apart
# from the rest: not position independent, small, and never with a sanitizer, which needs the C library.

BARE_HELPERS := init sandbox
HELPERS := $(filter-out $(BARE_HELPERS),$(HELPERS))

# The linker takes of lib/base what they use; what those files use beside it, they need not find.
BARE_BASE := lib/base/fs.c lib/base/socket.c lib/base/text.c
BARE_LIBC := lib/bare/start.c lib/bare/string.c lib/bare/syscall.c
BARE_CFLAGS := -std=gnu11 -Os -g $(WARN) -fno-pic -fno-pie -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
	-fstack-protector-strong -D_GNU_SOURCE -Iinclude -Ilib -MMD -MP $(CFLAGS)
BARE_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,-z,noexecstack -Wl,--build-id=none $(LDFLAGS)

# Without a compiler, as before `make deps`, none is asked.
BARE_MACHINE := $(firstword $(subst -, ,$(shell command -v $(CC) >/dev/null && $(CC) -dumpmachine)))
ifneq ($(filter x86_64 aarch64,$(BARE_MACHINE)),)
BARE_LDFLAGS += -nostdlib -nostartfiles
ifeq ($(BARE_MACHINE),x86_64)
BARE_CFLAGS += -mstack-protector-guard=global
endif
else
BARE_CFLAGS += -D_FILE_OFFSET_BITS=64
BARE_LIBC :=
endif

bare_objects = $(patsubst %.c,$(BUILD)/bare/%.o,$(BARE_LIBC) $(BARE_BASE) $(wildcard lib/helpers/$(1)/*.c))

$(BUILD)/bare/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(BARE_CFLAGS) -c $< -o $@
$(BUILD)/bare/lib/bare/%.o: BARE_CFLAGS += -ffreestanding -fno-builtin

define bare_rule
$(HELPER_DIRECTORY)/cri-$(1): $(call bare_objects,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(BARE_LDFLAGS) $$^ -o $$@
endef
$(foreach h,$(BARE_HELPERS),$(if $(wildcard lib/helpers/$(h)/*.c),$(eval $(call bare_rule,$(h)))))

# Their parts, and their common start, in tests: with the C library and the sanitizers.
INIT_PARTS := $(patsubst %,$(BUILD)/lib/helpers/init/%.o,failure passwd process target)
$(BUILD)/tests/unit/test_passwd $(BUILD)/tests/unit/test_process $(BUILD)/tests/unit/test_target: $(INIT_PARTS)
$(BUILD)/tests/unit/test_channel: $(patsubst %,$(BUILD)/lib/helpers/init/%.o,channel failure)
UNIT_LIBS_test_channel := $(BUILD)/libcri-inner.a
$(BUILD)/tests/unit/test_helper: $(BUILD)/lib/helpers/helper.o
UNIT_LIBS_test_passwd := $(BUILD)/libcri-inner.a
UNIT_LIBS_test_target := $(BUILD)/libcri-inner.a
UNIT_LIBS_test_helper := $(BUILD)/libcri-inner.a
$(BUILD)/tests/unit/test_namespaces: | $(HELPER_DIRECTORY)/cri-sandbox
INIT_TESTS := $(patsubst %,$(BUILD)/tests/unit/test_init%,_process _mounts _privileges)
$(INIT_TESTS): $(BUILD)/tests/unit/init_player.o | $(HELPER_DIRECTORY)/cri-init
UNIT_LIBS_test_init_process := $(BUILD)/libcri-inner.a
UNIT_LIBS_test_init_mounts := $(BUILD)/libcri-inner.a
UNIT_LIBS_test_init_privileges := $(BUILD)/libcri-inner.a
