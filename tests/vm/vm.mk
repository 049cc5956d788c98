# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The kernel module and the machines it is tried in.

#: KDIR=DIR  the kernel headers that make module builds against
#: KVER=RELEASE  the kernel that make install-module is for: that of KDIR
# Either follows from the other; without both it is the running kernel.
ifneq ($(strip $(KDIR)),)
KVER ?= $(or $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"$$/\1/p' \
	'$(KDIR)/include/generated/utsrelease.h' 2>/dev/null),$(shell uname -r))
else
KVER ?= $(shell uname -r)
override KDIR = /lib/modules/$(KVER)/build
endif
#: KERNEL=6.1  the kernel of make vm, module-vm, check-kernel: 6.1, 6.12, newest
KERNEL ?= 6.1
#: TIME=600  how long make fuzz-kernel goes on, in seconds
TIME ?= 600
module_file := $(O)/kmod/host/kmod/giambio.ko
vm_module := $(O)/kmod/$(KERNEL)/kmod/giambio.ko

.PHONY: module module-vm vm check-kernel check-kernel-debug debug-kernels
.PHONY: fuzz-kernel kasan-kernel

## The kernel module

module: ## giambio.ko for the running kernel (or KDIR=)
	$(call say,MODULE,$(module_file))
	$(Q)tests/vm/module.sh -o $(O)/kmod/host '$(KDIR)' >/dev/null

module-vm: ## giambio.ko for a kernel to try it in (KERNEL=)
	$(call say,MODULE,$(vm_module))
	$(Q)tests/vm/module.sh -o $(O)/kmod/$(KERNEL) '$(KERNEL)' >/dev/null

vm: deps-vm ## a shell in a machine with the module, tools and examples
	$(Q)+$(MAKE) $(SUBMAKE) all module-vm
	$(Q)B='$(B)' tests/vm/shell.sh '$(KERNEL)' '$(vm_module)'

kernel_suites := $(O)/tests/kernel-suites

check-kernel: deps-check-kernel ## the module's and the library's tests, in a machine (KERNEL=)
	$(Q)mkdir -p $(O)/tests
	$(Q)printf 'kernel|%s|plain|5400|%s\n' \
		'kernel.$(KERNEL)' 'bash tests/vm/kernel.sh $(KERNEL)' \
		>$(kernel_suites)
	$(Q)+$(subst $(O)/tests/suites,$(kernel_suites),$(runner)) kernel

# The debug kernels are built first, so that no suite's time limit counts it.
check-full: debug-kernels

debug-kernels: deps-check-kernel-debug
	$(Q)tests/vm/debug-kernel.sh get kasan kcsan || [ $$? = 77 ]

# The one of them that the fuzzer needs.
kasan-kernel: deps-check-kernel-debug
	$(Q)tests/vm/debug-kernel.sh get kasan || [ $$? = 77 ]

debug_suites := $(O)/tests/debug-suites

check-kernel-debug: debug-kernels ## the same on kernels with KASAN and KCSAN, and broken modules
	$(Q)mkdir -p $(O)/tests
	$(Q)printf 'debug|%s|plain|7200|%s\n' \
		kernel.kasan 'bash tests/vm/kernel.sh kasan' \
		kernel.kcsan 'bash tests/vm/kernel.sh kcsan' \
		kernel.broken 'bash tests/vm/broken.sh' \
		kernel.fuzz 'bash tests/fuzz/machine.sh kasan 1000000' \
		kernel.fuzz.kcsan 'bash tests/fuzz/machine.sh kcsan 300000' \
		>$(debug_suites)
	$(Q)+$(subst $(O)/tests/suites,$(debug_suites),$(runner)) debug

fuzz-kernel: kasan-kernel ## random operations on the module, for so long (TIME=)
	$(Q)O='$(O)' tests/fuzz/machine.sh -t '$(TIME)' kasan
