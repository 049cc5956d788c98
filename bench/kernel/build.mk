# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# bench/kernel/build.mk: the programs of make bench-kernel, called by
# bench/kernel/run from the top folder. They lie in $(K); the echo servers are
# those of bench/echo.
#
#   make -f bench/kernel/build.mk O=build B=build

O ?= build
K := $(O)/bench/kernel

.PHONY: kernel
kernel:

include bench/build.mk

kernel_programs := $(addprefix $(K)/,waves echo_trap wakes_giambio \
	pairs_giambio slack memory $(and $(have_uring),wakes_bare pairs_bare))
kernel: $(kernel_programs) $(D)/echo_epoll $(D)/echo_giambio $(D)/observe/lease \
	$(and $(have_uring),$(D)/echo_uring)

$(K):
	@mkdir -p $@

kernel_cc = @echo "  CC      $(firstword $(filter %.c,$^))"; \
	$(CC) $(CPPFLAGS_BENCH) -Iinclude -Iinclude/uapi -std=gnu11 $(WARN) \
	$(CFLAGS) $(filter %.c,$^) -o $@

$(addprefix $(K)/,waves slack memory echo_trap): \
$(K)/%: bench/kernel/%.c bench/kernel/count.c $(HEADERS) | $(K)
	$(kernel_cc) -pthread

$(addprefix $(K)/,wakes_bare pairs_bare): \
$(K)/%_bare: bench/kernel/%.c bench/kernel/%_bare.c bench/kernel/count.c \
$(HEADERS) | $(K)
	$(kernel_cc) -pthread $(call static,-luring)

$(addprefix $(K)/,wakes_giambio pairs_giambio): \
$(K)/%_giambio: bench/kernel/%.c bench/kernel/%_giambio.c \
bench/kernel/count.c $(B)/libgiambio.a $(HEADERS) | $(K)
	$(kernel_cc) $(B)/libgiambio.a -pthread $(and $(have_uring),-luring)

# The observer of bench/observe and of the experiment "observe".
$(D)/observe/lease: bench/observe/lease.c tests/kselftest/nl.c $(HEADERS)
	@mkdir -p $(@D)
	$(kernel_cc)

-include $(wildcard $(K)/*.d)
