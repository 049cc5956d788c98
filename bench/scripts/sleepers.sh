# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# sleepers: many tasks that sleep until one moment: memory and processor time
# per task. timers: many tasks that sleep for random spans: time per wakeup.

# one_sleepers MODE CONTENDER COUNT ROUND. A busy machine may need longer to
# create all tasks than they sleep: then once more, with a longer sleep.
one_sleepers()
{
	local mode=$1 name=$2 count=$3 round=$4 out per_task

	for per_task in 6 12 24 48; do
		# shellcheck disable=SC2086 # KEY=VALUE words
		if out=$(taskset -c "$LOAD_CPU" "$D/sleepers_$name" \
			"${mode/sleepers/sleep}" "$count" "$per_task" \
			2>"$TMP/err"); then
			record "$mode" "$count" "$name" "$round" $out
			return
		elif [ $? != 4 ]; then
			break
		fi
	done
	skip "$mode" "$name" "$count tasks: $(tail -n 1 "$TMP/err")"
	return 1
}

# Small counts are cheap and noisy, so they get more turns.
rounds_of()
{
	local count=$1

	if [ -n "${ROUNDS:-}" ]; then
		echo "$ROUNDS"
	elif [ "$count" -le 10000 ]; then
		by_pace 3 5 9
	elif [ "$count" -le 100000 ]; then
		by_pace 1 3 5
	else
		by_pace 1 1 3
	fi
}

run_tasks()
{
	local mode=$1 counts count rounds round name

	command_used "$mode: taskset -c $LOAD_CPU $D/sleepers_CONTENDER" \
		"${mode/sleepers/sleep} COUNT"

	counts=${COUNTS:-$(by_pace "1000 10000 100000" \
		"1000 10000 100000 1000000" "1000 10000 100000 1000000")}
	for count in $counts; do
		rounds=$(rounds_of "$count")
		for ((round = 1; round <= rounds; round++)); do
			for name in giambio st go tokio; do
				wanted "$name" "sleepers_$name" || continue
				[ -e "$TMP/$mode.$count.$name" ] && continue
				progress "$mode $count: $round/$rounds $name"
				one_sleepers "$mode" "$name" "$count" \
					"$round" || : >"$TMP/$mode.$count.$name"
			done
		done
	done
}

run_sleepers()
{
	run_tasks sleepers
}

run_timers()
{
	run_tasks timers
}
