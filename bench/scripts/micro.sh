# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# micro: one thread, ns of processor time per operation. The contenders of an
# operation take turns, one process each turn.

# operation, how often per turn, who can do it. Beside giambio, which nobody
# observes: giambio-out, from which being observable was left out, and what it
# costs to be observed.
micro_table()
{
	cat <<-'END'
	switch 4000000 giambio boost-context
	switch 200000 ucontext
	yield 500000 giambio giambio-out st boost-fiber go tokio
	yield 200000 giambio-times giambio-trace
	spawn 100000 giambio st boost-fiber go tokio
	channel 100000 giambio boost-fiber go tokio
	END
}

# run_one NAME OPERATION COUNT
run_one()
{
	local observe=

	case $1 in
	giambio-times | giambio-trace) observe=${1#*-} ;;
	esac
	GMB_OBSERVE=$observe taskset -c "$LOAD_CPU" \
		"$D/micro_${1%"${observe:+-$observe}"}" "$2" "$3"
}

run_micro()
{
	local rounds=${ROUNDS:-$(by_pace 3 9 31)}
	local round op count names name program ns

	command_used "micro: taskset -c $LOAD_CPU $D/micro_CONTENDER OPERATION" \
		"COUNT; $rounds turns"

	for ((round = 1; round <= rounds; round++)); do
		while read -r op count names; do
			for name in $names; do
				program=micro_${name%-t[ir]*}
				wanted "$name" "$program" || continue
				progress "micro $round/$rounds: $op $name"
				if ns=$(run_one "$name" "$op" "$count" \
					2>"$TMP/err"); then
					record micro "$op" "$name" "$round" \
						"ns=$ns"
				elif [ "$round" = 1 ]; then
					skip micro "$name" \
						"$op: $(tail -n 1 "$TMP/err")"
				fi
			done
		done < <(micro_table)
	done
}
