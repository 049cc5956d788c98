#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# kselftests.sh HARNESS OUT [FLAG...]: compile tests/kselftest, which is laid
# out for a kernel's tree, outside of one. HARNESS is what `kernels.sh harness`
# prints. Every source with a main becomes a static program in OUT, the others
# are parts of each; scripts are copied. FLAGs are for the compiler; with -m32
# these are 32-bit programs, for which the module has its compat entry.

set -euo pipefail
cd "$(dirname "$0")/../.."

harness=$1
out=$2
shift 2
programs=()
parts=()
rm -rf "$out"
mkdir -p "$out"
for source in tests/kselftest/*.c; do
	if grep -qE '(\bmain\(|^TEST_HARNESS_MAIN)' "$source"; then
		programs+=("$source")
	else
		parts+=("$source")
	fi
done
for source in "${programs[@]}"; do
	"${CC:-gcc}" "$@" -O2 -g -std=gnu11 -D_GNU_SOURCE= -static -pthread \
		-idirafter "/usr/include/$(uname -m)-linux-gnu" \
		-isystem "$harness/giambio" -isystem "$harness" \
		-Iinclude/uapi -o "$out/$(basename "$source" .c)" \
		"$source" "${parts[@]}"
done
for source in tests/kselftest/*.sh; do
	[ ! -f "$source" ] || install -m 755 "$source" "$out"
done
