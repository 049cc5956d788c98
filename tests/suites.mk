# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# The suites that `make check` and `make check-full` run, in this order:
# LIST, NAME, VARIANT (see tests/variants), SECONDS until a hang is ended,
# COMMAND, which prints TAP. @B@ is where the variant was built.
#
# To add one: a unit test needs no row (tests/unit/test_<unit>.c is found), nor
# does a program tests/stress/<name>.c or a script tests/<folder>/check.sh or
# tests/<folder>/full.sh. Anything else gets a row here.

with := sh tests/with-backend

# An emulated machine is some thirty times slower. It runs the suites of what
# depends on the machine (stacks, switches, clocks) and of what tasks do with
# each other; not those of the limits of the host's own calls (epoll, uring,
# file, connect, serve, overflow), nor crowds of threads (mailbox, thread).
aarch64_suites := coro registers mem stack timer task manager scope run event lock \
	condition semaphore barrier queue channel select socket reader

# So is Valgrind, for which memory is what counts: a suite of each layer. It
# refuses the lengths and keeps the descriptors that the suites socket and file
# try, and serve, too; reader stands on the same.
valgrind_suites := coro mem timer task manager scope run event lock queue \
	channel select connect reader

$(call suite,check,style,plain,600,sh scripts/style.sh)

ifneq ($(unit_sources),)
$(call suite,check,unit.epoll,plain,600,$(with) epoll @B@/tests/unit/unit)
$(call suite,check,unit.uring,plain,600,$(with) uring @B@/tests/unit/unit)
$(call suite,check,unit.asan.epoll,asan,900,CK_TIMEOUT_MULTIPLIER=5 $(with) epoll @B@/tests/unit/unit)
$(call suite,check,unit.asan.uring,asan,900,CK_TIMEOUT_MULTIPLIER=5 $(with) uring @B@/tests/unit/unit)
$(call suite,check-full,unit.tsan,tsan,1200,CK_TIMEOUT_MULTIPLIER=10 $(with) epoll @B@/tests/unit/unit)
$(call suite,check-full,unit.tsan.uring,tsan,1200,CK_TIMEOUT_MULTIPLIER=10 $(with) uring @B@/tests/unit/unit)
$(call suite,check-full,unit.clang,clang,600,$(with) epoll @B@/tests/unit/unit)
$(call suite,check-full,unit.ucontext,ucontext,600,$(with) epoll @B@/tests/unit/unit)
$(call suite,check-full,unit.valgrind,ucontext,2400,CK_TIMEOUT_MULTIPLIER=30 $(with) epoll sh tests/valgrind.sh @B@/tests/unit/unit $(valgrind_suites))
$(call suite,check-full,unit.aarch64,aarch64,1800,CK_TIMEOUT_MULTIPLIER=20 $(with) epoll qemu-aarch64-static @B@/tests/unit/unit $(aarch64_suites))
$(call suite,check-full,coverage,coverage,1800,sh scripts/coverage.sh @B@)
endif

stress_names := $(patsubst tests/stress/%.c,%,$(wildcard tests/stress/*.c))
define stress_suites
$(call suite,check,stress.$(1).epoll,plain,600,$(with) epoll @B@/tests/stress/$(1))
$(call suite,check,stress.$(1).uring,plain,600,$(with) uring @B@/tests/stress/$(1))
$(call suite,check,stress.$(1).asan,asan,600,$(with) uring @B@/tests/stress/$(1))
$(call suite,check-full,stress.$(1).asan.epoll,asan,1200,$(with) epoll @B@/tests/stress/$(1))
$(call suite,check-full,stress.$(1).long.epoll,plain,1200,$(with) epoll @B@/tests/stress/$(1))
$(call suite,check-full,stress.$(1).long.uring,plain,1200,$(with) uring @B@/tests/stress/$(1))
$(call suite,check-full,stress.$(1).tsan,tsan,1200,$(with) epoll @B@/tests/stress/$(1))
$(call suite,check-full,stress.$(1).tsan.uring,tsan,1200,$(with) uring @B@/tests/stress/$(1))
endef
$(foreach s,$(stress_names),$(eval $(call stress_suites,$(s))))

$(foreach s,$(wildcard tests/*/check.sh),$(call suite,check,$(notdir \
	$(patsubst %/,%,$(dir $(s)))),plain,900,bash $(s)))
$(foreach s,$(wildcard tests/*/full.sh),$(call suite,check-full,$(notdir \
	$(patsubst %/,%,$(dir $(s)))).full,plain,1800,bash $(s)))

# The module in a machine of its own (see tests/vm/kernel.sh): its tests, and the
# library's on it, on the oldest kernel in check, on the others in check-full.
# Of what make check-kernel-debug does, check-full leaves out what runs on the
# kernel that looks for races beside the module's own tests; the debug kernels
# are built before (see tests/vm/vm.mk).
$(call suite,check,kernel.6.1,plain,2400,bash tests/vm/kernel.sh 6.1)
$(call suite,check-full,kernel.kasan,plain,5400,bash tests/vm/kernel.sh kasan)
$(call suite,check-full,kernel.broken,plain,3600,bash tests/vm/broken.sh)
$(call suite,check-full,kernel.kcsan,plain,3600,bash tests/vm/kernel.sh kcsan selftests)
$(call suite,check-full,kernel.6.12,plain,3600,bash tests/vm/kernel.sh 6.12)
$(call suite,check-full,kernel.newest,plain,3600,bash tests/vm/kernel.sh newest)
$(call suite,check-full,kernel.tracers,plain,1200,bash tests/vm/tracers.sh 6.1)
$(call suite,check-full,kernel.tree,plain,600,bash tests/vm/dropin.sh @B@/vm/dropin)

# Random operations, on the kernel that finds bad memory; make fuzz-kernel goes
# on for longer.
$(call suite,check-full,kernel.fuzz,plain,3600,bash tests/fuzz/machine.sh kasan 1000000)
