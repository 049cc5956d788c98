# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) 2026 The giambio developers
#
# versions: what was compared, on what; lines of NAME <tab> VERSION.

pc_version()
{
	pkg-config --modversion "$1" 2>/dev/null
}

# A macro of a header, e.g. macro_version boost/version.hpp BOOST_LIB_VERSION
macro_version()
{
	printf '#include <%s>\n%s\n' "$1" "$2" | "$CC" -E -x c - 2>/dev/null |
		tail -n 1 | tr -d '" '
}

crate_version()
{
	find /usr/share/cargo/registry -maxdepth 1 -name "$1-[0-9]*" \
		2>/dev/null | sed "s/.*$1-//" | head -n 1
}

# line NAME VERSION PROGRAM: only of what takes part
line()
{
	[ -n "$2" ] && [ -x "$D/$3" ] && printf '%s\t%s\n' "$1" "$2"
}

versions()
{
	local model

	model=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)
	printf 'kernel\t%s\n' "$(uname -sr)"
	printf 'cpu\t%s\n' "${model:-$(uname -m)}, $(nproc) online"
	printf 'compiler\t%s\n' "$("$CC" --version | head -n 1)"
	line giambio "$(git describe --always --dirty 2>/dev/null ||
		pc_version libgiambio)" micro_giambio
	line liburing "$(pc_version liburing)" echo_uring
	line boost "$(macro_version boost/version.hpp BOOST_LIB_VERSION)" \
		micro_boost-context
	line st "$(pc_version st || dpkg-query -W -f '${Version}' libst-dev \
		2>/dev/null)" micro_st
	line libuv "$(pc_version libuv)" echo_libuv
	line libevent "$(pc_version libevent)" echo_libevent
	line go "$(go version 2>/dev/null | cut -d' ' -f3)" micro_go
	line tokio "$(crate_version tokio) ($(rustc --version 2>/dev/null))" \
		micro_tokio
}
