# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# giambio: `make help` lists the targets and the variables.
#
# This file names what can be made; scripts/*.mk say how:
#   config.mk   compiler, variant (one output folder each), flags
#   rules.mk    library, programs, tests, man pages
#   tools.mk    gmbstat and gmblat (in tools/)
#   install.mk  install, uninstall, dist
#   check.mk    style, tests, coverage; tests/suites.mk is the table of suites

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1.0
SOVERSION := 0

include scripts/config.mk

.PHONY: all demo check check-full check-style bench install uninstall dist \
	clean help

## Build

all: ## the library, the examples, the tools and the man pages (default)

include scripts/rules.mk
include tools/tools.mk
include scripts/install.mk
include scripts/check.mk
-include tests/vm/vm.mk
-include packaging/packaging.mk

all: lib examples tools man

## Try

demo: deps-demo ## an echo server with many tasks at work
	$(Q)+$(MAKE) $(SUBMAKE) all
	$(Q)B=$(B) sh tests/demo.sh

bench: deps-bench ## the benchmark beside its peers (QUICK=1, FULL=1)
	$(Q)+$(MAKE) $(SUBMAKE) all
	$(Q)+$(MAKE) $(SUBMAKE) OBSERVE=0 lib
	$(Q)O=$(O) B=$(B) CC='$(CC)' bench/run

-include bench/kernel/kernel.mk bench/observe/observe.mk

## Tidy

clean: ## remove everything that was built
	$(Q)rm -rf $(O)

help: ## this list
	@awk -f scripts/help.awk $(MAKEFILE_LIST)
