// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

//! What the tokio programs share: clocks, memory and the runtime.

use std::fs;

fn clock(id: libc::clockid_t) -> i64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(id, &mut ts) };
    ts.tv_sec * 1_000_000_000 + ts.tv_nsec
}

/// Processor time of the whole process, nanoseconds.
pub fn cpu() -> i64 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Resident memory and page tables of this process, KiB.
pub fn memory() -> (i64, i64) {
    let field = |file: &str, name: &str| -> i64 {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines()
            .find(|l| l.starts_with(name))
            .and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(0)
    };
    (
        field("/proc/self/smaps_rollup", "Rss:"),
        field("/proc/self/status", "VmPTE:"),
    )
}

/// The single-threaded runtime, as lean as it comes.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("cannot build the tokio runtime")
}
