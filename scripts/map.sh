#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# map.sh HEADER...: print the version script of the library: exactly the
# functions that the public headers declare GMB_API.

set -eu

names=$(perl "$(dirname "$0")/kdoc" --exports "$@")

cat <<'END'
/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copyright (C) 2026 The giambio developers */

/* Written by `make map` from the public headers. */
LIBGIAMBIO_0.1 {
	global:
END
for name in $names; do
	printf '\t\t%s;\n' "$name"
done
cat <<'END'
	local:
		*;
};
END
