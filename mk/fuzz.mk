# Fuzz targets, tests/fuzz/fuzz_X.c. Their corpora, tests/fuzz/corpus/X, are replayed by make check, each target linked
# with a plain main. make fuzz runs libFuzzer on each for FUZZ_SECONDS, from there and from what earlier runs found
# (build-fuzz/corpus).

FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYS := $(FUZZERS:$(BUILD)/tests/fuzz/fuzz_%=$(BUILD)/tests/replay/test_%)

$(FUZZERS:%=%.o): CFLAGS_ALL += -Icri-server -I$(SERVER_BUILD) -Ulinux
$(FUZZERS:%=%.o): | $(PROTO_HEADERS)
$(BUILD)/tests/fuzz/replay.o: CFLAGS_ALL += -DCORPUS_DIRECTORY='"$(abspath tests/fuzz/corpus)"'

# Sources of helpers, which are in no library, and what those need.
FUZZ_PARTS_passwd := $(INIT_PARTS)
FUZZ_PARTS_process_record := $(INIT_PARTS)
FUZZ_PARTS_challenge := $(BUILD)/lib/helpers/fetch/challenge.o
FUZZ_PARTS_inflate := $(patsubst %,$(BUILD)/lib/helpers/fetch/%.o,gzip inflate source zstd)
FUZZ_LIBS_inflate := -lisal -lzstd -lz
FUZZ_PARTS_layer := $(patsubst %,$(BUILD)/lib/helpers/unpack/%.o,data entry paths tar tree)
FUZZ_LIBS_layer := -l:libarchive.a
FUZZ_PARTS_cni_result := $(patsubst %,$(BUILD)/lib/helpers/network/%.o,address failure result)

define fuzz_rules
$(BUILD)/tests/fuzz/fuzz_$(1): $(BUILD)/tests/fuzz/fuzz_$(1).o $(FUZZ_PARTS_$(1)) $(BUILD)/cri-server-inner.a \
		$(BUILD)/libcri-inner.a
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -fsanitize=fuzzer $$^ $(FUZZ_LIBS_$(1)) $$(LIBRARY_LIBS) $$(SERVER_LIBS) -o $$@
$(BUILD)/tests/replay/test_$(1): $(BUILD)/tests/fuzz/fuzz_$(1).o $(BUILD)/tests/fuzz/replay.o $(FUZZ_PARTS_$(1)) \
		$(BUILD)/cri-server-inner.a $(BUILD)/libcri-inner.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$^ $(FUZZ_LIBS_$(1)) $$(LIBRARY_LIBS) $$(SERVER_LIBS) -o $$@
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rules,$(f:$(BUILD)/tests/fuzz/fuzz_%=%))))

.PHONY: replay-tests check-replay fuzz fuzzers run-fuzzers
replay-tests: $(REPLAYS)
check-replay: replay-tests
	@tests/run.sh $(BUILD) replay

# clang takes a variable that is only there to be cleaned up for unused.
FUZZ_BUILD := BUILD=build-fuzz CC=clang OPTIMISE='-O1 -g' CFLAGS=-Wno-unused-variable \
	SANITISE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'

fuzzers: $(FUZZERS)
run-fuzzers: fuzzers
	@for fuzzer in $(FUZZERS); do \
		name=$${fuzzer##*/fuzz_}; \
		echo "$$name"; \
		mkdir -p $(BUILD)/corpus/$$name; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -artifact_prefix=$(BUILD)/ \
			$(BUILD)/corpus/$$name $$(ls -d tests/fuzz/corpus/$$name 2>/dev/null) || exit 1; \
	done
fuzz: deps-check
	@$(SUBMAKE) -j$$(nproc) $(FUZZ_BUILD) fuzzers
	@$(SUBMAKE) $(FUZZ_BUILD) run-fuzzers
