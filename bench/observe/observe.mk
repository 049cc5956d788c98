# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# make bench-observe: what it costs that a loop can be seen. bench/observe/run
# has the variables.

.PHONY: bench-observe
bench-observe: deps-bench-kernel ## the cost of being observable, in instructions
	$(Q)+$(MAKE) $(SUBMAKE) lib
	$(Q)+$(MAKE) $(SUBMAKE) OBSERVE=0 lib
	$(Q)O=$(O) B=$(B) CC='$(CC)' bench/observe/run
