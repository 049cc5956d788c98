# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The compiler, the variant and the flags. Every variant (sanitizer, compiler,
# architecture …) has an output folder of its own, $(B), so that building one
# never makes another stale.

#: O=build  where everything is built; nothing is written beside the sources
O ?= build
#: V=1  show the commands
ifeq ($(V),1)
Q :=
say =
else
Q := @
say = $(if $(silent),,@printf '  %-8s%s\n' '$(1)' '$(2)')
silent := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
SUBMAKE := --no-print-directory
endif

#: CC=clang  the compiler (default gcc)
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
ifeq ($(origin AR),default)
AR := ar
endif

# An empty variant is the plain build in $(O) itself.
variant :=

#: OBSERVE=0  without what others can see of a loop, to measure what it costs
# (a folder in that of the variant: bench/run looks for both)
ifeq ($(OBSERVE),0)
CPPFLAGS_LOCAL += -DGMB_NO_OBSERVE
STATIC_ONLY := 1
endif

#: CROSS=aarch64  build for another architecture, run under qemu-user
ifneq ($(CROSS),)
CC := $(CROSS)-linux-gnu-gcc
CXX := $(CROSS)-linux-gnu-g++
AR := $(CROSS)-linux-gnu-ar
variant += $(CROSS)
LDFLAGS_PROGRAM := -static
endif

ifneq ($(findstring clang,$(CC)),)
variant += clang
endif

#: SANITIZE=LIST  address,undefined or thread: build with sanitizers
comma := ,
ifneq ($(SANITIZE),)
ifneq ($(findstring address,$(SANITIZE)),)
variant += asan
else
variant += $(subst $(comma),-,$(SANITIZE:thread=tsan))
endif
CFLAGS_VARIANT += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
CFLAGS_VARIANT += -fno-omit-frame-pointer
LDFLAGS_VARIANT += -fsanitize=$(SANITIZE)
STATIC_ONLY := 1
endif

#: COVERAGE=1  count executed lines (see make test T=coverage)
ifeq ($(COVERAGE),1)
variant += coverage
OPT := -O1 -g
CFLAGS_VARIANT += --coverage -fprofile-update=atomic
LDFLAGS_VARIANT += --coverage
STATIC_ONLY := 1
endif

#: UCONTEXT=1  switch tasks by swapcontext (portable; for Valgrind)
ifeq ($(UCONTEXT),1)
variant += ucontext
CPPFLAGS_LOCAL += -DGMB_UCONTEXT
STATIC_ONLY := 1
endif

#: URING=0  leave io_uring out although liburing is there
ifeq ($(URING),0)
variant += nouring
endif

#: LTO=0  do not optimise the library across its files
# On by default where it is known to work: gcc, and no tool that instruments.
ifeq ($(LTO),0)
variant += nolto
else ifeq ($(strip $(variant)$(CROSS)),)
LIB_LTO := -flto=2
endif

empty :=
space := $(empty) $(empty)
variant := $(subst $(space),-,$(strip $(variant)))
B := $(O)$(if $(variant),/$(variant))$(if $(filter 0,$(OBSERVE)),/noobserve)

#: CFLAGS='-O2 -g'  optimisation and debugging
OPT ?= -O2 -g
CFLAGS ?= $(OPT)
#: WERROR=1  warnings are errors (the checks set it)
ifeq ($(WERROR),1)
CFLAGS_VARIANT += -Werror
endif

CPPFLAGS_LOCAL += -Iinclude -Ilib -D_GNU_SOURCE -DGMB_VERSION='"$(VERSION)"'
CFLAGS_LOCAL := -std=gnu11 -Wall -Wextra -Wstrict-prototypes \
	-Wmissing-prototypes -Wshadow -Wundef -Wwrite-strings \
	-fvisibility=hidden -fno-strict-aliasing -fno-plt \
	-ftls-model=initial-exec -pthread
CFLAGS_SHARED := -fPIC -fno-semantic-interposition
CFLAGS_STATIC := -fPIE
LDFLAGS_PROGRAM ?= -pie
LIBS_LOCAL := -pthread

# Probing costs a few ms of compiling, so only where something is compiled.
# What installs packages first builds in a make of its own, which sees them.
building := $(if $(MAKECMDGOALS),$(filter-out clean help deps-% uninstall folder \
	check check-% test demo vm bench bench-kernel bench-observe dist map, \
	$(MAKECMDGOALS)),all)

ifneq ($(building),)
ifeq ($(shell command -v $(firstword $(CC))),)
$(error $(CC) is missing: run scripts/deps.sh build, or name your compiler \
	with CC=)
endif
# Some distributions turn shadow stacks on, which no switch of stacks survives:
# by the compiler's default, or by CFLAGS (dpkg-buildflags), so this comes last.
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
CFLAGS_VARIANT += -fcf-protection=branch
endif
ifneq ($(URING),0)
have_uring := $(shell printf '\043include <liburing.h>\nint main(void){%s}' \
	'return IORING_SETUP_DEFER_TASKRUN == 0;' | \
	$(CC) $(CPPFLAGS) -x c - -o /dev/null -luring >/dev/null 2>&1 \
	&& echo 1)
endif
ifeq ($(have_uring),1)
CPPFLAGS_LOCAL += -DGMB_HAVE_URING
LIBS_LOCAL += -luring
endif
endif

compile_flags = $(CPPFLAGS_LOCAL) $(CPPFLAGS) $(CFLAGS_LOCAL) $(CFLAGS) \
	$(CFLAGS_VARIANT)
link_flags = $(CFLAGS) $(CFLAGS_VARIANT) $(LDFLAGS_VARIANT) $(LDFLAGS)

# Changed flags rebuild: the objects depend on a file that holds the flags and
# is rewritten only when they differ.
flags_now := $(CC) $(filter-out -Werror,$(compile_flags) $(link_flags)) \
	$(LIBS_LOCAL) $(LIBS)
ifneq ($(building),)
ifneq ($(file <$(B)/.flags),$(flags_now))
$(shell mkdir -p $(B))
$(file >$(B)/.flags,$(flags_now))
endif
endif

# Only when it is gone by now, as in `make clean all`.
$(B)/.flags:
	$(shell mkdir -p $(@D))$(file >$@,$(flags_now))
	@:
