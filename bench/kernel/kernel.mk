# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# make bench-kernel: what the module costs, in a machine that counts
# instructions. bench/kernel/run has the variables.

#: KERNELS='6.1 6.12 newest'  the kernels of make bench-kernel
KERNELS ?=

## Measure

.PHONY: bench-kernel
bench-kernel: deps-bench-kernel ## the module's costs in instructions (KERNELS=, QUICK=1)
	$(Q)+$(MAKE) $(SUBMAKE) lib
	$(Q)+$(MAKE) $(SUBMAKE) OBSERVE=0 lib
	$(Q)O=$(O) B=$(B) CC='$(CC)' KERNELS='$(KERNELS)' bench/kernel/run
