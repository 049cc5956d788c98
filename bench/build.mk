# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# build.mk: the benchmark's programs, called by bench/run from the top folder.
# A peer is built when its library is found; the others are named, with the
# package that brings them, in $(D)/missing. Programs lie in $(D) and are
# called EXPERIMENT_CONTENDER.
#
#   make -f bench/build.mk O=build B=build

O ?= build
B ?= $(O)
D := $(O)/bench
CXX ?= g++
GO ?= go
CARGO ?= cargo
CRATES ?= /usr/share/cargo/registry

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra
CPPFLAGS_BENCH := -D_GNU_SOURCE -Ibench -MMD -MP
HEADERS := bench/bench.h bench/build.mk

.DELETE_ON_ERROR:
all: programs

# $(call has,header,language): 1 if the compiler finds the header
has = $(shell printf '\043include <$(1)>\n' | $(CC) -E -x $(or $(2),c) - \
	-o /dev/null >/dev/null 2>&1 && echo 1)

programs :=
missing :=
# $(call contender,have,name,package,programs)
define contender
ifneq ($(1),)
programs += $(4)
else
missing += '$(2) needs $(3)'
endif
endef

have_uring := $(call has,liburing.h)
have_st := $(call has,st.h)
have_context := $(call has,boost/context/fiber.hpp,c++)
have_fiber := $(call has,boost/fiber/all.hpp,c++)
have_uv := $(call has,uv.h)
have_event := $(call has,event2/event.h)
have_go := $(shell command -v $(GO))
have_tokio := $(and $(shell command -v $(CARGO)),\
	$(wildcard $(CRATES)/tokio-[0-9]*))

programs += micro_ucontext echo_epoll echo_load
programs += micro_giambio echo_giambio sleepers_giambio idle_giambio
$(eval $(call contender,$(have_uring),liburing,liburing-dev,echo_uring))
$(eval $(call contender,$(have_st),State Threads,libst-dev,\
	micro_st echo_st sleepers_st))
$(eval $(call contender,$(have_context),Boost.Context,\
	libboost-context-dev and g++,micro_boost-context))
$(eval $(call contender,$(have_fiber),Boost.Fiber,\
	libboost-fiber-dev and g++,micro_boost-fiber))
$(eval $(call contender,$(have_uv),libuv,libuv1-dev,echo_libuv))
$(eval $(call contender,$(have_event),libevent,libevent-dev,echo_libevent))
$(eval $(call contender,$(have_go),Go,golang-go,\
	micro_go echo_go sleepers_go))
$(eval $(call contender,$(have_tokio),tokio,librust-tokio-dev and cargo,\
	micro_tokio echo_tokio sleepers_tokio))

programs := $(addprefix $(D)/,$(programs))

.PHONY: all programs
programs: $(programs) $(D)/missing

.PHONY: $(D)/missing
$(D)/missing: | $(D)
	@printf '%s\n' $(missing) >$@

$(D):
	@mkdir -p $@

# Static, as giambio is: a call through a procedure linkage table would count
# against some contenders only.
static = -Wl,-Bstatic $(1) -Wl,-Bdynamic
libs_micro_boost-context := $(call static,-lboost_context)
libs_micro_boost-fiber := $(call static,-lboost_fiber -lboost_context) -pthread
# its assembly does not say that it needs no executable stack
no_exec_stack := -Wl,-z,noexecstack
libs_micro_st := $(call static,-lst) $(no_exec_stack)
libs_echo_st := $(call static,-lst) $(no_exec_stack)
libs_sleepers_st := $(call static,-lst) $(no_exec_stack)
libs_echo_uring := $(call static,$(call static,-luring))
libs_echo_libuv := -luv
libs_echo_libevent := $(call static,-levent_core)

# What uses the library as its users do, but for the raw switch.
$(addprefix $(D)/,micro_giambio echo_giambio sleepers_giambio idle_giambio): \
$(D)/%_giambio: bench/%/giambio.c $(B)/libgiambio.a $(HEADERS) | $(D)
	@echo "  CC      $<"
	@$(CC) $(CPPFLAGS_BENCH) -Iinclude -Ilib -std=gnu11 $(WARN) $(CFLAGS) \
		$< -o $@ $(B)/libgiambio.a -pthread $(and $(have_uring),-luring)

# $(call rules,experiment): from bench/EXPERIMENT/CONTENDER.{c,cpp,go}. What Go
# and cargo would keep in the user's home, if there is one, stays here.
define rules
$(D)/$(1)_%: bench/$(1)/%.c $(HEADERS) | $(D)
	@echo "  CC      $$<"
	@$(CC) $(CPPFLAGS_BENCH) -std=gnu11 $(WARN) $(CFLAGS) $$< -o $$@ \
		$$(libs_$$(@F))
$(D)/$(1)_go: bench/$(1)/go.go | $(D)
	@echo "  GO      $$<"
	@GO111MODULE=off GOCACHE="$$$$(cd $(D) && pwd)/go" \
		$(GO) build -o $$@ $$<
endef
$(foreach e,micro echo sleepers,$(eval $(call rules,$(e))))

$(D)/micro_boost-%: bench/micro/boost_%.cpp $(HEADERS) | $(D)
	@echo "  CXX     $<"
	@$(CXX) $(CPPFLAGS_BENCH) -std=gnu++17 $(WARN) $(CFLAGS) $< -o $@ \
		$(libs_$(@F))

# cargo writes beside its manifest, so it gets a copy; the crates come from
# the packages, never from the network.
rust_sources := $(wildcard bench/rust/Cargo.toml bench/rust/src/*.rs \
	bench/rust/src/bin/*.rs)
rust_bins := $(D)/rust/target/release

$(rust_bins)/.built: $(rust_sources) | $(D)
	@echo "  CARGO   bench/rust"
	@mkdir -p $(D)/rust
	@cp -R bench/rust/Cargo.toml bench/rust/src $(D)/rust/
	@cd $(D)/rust && CARGO_HOME="$$PWD/home" \
		$(CARGO) build --quiet --release --offline \
		--config 'source.crates-io.replace-with="packaged"' \
		--config 'source.packaged.directory="$(CRATES)"'
	@touch $@

$(D)/micro_tokio $(D)/echo_tokio $(D)/sleepers_tokio: \
$(D)/%_tokio: $(rust_bins)/.built
	@cp $(rust_bins)/tokio_$* $@

-include $(wildcard $(D)/*.d)
