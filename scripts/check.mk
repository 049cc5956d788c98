# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers

.PHONY: deps-demo deps-bench deps-check deps-check-full
deps-%:
	$(Q)sh scripts/deps.sh $*
