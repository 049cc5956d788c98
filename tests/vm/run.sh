#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# Runs one command in a machine of its own: a kernel, an initramfs packed for
# the occasion, qemu.
#
#   run.sh [OPTION...] KERNEL -- COMMAND [ARGUMENT...]
#   run.sh [OPTION...] -i KERNEL
#
# KERNEL is 6.1, 6.12, newest, kasan, kcsan, or the path of a bzImage.
#
#   -m MODULE.ko        load it first (may be given again)
#   -M ARGUMENTS        module parameters
#   -f HOST[:GUEST]     put a file or folder there (default: in
#                       /usr/local/bin), with the shared libraries it needs
#   -e NAME[=VALUE]     set a variable for the command
#   -s CPUS             default 2
#   -r MEGABYTES        default 512, with the debug kernels 2048
#   -t SECONDS          time limit, at least 120; default 300
#   -a APPEND           more for the kernel's command line
#   -l                  look for leaks (kmemleak) before the verdict
#   -d GUEST:HOST       copy the folder GUEST to HOST when the command ended
#                       and the modules are unloaded
#   -o DIR              keep console.log, kernel.log and qemu.log there
#   -x                  count instructions: one virtual nanosecond each, so
#                       that times repeat to the digit (one CPU, no KVM)
#   -i                  a shell on this terminal instead of a command
#
# The exit status is the command's own. Otherwise: 77 the kernel cannot be
# had, 97 the machine ended without a verdict (a panic), 98 it could not be
# set up, 99 the command passed but the kernel complained, 124 too late.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

usage()
{
	sed -n '6,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

modules=() module_args= files=() env=() cpus=2 memory= limit=300 append=
leaks= out_guest= out_host= keep= exact= interactive=
while getopts m:M:f:e:s:r:t:a:ld:o:xi opt; do
	case $opt in
	m) modules+=("$OPTARG") ;;
	M) module_args=$OPTARG ;;
	f) files+=("$OPTARG") ;;
	e) case $OPTARG in
	   *=*) env+=("$OPTARG") ;;
	   *) env+=("$OPTARG=${!OPTARG-}") ;;
	   esac ;;
	s) cpus=$OPTARG ;;
	r) memory=$OPTARG ;;
	t) limit=$OPTARG ;;
	a) append=$OPTARG ;;
	l) leaks=1 ;;
	d) out_guest=${OPTARG%%:*} out_host=${OPTARG#*:} ;;
	o) keep=$OPTARG ;;
	x) exact=1 ;;
	i) interactive=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
kernel=$1
shift
if [ -z "$interactive" ]; then
	[ "${1:-}" = -- ] && [ $# -ge 2 ] || usage
	shift
	[ "$limit" -ge 120 ] || limit=120
fi

need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need "${CC:-cc}" gcc

work=$(mktemp -d "${TMPDIR:-/tmp}/giambio-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# find_kernel - set image, drivers to the folder of its modules, and board to
# the words for qemu that it needs
find_kernel()
{
	drivers=
	board=(-device "virtio-serial-pci${exact:+,ioeventfd=off}")
	case $kernel in
	*/*)	image=$kernel ;;
	kasan|kcsan)
		image=$("$here/debug-kernel.sh" bzimage "$kernel")
		# Without ACPI, whose interpreter is slow in an instrumented
		# kernel and gives up on a busy host.
		board=(-M "microvm,acpi=off,rtc=on,pit=on,pic=on"
		       -device virtio-serial-device)
		: "${memory:=2048}" ;;
	*)	image=$("$here/kernels.sh" bzimage "$kernel")
		drivers=$("$here/kernels.sh" modules "$kernel") ;;
	esac
	: "${memory:=512}"
}

# archive DIR - DIR as an archive for the kernel, the same for the same files:
# a machine that counts instructions counts those of unpacking it, too
archive()
{
	( cd "$1" && find . -exec touch -h -d @0 {} + &&
	  find . | LC_ALL=C sort |
	  cpio -o -H newc -R 0:0 --reproducible --quiet )
}

# pack_base FILE - the part of every initramfs that stays the same
pack_base()
{
	local dir=$1.d name

	[ ! -f "$1" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"/{bin,sbin,dev,proc,sys,tmp,run,etc,root,giambio} \
		"$dir"/usr/{bin,sbin,lib,local/bin,local/sbin} "$dir/var/tmp"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for name in $(busybox --list); do
		[ "$name" = busybox ] || ln -s busybox "$dir/bin/$name"
	done
	"${CC:-cc}" -O1 -static -o "$dir/init" "$here/init.c" "$here/klog.c" ||
		unavailable "a static program cannot be built;" \
			"install gcc and libc6-dev"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$dir/etc/passwd"
	echo 'nobody:x:65534:65534:nobody:/tmp:/bin/sh' >>"$dir/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$dir/etc/group"
	printf '[ ! -f /etc/motd ] || cat /etc/motd\n' >"$dir/etc/profile"
	echo "export PS1='vm# '" >>"$dir/etc/profile"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$dir/etc/hosts"
	archive "$dir" >"$1.new"
	mv "$1.new" "$1"
	rm -rf "$dir"
}

# closure FILE - copy the libraries a dynamic program or library needs
closure()
{
	local lib

	{ ldd "$1" 2>/dev/null || :; } |
		sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' |
	while read -r lib; do
		[ -e "$root$lib" ] || install -D "$lib" "$root$lib"
	done
}

# add_file SPEC - HOST or HOST:GUEST, to the initramfs
add_file()
{
	local host=${1%%:*} guest file

	guest=${1#"$host"}
	guest=${guest#:}
	[ -e "$host" ] || die "there is no $host to take into the machine"
	: "${guest:=/usr/local/bin/${host##*/}}"
	mkdir -p "$root${guest%/*}"
	cp -RLp "$host" "$root$guest"
	if [ -d "$host" ]; then
		while read -r file; do
			closure "$file"
		done < <(find "$root$guest" -type f -perm -u+x)
	else
		closure "$host"
	fi
}

# add_driver NAME - the kernel's own module NAME, unless it is built in
add_driver()
{
	local file

	file=$(find "$drivers/" -name "$1.ko*" 2>/dev/null | head -n 1)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) xz -dc "$file" >"$root/giambio/modules/$1.ko" ;;
	*.zst) zstd -qdc "$file" >"$root/giambio/modules/$1.ko" ;;
	*) cp "$file" "$root/giambio/modules/$1.ko" ;;
	esac
	echo "/giambio/modules/$1.ko" >>"$root/giambio/drivers"
}

# pack - write the initramfs
pack()
{
	local id base m f

	mkdir -p "$root/giambio/modules" "$gmb_cache/vm"
	id=$(stat -Lc %s-%Y "$(command -v busybox)")
	base=$gmb_cache/vm/base-$id-$(cat "$here"/{run.sh,init.c,klog.c,klog.h} |
		cksum | cut -d' ' -f1)
	locked "$base.lock" pack_base "$base.cpio"

	for f in complaints harmless; do
		grep -v '^#' "$here/$f" >"$root/giambio/$f"
	done
	: >"$root/giambio/drivers"
	: >"$root/giambio/loads"
	if [ -n "$drivers" ]; then
		for m in virtio_ring virtio virtio_pci_legacy_dev \
			 virtio_pci_modern_dev virtio_pci virtio_console; do
			add_driver "$m"
		done
	fi
	for m in "${modules[@]}"; do
		[ -f "$m" ] || die "there is no module $m; build it first"
		cp "$m" "$root/giambio/modules/${m##*/}"
		echo "/giambio/modules/${m##*/}" >>"$root/giambio/loads"
	done
	for f in "${files[@]}"; do
		add_file "$f"
	done
	printf '%s\0' ${interactive:+INTERACTIVE=1} ${leaks:+LEAKS=1} \
		${exact:+SETTLE=3} ${out_guest:+"COLLECT=$out_guest"} \
		${module_args:+"MODULE_PARAMETERS=$module_args"} \
		TERM="${TERM:-dumb}" "${env[@]}" >"$root/giambio/settings"
	printf '%s\0' "$@" >"$root/giambio/command"
	archive "$root" | cat "$base.cpio" - >"$work/initrd"
	rm -rf "$root"
}

# tsc_khz - the rate of the counter that an emulated machine reads its time
# from; 0 lets it measure by itself
tsc_khz()
{
	local program=$work/tsc

	"${CC:-cc}" -O1 -o "$program" "$here/tsc.c" &&
		"$program" | grep . || echo 0
}

# machine - set qemu to the words that start the machine
machine()
{
	local line="panic=-1 oops=panic log_buf_len=8M mitigations=off"
	line+=" loglevel=5 cryptomgr.notests"

	qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none
	      -no-reboot -m "$memory" -kernel "$image" -initrd "$work/initrd"
	      "${board[@]}" -device isa-debug-exit,iobase=0x501,iosize=2)
	if [ -n "$exact" ]; then
		# No clock but the count of instructions, no random source.
		qemu+=(-accel tcg -smp 1 -icount "shift=0,sleep=off" -seed 1
		       -rtc base=2026-01-01T00:00:00,clock=vm
		       -cpu max,rdrand=off,rdseed=off)
		line+=" nokaslr norandmaps tsc=reliable no_timer_check"
		line+=" randomize_kstack_offset=off"
		# Tells gmblat that its times are counts of instructions.
		line+=" gmb.virtual=1"
	elif kvm_usable "$image"; then
		qemu+=(-accel kvm -cpu host -smp "$cpus")
	else
		qemu+=(-accel tcg -cpu max,la57=off -smp "$cpus")
		line+=" tsc=reliable no_timer_check"
		line+=" tsc_early_khz=$(tsc_khz)"
	fi
	if [ -n "$interactive" ]; then
		qemu+=(-serial mon:stdio)
		line+=" quiet"
	else
		qemu+=(-serial "file:$work/console.log"
		       -add-fd fd=3,set=1
		       -chardev "file,id=out,path=/dev/fdset/1,append=on"
		       -device virtserialport,chardev=out,name=giambio.out
		       -chardev "file,id=result,path=$work/result"
		       -device virtserialport,chardev=result,name=giambio.result
		       -chardev "file,id=files,path=$work/files"
		       -device virtserialport,chardev=files,name=giambio.files)
	fi
	qemu+=(-append "console=ttyS0 $line $append")
}

# judge QEMU-STATUS - say what went wrong, and leave with the right status
judge()
{
	local status

	status=$(sed -n '1s/^status //p' "$work/result" 2>/dev/null) || :
	sed -n 's/^log //p' "$work/result" >"$work/kernel.log" 2>/dev/null || :
	if [ -s "$work/files" ] && [ -n "$out_host" ]; then
		mkdir -p "$out_host"
		tar -C "$out_host" -xf "$work/files"
	fi
	if [ -n "$keep" ]; then
		mkdir -p "$keep"
		cp "$work"/*.log "$keep/"
	fi
	case $1 in
	33)	exit 0 ;;
	35)	exit "$status" ;;
	37)	grep -E '^(complaint|leak) ' "$work/result" | head -n 60 >&2
		note "the kernel complained${keep:+; its log is in $keep}"
		[ "$status" != 0 ] || status=99
		exit "$status" ;;
	39)	tail -n 15 "$work/console.log" >&2
		note "the machine could not be set up"
		exit 98 ;;
	124|137)
		tail -n 40 "$work/console.log" >&2
		note "no verdict after $limit seconds"
		exit 124 ;;
	*)	cat "$work/qemu.log" >&2
		tail -n 60 "$work/console.log" >&2
		note "the machine ended without a verdict (qemu: $1)"
		exit 97 ;;
	esac
}

find_kernel
pack "$@"
machine
if [ -n "$interactive" ]; then
	"${qemu[@]}"
	exit
fi
: >"$work/console.log"
# What the command prints goes straight on to our own output. qemu wants a
# descriptor that is for writing only, which a pipe's end surely is.
exec 3> >(exec cat)
printer=$!
status=0
timeout --foreground -k 5 "$limit" "${qemu[@]}" </dev/null \
	2>"$work/qemu.log" || status=$?
exec 3>&-
wait "$printer" || :
judge "$status"
