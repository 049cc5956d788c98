# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# How things are compiled. The library is compiled twice, position independent
# for the shared one (.lo) and for programs for the static one (.o): thread
# local access is shorter in the second. Examples and tests link the static.
#
# The path from one task to the next leads through several files, so the library
# is optimised as one (LIB_LTO): the static one is a single object, compiled to
# the end here, and any compiler and linker can use it.

lib_sources := $(sort $(wildcard lib/*/*.c) $(wildcard lib/*/*.S))
lib_objects := $(patsubst %,$(B)/%.o,$(basename $(lib_sources)))
lib_pic := $(lib_objects:.o=.lo)
lib_static := $(B)/libgiambio.a
lib_soname := libgiambio.so.$(SOVERSION)
lib_shared := $(B)/libgiambio.so.$(VERSION)
headers := $(wildcard include/*.h include/giambio/*.h)

.PHONY: lib examples tools man tests

lib: $(if $(lib_sources),$(lib_static) $(if $(STATIC_ONLY),,$(lib_shared)))

$(B)/lib/%.o: lib/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(compile_flags) $(LIB_LTO) $(CFLAGS_STATIC) -MMD -MP \
		-c $< -o $@

$(B)/lib/%.lo: lib/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC PIC,$<)
	$(Q)$(CC) $(compile_flags) $(LIB_LTO) $(CFLAGS_SHARED) -MMD -MP \
		-MF $(@:.lo=.lo.d) \
		-c $< -o $@

$(B)/lib/%.o: lib/%.S $(B)/.flags
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(compile_flags) $(CFLAGS_STATIC) -MMD -MP -c $< -o $@

$(B)/lib/%.lo: lib/%.S $(B)/.flags
	@mkdir -p $(@D)
	$(call say,AS PIC,$<)
	$(Q)$(CC) $(compile_flags) $(CFLAGS_SHARED) -MMD -MP -MF $(@:.lo=.lo.d) \
		-c $< -o $@

# A stale member would survive `ar r`, so the archive is made anew; so is it
# when a source file disappears, which only the list of objects can tell.
$(B)/.objects: force
	@mkdir -p $(@D)
	@echo '$(lib_objects)' | cmp -s - $@ || echo '$(lib_objects)' >$@

$(B)/libgiambio.o: $(lib_objects) $(B)/.objects
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(CFLAGS_STATIC) $(LIB_LTO) -r -nostdlib \
		-flinker-output=nolto-rel $(lib_objects) -o $@

lib_members := $(if $(LIB_LTO),$(B)/libgiambio.o,$(lib_objects))

$(lib_static): $(lib_members) $(B)/.objects
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(lib_members)

$(lib_shared): $(lib_pic) lib/libgiambio.map $(B)/.objects
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(link_flags) $(LIB_LTO) -Wl,-soname,$(lib_soname) \
		-Wl,--version-script=lib/libgiambio.map -Wl,-z,relro,-z,now \
		-Wl,--as-needed $(lib_pic) $(LIBS_LOCAL) $(LIBS) -o $@
	$(Q)ln -sf $(notdir $@) $(B)/$(lib_soname)
	$(Q)ln -sf $(lib_soname) $(B)/libgiambio.so

# Programs of one file that stand on the library.
example_programs := $(patsubst %.c,$(B)/%,$(wildcard examples/*.c))
stress_programs := $(patsubst %.c,$(B)/%,$(wildcard tests/stress/*.c))

examples: $(example_programs)

$(B)/examples/%: examples/%.c $(lib_static) $(B)/.flags
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(filter-out -Ilib,$(compile_flags)) $(CFLAGS_STATIC) -MMD -MP \
		-MF $@.d -MT $@ $< $(lib_static) $(LDFLAGS_PROGRAM) \
		$(link_flags) $(LIBS_LOCAL) $(LIBS) -o $@

$(B)/tests/stress/%: tests/stress/%.c $(lib_static) $(B)/.flags
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(compile_flags) $(CFLAGS_STATIC) -MMD -MP -MF $@.d -MT $@ \
		$< $(lib_static) $(LDFLAGS_PROGRAM) $(link_flags) $(LIBS_LOCAL) \
		$(LIBS) -o $@

# The unit tests are one program; its list of suites is the list of files.
# Cross builds have no libcheck and use the small stand-in in tests/unit/cross.
unit_sources := $(sort $(wildcard tests/unit/test_*.c))
unit_objects := $(patsubst %.c,$(B)/%.o,$(unit_sources) tests/unit/main.c)
unit_program := $(B)/tests/unit/unit
ifneq ($(CROSS),)
unit_flags := -Itests/unit/cross
unit_libs := -lm
unit_objects += $(B)/tests/unit/cross/check.o
else

unit_libs = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck)
endif

# Everything that the test runner wants of a variant (WHOLE=1: the tools and
# manual pages, too), and where it is: what make was called with, CC=clang say,
# has a part in that.
.PHONY: all-tests folder
all-tests: lib tests $(B)/tests/probe/backend $(if $(filter 1,$(WHOLE)),all)

folder:
	@echo $(B)

$(B)/tests/probe/backend: tests/probe/backend.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(compile_flags) $(CFLAGS_STATIC) $< $(LDFLAGS_PROGRAM) \
		$(link_flags) -o $@

tests: $(if $(unit_sources),$(unit_program)) $(stress_programs) examples

$(B)/tests/unit/suites.h: $(B)/.suites
	$(Q)printf 'SUITE(%s)\n' $(patsubst tests/unit/test_%.c,%,$(unit_sources)) >$@

$(B)/.suites: force
	@mkdir -p $(@D) $(B)/tests/unit
	@echo '$(unit_sources)' | cmp -s - $@ || echo '$(unit_sources)' >$@

$(B)/tests/unit/main.o: $(B)/tests/unit/suites.h

$(B)/tests/unit/%.o: tests/unit/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(compile_flags) $(unit_flags) -I$(B)/tests/unit \
		$(CFLAGS_STATIC) -MMD -MP -c $< -o $@

$(B)/tests/unit/cross/%.o: tests/unit/cross/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(compile_flags) $(CFLAGS_STATIC) -MMD -MP -c $< -o $@

$(unit_program): $(unit_objects) $(lib_static)
	$(call say,PROGRAM,$@)
	$(Q)$(CC) $(unit_objects) $(lib_static) $(LDFLAGS_PROGRAM) $(link_flags) \
		$(unit_libs) $(LIBS_LOCAL) $(LIBS) -o $@

# Section 3 is generated from the headers; the other sections are written.
man_dir := $(O)/man
man_written := $(wildcard man/*.[1-9])

man: $(if $(and $(headers),$(wildcard scripts/kdoc)),$(man_dir)/.made)
	@:

$(man_dir)/.made: $(headers) $(man_written) $(wildcard scripts/kdoc*) Makefile
	$(call say,MAN,$(man_dir))
	$(Q)rm -rf $(man_dir) && mkdir -p $(man_dir)
	$(Q)perl scripts/kdoc --man $(man_dir) --version $(VERSION) $(headers)
	$(Q)$(if $(man_written),cp $(man_written) $(man_dir)/)
	$(Q)touch $@

.PHONY: force
force:

-include $(wildcard $(B)/lib/*/*.d $(B)/examples/*.d $(B)/tests/*/*.d \
	$(B)/tests/*/*/*.d)
