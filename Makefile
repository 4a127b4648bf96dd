# SPDX-License-Identifier: Apache-2.0
# The front door. Meson and ninja build; everything here is safe to repeat.
#
#   make            release program, build/myelin       make install    PREFIX, DESTDIR,
#   make run        install what is missing, start it                   NATS_SERVER_SYMLINK=1
#   make test       every test                          make tidy       style checks
#   make bench      against nats-server; BENCH_FLAGS='--cases pub16,fan1x128' for some
#   make bench-js   JetStream alone; BENCH_JS_FLAGS     make fuzz       FUZZ_SECONDS per target
#   make torture    TORTURE_SECONDS, TORTURE_FLAGS
#   make asan ubsan tsan   tests under a sanitizer      make client-suites   the clients' own tests;
#                                                       NATS_py=DIR NATS_js=DIR NATS_c=DIR
#   make clean

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all
.PHONY: all run test torture bench bench-js fuzz asan ubsan tsan tidy install client-suites clean \
        build-test deps-build

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600
TORTURE_SECONDS ?= 300
RUN_FLAGS ?= -p 4222 -m 8222

RELEASE = -Dbuildtype=release -Db_lto=true -Dtests=false
TESTS = -Dbuildtype=release -Dtests=true
SANITIZED = -Dbuildtype=debugoptimized -Dtests=true

# $(call compiled,FOLDER,FLAGS): configured with these flags, or made anew; and up to date.
compiled = if [ "$$(cat $(1)/flags 2>/dev/null)" != "$(2)" ]; then \
    rm -rf $(1) && mkdir -p $(1) && \
    if ! meson setup $(1) $(2) >$(1)/setup.log 2>&1; then \
        tail -n 20 $(1)/setup.log; echo "tools/deps build installs what is missing"; exit 1; fi; \
    echo "$(2)" >$(1)/flags; fi; \
    if ! ninja --quiet -C $(1) >$(1)/ninja.log 2>&1; then cat $(1)/ninja.log; exit 1; fi

# $(call sanitized,NAME,VALUE): the whole suite with instrumented programs.
sanitized = tools/deps test && { $(call compiled,build-$(1),$(SANITIZED) -Db_sanitize=$(2)); } && \
    tools/test_all --sanitizer $(1) --server build-$(1)/myelin --build build-$(1)

all:
	@$(call compiled,$(BUILD),$(RELEASE))

deps-build:
	@tools/deps build

run: deps-build
	@$(MAKE) all
	@exec $(BUILD)/myelin $(RUN_FLAGS)

build-test:
	@$(call compiled,build-test,$(TESTS))

test:
	@tools/deps test
	@$(MAKE) all build-test
	@tools/test_all --server $(BUILD)/myelin --build build-test

torture:
	@tools/deps test
	@$(MAKE) all
	@python3 test/torture/torture.py --server $(BUILD)/myelin --seconds $(TORTURE_SECONDS) \
	    --damages 200 $(TORTURE_FLAGS)

tidy: build-test
	@tools/tidy --build build-test

asan:
	@$(call sanitized,asan,address)

ubsan:
	@$(call sanitized,ubsan,undefined)

tsan:
	@$(call sanitized,tsan,thread)

bench:
	@tools/deps bench
	@$(MAKE) all
	@PATH="$(CURDIR)/.cache/tools/bin:$$PATH" python3 bench/run.py $(BENCH_FLAGS)
	@$(MAKE) bench-js

bench-js:
	@tools/deps bench
	@$(MAKE) all
	@PATH="$(CURDIR)/.cache/tools/bin:$$PATH" python3 bench/js.py $(BENCH_JS_FLAGS)

client-suites:
	@tools/deps test
	@$(MAKE) all
	@PATH="$(CURDIR)/.cache/tools/bin:$$PATH" python3 test/compat/suites.py \
	    --server $(BUILD)/myelin $(foreach c,py js c,$(if $(NATS_$c),--nats-$c $(NATS_$c)))

fuzz:
	@tools/deps fuzz
	@tools/fuzz_long $(FUZZ_SECONDS) $(FUZZ_TARGETS)

install: all
	@install -d "$(DESTDIR)$(PREFIX)/sbin" "$(DESTDIR)$(PREFIX)/share/man/man8" \
	    "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	@install -s -m 755 $(BUILD)/myelin "$(DESTDIR)$(PREFIX)/sbin/myelin"
	@install -m 644 $(BUILD)/tools/myelin.8 "$(DESTDIR)$(PREFIX)/share/man/man8/myelin.8"
	@sed 's|@SBINDIR@|$(PREFIX)/sbin|' packaging/myelin.service.in \
	    >"$(DESTDIR)$(PREFIX)/lib/systemd/system/myelin.service"
	@chmod 644 "$(DESTDIR)$(PREFIX)/lib/systemd/system/myelin.service"
	@if [ "$(NATS_SERVER_SYMLINK)" = 1 ]; then \
	    ln -sf myelin "$(DESTDIR)$(PREFIX)/sbin/nats-server"; fi

clean:
	@rm -rf build build-* .cache/fuzz
