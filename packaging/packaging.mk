# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Installing the kernel module: for one kernel, or by DKMS for every kernel
# that is installed from now on. `make module` (tests/vm/vm.mk) builds it.

MODDIR ?= /lib/modules/$(KVER)/updates
UDEVDIR ?= /usr/lib/udev/rules.d
MODLOADDIR ?= /usr/lib/modules-load.d
DKMSDIR ?= /usr/src/giambio-$(VERSION)

udev_rules = $(wildcard packaging/*.rules)
modules_load = $(wildcard packaging/modules-load.d/*.conf)
# What tests/vm/vm.mk leaves for the running kernel.
module_file ?= $(O)/kmod/giambio.ko
dkms_sources = Kbuild $(wildcard kmod/*) $(wildcard include/uapi/linux/*.h)

.PHONY: install-module uninstall-module install-dkms uninstall-dkms \
	install-module-files uninstall-module-files

## Install the kernel module

# The device may be there already, made by insmod: the rule is for that, too.
install-module-files:
	$(Q)$(INSTALL) -d $(call to,$(UDEVDIR)) $(call to,$(MODLOADDIR))
	$(Q)$(INSTALL) -m 644 $(udev_rules) $(call to,$(UDEVDIR))/
	$(Q)$(INSTALL) -m 644 $(modules_load) $(call to,$(MODLOADDIR))/
	$(Q)$(if $(DESTDIR),,getent group giambio >/dev/null || \
		groupadd --system giambio)
	$(Q)$(if $(DESTDIR),,udevadm control --reload 2>/dev/null && \
		udevadm trigger --action=add --sysname-match=giambio || true)

uninstall-module-files:
	$(Q)rm -f \
		$(foreach f,$(udev_rules),$(call to,$(UDEVDIR))/$(notdir $(f))) \
		$(foreach f,$(modules_load),$(call to,$(MODLOADDIR))/$(notdir $(f)))

install-module: module install-module-files ## giambio.ko for this kernel, udev rule
	$(call say,INSTALL,$(call to,$(MODDIR))/giambio.ko)
	$(Q)$(INSTALL) -d $(call to,$(MODDIR))
	$(Q)$(INSTALL) -m 644 $(module_file) $(call to,$(MODDIR))/giambio.ko
	$(Q)$(if $(DESTDIR),,depmod $(KVER))

uninstall-module: uninstall-module-files ## remove what install-module has put there
	$(Q)rm -f $(call to,$(MODDIR))/giambio.ko
	$(Q)$(if $(DESTDIR),,depmod $(KVER))

install-dkms: install-module-files ## the module's source, built for every kernel by DKMS
	$(call say,INSTALL,$(call to,$(DKMSDIR)))
	$(Q)for file in $(dkms_sources); do \
		$(INSTALL) -D -m 644 $$file $(call to,$(DKMSDIR))/$$file || \
			exit 1; \
	done
	$(Q)sed 's/@VERSION@/$(VERSION)/' packaging/dkms.conf \
		>$(call to,$(DKMSDIR))/dkms.conf
	$(Q)$(if $(DESTDIR),,command -v dkms >/dev/null || \
		{ echo 'dkms is missing: apt-get install dkms'; exit 1; })
	$(Q)$(if $(DESTDIR),,dkms install giambio/$(VERSION))

uninstall-dkms: uninstall-module-files ## remove the module from DKMS
	$(Q)$(if $(DESTDIR),,dkms remove giambio/$(VERSION) --all || true)
	$(Q)rm -rf $(call to,$(DKMSDIR))
