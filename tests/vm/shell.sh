#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# shell.sh KERNEL MODULE.ko: a shell in a machine of its own, with the module
# loaded and the programs of $B (the output folder) at hand. What is done in
# it, done to it and left behind in it ends with it.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

: "${B:=build}"
kernel=$1
module=$2
options=(-m "$module" -f "$module:/root/giambio.ko")
for folder in examples bin; do
	for program in "$B/$folder"/*; do
		if [ -f "$program" ] && [ -x "$program" ]; then
			options+=(-f "$program")
		fi
	done
done
motd=$(mktemp)
trap 'rm -f "$motd"' EXIT
cat >"$motd" <<EOF

This is Linux $kernel in a machine of its own, with giambio.ko loaded:
programs linked with libgiambio use it without being changed.

  ls /usr/local/bin      the examples and tools
  rmmod giambio          then the same programs take another backend
  insmod /root/giambio.ko
  dmesg | tail           what the module says
  exit                   ends the machine (so does Ctrl-A X)

EOF
"$here/run.sh" "${options[@]}" -f "$motd:/etc/motd" \
	-i "$kernel"
