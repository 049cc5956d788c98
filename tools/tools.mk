# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Tools: a folder tools/NAME is the program NAME; tools/common is for all. They
# know the public headers and the kernel's interface, never lib/. Only gmblat,
# which experiments with tasks of its own, is linked with the library.

tool_names := $(filter-out common completion,$(patsubst tools/%/,%,\
	$(sort $(dir $(wildcard tools/*/*.c)))))
tool_common := $(patsubst %.c,$(B)/%.o,$(wildcard tools/common/*.c))
tool_programs := $(foreach t,$(tool_names),$(B)/bin/$(t))
tool_packages := libnl-3.0 libnl-genl-3.0 ncursesw libdw
tool_linked_gmblat := $(lib_static)

# Cross builds have none of the packages.
ifneq ($(building),)
tools_missing := $(if $(CROSS),$(tool_packages),$(strip $(foreach \
	p,$(tool_packages),$(shell pkg-config --exists $(p) || echo $(p)))))
ifneq ($(tools_missing),)
tool_programs :=
else
tool_flags := $(shell pkg-config --cflags $(tool_packages))
tool_libs := $(shell pkg-config --libs $(tool_packages)) -lm
endif
endif

tools: $(tool_programs)
ifneq ($(tools_missing),)
	@echo '  SKIP    gmbstat and gmblat, for want of $(tools_missing):' \
		'run scripts/deps.sh tools'
endif

$(B)/tools/%.o: tools/%.c $(B)/.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(filter-out -Ilib,$(compile_flags)) -Itools $(tool_flags) \
		$(CFLAGS_STATIC) -MMD -MP -c $< -o $@

define tool_rule
$(B)/bin/$(1): $(patsubst %.c,$(B)/%.o,$(wildcard tools/$(1)/*.c)) \
		$(tool_common) $(tool_linked_$(1))
	@mkdir -p $$(@D)
	$$(call say,PROGRAM,$$@)
	$$(Q)$$(CC) -Wl,--as-needed $$^ $$(LDFLAGS_PROGRAM) $$(link_flags) $$(tool_libs) \
		$$(LIBS_LOCAL) $$(LIBS) -o $$@
endef
$(foreach t,$(tool_names),$(eval $(call tool_rule,$(t))))

-include $(wildcard $(B)/tools/*/*.d)
