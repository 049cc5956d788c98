# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Checks: the table tests/suites.mk says what is run, tests/run runs it. The
# runner builds each variant that a suite needs, so these targets build nothing
# themselves.

# $(call suite,LISTS,NAME,VARIANT,SECONDS,COMMAND): one row of the table. @B@ in
# the command is the output folder of the variant; SECONDS only end a hang.
define newline


endef
bar := |
suite_table :=
suite = $(eval suite_table += $(1)$(bar)$(2)$(bar)$(3)$(bar)$(4)$(bar)$(5)^^)

include tests/suites.mk

$(O)/tests/suites: force
	$(shell mkdir -p $(@D))$(file >$@,$(subst ^^,$(newline),$(suite_table)))
	@:

runner = O='$(O)' MAKE='$(MAKE)' CC='$(CC)' CXX='$(CXX)' VERSION='$(VERSION)' \
	bash tests/run $(O)/tests/suites

.PHONY: test map

# Phony targets get no implicit rule: so each is named.
deps_targets := $(addprefix deps-,demo bench check check-full check-style \
	check-kernel check-kernel-debug bench-kernel vm)
.PHONY: $(deps_targets)
$(deps_targets): deps-%:
	$(Q)sh scripts/deps.sh $*

## Check

check: deps-check $(O)/tests/suites ## all tests: about ten minutes
	$(Q)+$(runner) check

check-full: deps-check-full $(O)/tests/suites ## what check leaves out: sanitizers, other machines
	$(Q)+$(runner) check-full

#: T=NAME  the suite that make test runs; without it the names are listed
test: $(O)/tests/suites ## one suite of check or check-full (T=NAME)
	$(Q)+$(runner) $(if $(T),only '$(T)',list)

check-style: deps-check-style ## licences, kernel style, layers, documentation
	$(Q)+$(MAKE) $(SUBMAKE) lib man
	$(Q)O=$(O) CC='$(CC)' CXX='$(CXX)' sh scripts/style.sh

map: ## write lib/libgiambio.map anew from the public headers
	$(Q)sh scripts/map.sh $(headers) >lib/libgiambio.map.new
	$(Q)mv lib/libgiambio.map.new lib/libgiambio.map
