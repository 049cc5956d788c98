#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Compiles the fuzzer.
#
#   build.sh FILE
#
# FILE is the program to be made; it is static, to be run in any machine.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$1")"
"${CC:-gcc}" -O2 -g -Wall -Wextra -std=gnu11 -D_GNU_SOURCE -static -pthread \
	-I"$here/../../include/uapi" -o "$1" "$here"/*.c
