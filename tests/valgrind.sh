#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# valgrind.sh PROGRAM...: run a TAP program under Valgrind. libcheck forks each
# test, and an error or a lost block makes that child, and so the test, fail.

exec valgrind -q --error-exitcode=99 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite \
	--child-silent-after-fork=no --max-stackframe=1048576 "$@"
