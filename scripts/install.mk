# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Install, uninstall, release archive. DESTDIR is put before every path and
# appears in no installed file.

#: PREFIX=/usr/local  where to install; DESTDIR=DIR is put before it
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
INSTALL ?= install

to = $(DESTDIR)$(strip $(1))
completions = $(wildcard tools/completion/*)

# What is installed, as names; uninstall removes exactly these. Man pages are
# known only when they are made, hence the late expansion.
man_pages = $(notdir $(wildcard $(man_dir)/*.[1-9]*))
man_path = $(call to,$(MANDIR))/man$(patsubst .%,%,$(suffix \
	$(subst 3type,3,$(1))))/$(1)
installed_files = \
	$(foreach h,giambio.h linux/giambio.h linux/giambio_netlink.h,\
		$(call to,$(INCLUDEDIR))/$(h)) \
	$(foreach h,$(wildcard include/giambio/*.h),\
		$(call to,$(INCLUDEDIR))/giambio/$(notdir $(h))) \
	$(foreach l,libgiambio.a libgiambio.so $(lib_soname) \
		$(notdir $(lib_shared)) pkgconfig/libgiambio.pc,\
		$(call to,$(LIBDIR))/$(l)) \
	$(foreach p,$(man_pages),$(call man_path,$(p))) \
	$(foreach t,$(tool_names),$(call to,$(BINDIR))/$(t)) \
	$(foreach c,$(completions),$(call to,$(COMPLETIONDIR))/$(notdir $(c)))

# Made anew, not written over: that of a `sudo make install` is root's.
$(B)/libgiambio.pc: scripts/libgiambio.pc.in force
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@LIBDIR@,$(LIBDIR),' \
		-e 's,@INCLUDEDIR@,$(INCLUDEDIR),' -e 's,@VERSION@,$(VERSION),' \
		-e 's,@PRIVATE@,$(LIBS_LOCAL) $(LIBS),' $< >$@

## Install

# The shared library is named, since some variants leave it out of lib.
install: lib $(lib_shared) tools man $(B)/libgiambio.pc ## library, headers, man pages, tools
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)$(INSTALL) -d $(call to,$(INCLUDEDIR))/giambio \
		$(call to,$(INCLUDEDIR))/linux $(call to,$(LIBDIR))/pkgconfig
	$(Q)$(INSTALL) -m 644 include/giambio.h $(call to,$(INCLUDEDIR))/
	$(Q)$(INSTALL) -m 644 include/giambio/*.h \
		$(call to,$(INCLUDEDIR))/giambio/
	$(Q)$(INSTALL) -m 644 include/uapi/linux/*.h \
		$(call to,$(INCLUDEDIR))/linux/
	$(Q)$(INSTALL) -m 644 $(lib_static) $(lib_shared) $(call to,$(LIBDIR))/
	$(Q)ln -sf $(notdir $(lib_shared)) $(call to,$(LIBDIR))/$(lib_soname)
	$(Q)ln -sf $(lib_soname) $(call to,$(LIBDIR))/libgiambio.so
	$(Q)$(INSTALL) -m 644 $(B)/libgiambio.pc $(call to,$(LIBDIR))/pkgconfig/
	$(Q)for page in $(man_dir)/*.[1-9]*; do \
		section=$${page##*.}; \
		dir=$(call to,$(MANDIR))/man$${section%%type}; \
		$(INSTALL) -d $$dir && $(INSTALL) -m 644 $$page $$dir/ || \
			exit 1; \
	done
	$(Q)$(if $(tool_programs),$(INSTALL) -d $(call to,$(BINDIR)) && \
		$(INSTALL) $(tool_programs) $(call to,$(BINDIR))/)
	$(Q)$(if $(completions),$(INSTALL) -d $(call to,$(COMPLETIONDIR)) && \
		$(INSTALL) -m 644 $(completions) $(call to,$(COMPLETIONDIR))/)
	$(Q)$(if $(DESTDIR),,ldconfig 2>/dev/null || true)

uninstall: man ## remove what install has put there (same variables)
	$(call say,REMOVE,$(DESTDIR)$(PREFIX))
	$(Q)rm -f $(installed_files)
	$(Q)rmdir $(call to,$(INCLUDEDIR))/giambio 2>/dev/null || true
	$(Q)$(if $(DESTDIR),,ldconfig 2>/dev/null || true)

dist: ## a release archive of what is committed
	$(call say,DIST,$(O)/giambio-$(VERSION).tar.gz)
	$(Q)mkdir -p $(O)
	$(Q)git ls-files --error-unmatch Makefile >/dev/null 2>&1 || \
		{ echo 'make dist packs what is committed: call it in a' \
			'git checkout of giambio' >&2; exit 1; }
	$(Q)git archive --format=tar.gz --prefix=giambio-$(VERSION)/ \
		-o $(O)/giambio-$(VERSION).tar.gz HEAD
