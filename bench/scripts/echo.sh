# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# echo: server processor time per request. For each transport and number of
# connections all servers run at once on one CPU, all loads stay connected on
# the other, and the contenders take turns in short windows: a disturbance that
# lasts longer than a turn hits all of them, and ratios are taken turn by turn.

# name, program, mode; the ones that a 3 % target compares come every turn,
# the others every third
echo_table()
{
	cat <<-'END'
	epoll-lt epoll lt every
	epoll-et epoll et every
	uring-oneshot uring oneshot every
	uring-multishot uring multishot every
	giambio-epoll giambio - every
	giambio-uring giambio - every
	giambio-kmod giambio - every
	st st - third
	libuv libuv - third
	libevent libevent - third
	go go - third
	tokio tokio - third
	END
}

# Requests in a window, and before it, by transport and connections.
echo_requests()
{
	case $2 in
	1) echo 2000 ;;
	10000) echo 20000 ;;
	*) [ "$1" = unix ] && echo 20000 || echo 10000 ;;
	esac
}

echo_warmup()
{
	echo $(($1 < 100 ? 1000 : $1 < 5000 ? $1 * 2 : $1))
}

# start_contender KIND CONNS INDEX NAME PROGRAM MODE: server and load; sets
# load_in[INDEX] and load_out[INDEX] when the load is connected.
start_contender()
{
	local kind=$1 conns=$2 i=$3 name=$4 program=$5 mode=$6
	local address=$((base_port + i)) server line requests

	[ "$kind" = unix ] && address=$TMP/socket.$i
	[ "$mode" = - ] && mode=
	GMB_BACKEND=$(backend_of "$name") taskset -c "$SERVER_CPU" \
		"$D/echo_$program" "$kind" "$address" $mode \
		2>"$TMP/server.$i" >&2 &
	server=$!
	pids+=("$server")
	rm -f "$TMP/in.$i" "$TMP/out.$i"
	mkfifo "$TMP/in.$i" "$TMP/out.$i"
	exec {load_in[i]}<>"$TMP/in.$i" {load_out[i]}<>"$TMP/out.$i"
	requests=$(echo_requests "$kind" "$conns")
	# shellcheck disable=SC2086 # LOAD_FLAGS is words
	taskset -c "$LOAD_CPU" "$D/echo_load" -i -c "$conns" -p "$server" \
		-n "${REQUESTS:-$requests}" -w "$(echo_warmup "$conns")" \
		${LOAD_FLAGS:-} "$kind" "$address" \
		<"$TMP/in.$i" >"$TMP/out.$i" 2>"$TMP/load.$i" &
	pids+=("$!")
	if ! read -r -t 30 -u "${load_out[i]}" line; then
		give_up "$kind $conns" "$i" "$name"
		return 1
	fi
}

# A contender that cannot go on: why, as its programs said it.
give_up()
{
	local why

	why=$(cat "$TMP/server.$2" "$TMP/load.$2" 2>/dev/null | head -n 1)
	skip echo "$3" "$1 connections: ${why:-no answer}"
}

# window INDEX: have one measured; the load's line is left in $line
window()
{
	echo go >&"${load_in[$1]}"
	read -r -t 60 -u "${load_out[$1]}" line
}

echo_turns()
{
	local case=$1 rounds=$2 round k i n=${#names[@]} line
	local end=$((SECONDS + $(by_pace 10 30 240)))

	for ((k = 0; k < n; k++)); do
		window "$k" || true	# the first window warms up
	done
	# A busy machine gets fewer turns rather than an endless run.
	for ((round = 1; round <= rounds; round++)); do
		[ "$round" -gt 3 ] && [ "$SECONDS" -ge "$end" ] && break
		progress "echo $case: $round/$rounds"
		for ((k = 0; k < n; k++)); do
			i=$(((k + round) % n))
			[ -n "${names[i]}" ] || continue
			[ "${every[i]}" = third ] &&
				[ $((round % 3)) != 1 ] && continue
			if window "$i"; then
				# shellcheck disable=SC2086
				record echo "$case" "${names[i]}" "$round" $line
			else
				give_up "$case" "$i" "${names[i]}"
				names[i]=
			fi
		done
	done
}

# One transport with one number of connections.
echo_case()
{
	local kind=$1 conns=$2 rounds=$3 name program mode often fd
	local -a names=() every=() load_in=() load_out=()

	if [ "$(ulimit -n)" -lt $((conns + 100)) ]; then
		skip echo all "$kind $conns: only $(ulimit -n) descriptors" \
			"allowed, see ulimit -Hn"
		return
	fi
	base_port=$((20000 + ($$ + conns) % 5000 * 2))
	while read -r name program mode often; do
		wanted "$name" "echo_$program" || continue
		[ "$name" = giambio-kmod ] && ! [ -e /dev/giambio ] && continue
		progress "echo $kind $conns: connecting to $name"
		start_contender "$kind" "$conns" "${#names[@]}" "$name" \
			"$program" "$mode" || continue
		names+=("$name")
		every+=("$often")
	done < <(echo_table)
	echo_turns "$kind $conns" "$rounds"
	stop_all
	for fd in "${load_in[@]}" "${load_out[@]}"; do
		exec {fd}>&-
	done
}

run_echo()
{
	local rounds=${ROUNDS:-$(by_pace 7 16 61)} kind conns

	command_used "echo: GMB_BACKEND=BACKEND taskset -c $SERVER_CPU" \
		"$D/echo_CONTENDER tcp PORT [MODE]"
	command_used "      taskset -c $LOAD_CPU $D/echo_load -i -c CONNECTIONS" \
		"-n REQUESTS -w WARMUP -p SERVER tcp PORT; $rounds turns"

	for kind in ${KINDS:-tcp unix}; do
		for conns in ${CONNS:-$(by_pace "1 64" "1 64 1000 10000" \
			"1 64 1000 10000")}; do
			echo_case "$kind" "$conns" "$rounds"
		done
	done
}
