// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

//! Many sleeping tasks on tokio's current-thread runtime; the modes and
//! figures of sleepers/memory.h. Its timers tick in milliseconds.

use giambio_bench::{cpu, memory, runtime};
use std::cell::Cell;
use std::env;
use std::process::exit;
use std::time::Duration;
use tokio::task::{self, JoinHandle};
use tokio::time::{self, Instant};

const TIMER_ROUNDS: i64 = 4;
const TOO_EARLY: i32 = 4;

thread_local! {
    static ASLEEP: Cell<i64> = Cell::new(0);
    static WOKEN: Cell<i64> = Cell::new(0);
}

fn bump(counter: &'static std::thread::LocalKey<Cell<i64>>) {
    counter.with(|c| c.set(c.get() + 1));
}

async fn sleeper(wake: Instant) {
    bump(&ASLEEP);
    time::sleep_until(wake).await;
    bump(&WOKEN);
}

async fn timer(mut x: u64, count: i64) {
    for _ in 0..TIMER_ROUNDS {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let ns = (x >> 16) % (count as u64 * 1000);
        time::sleep(Duration::from_nanos(ns)).await;
    }
}

async fn join_all(tasks: Vec<JoinHandle<()>>) {
    for t in tasks {
        t.await.unwrap();
    }
}

async fn sleep(count: i64, us_each: u64) {
    let before = memory();
    let mut start = cpu();
    let span = 100_000_000 + count as u64 * us_each * 1000;
    let wake = Instant::now() + Duration::from_nanos(span);
    let tasks = (0..count).map(|_| task::spawn(sleeper(wake))).collect();
    while ASLEEP.with(|c| c.get()) < count {
        task::yield_now().await;
    }
    let pause = cpu();
    if WOKEN.with(|c| c.get()) > 0 {
        eprintln!("tasks woke before all slept");
        exit(TOO_EARLY);
    }
    let after = memory();
    start += cpu() - pause;
    join_all(tasks).await;
    println!(
        "kib={:.3} pte_kib={:.3} cpu_ns={:.1}",
        (after.0 - before.0) as f64 / count as f64,
        (after.1 - before.1) as f64 / count as f64,
        (cpu() - start) as f64 / count as f64
    );
}

async fn timers(count: i64) {
    let seed = |i: i64| (i as u64).wrapping_mul(2654435761) + 1;
    let tasks = (0..count)
        .map(|i| task::spawn(timer(seed(i), count)))
        .collect();
    let start = cpu();
    join_all(tasks).await;
    let ns = (cpu() - start) as f64;
    println!("cpu_ns={:.1}", ns / (count * TIMER_ROUNDS) as f64);
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let count: i64 = args.get(2).and_then(|s| s.parse().ok()).unwrap_or(0);
    let us_each: u64 = args.get(3).and_then(|s| s.parse().ok()).unwrap_or(10);
    let mode = args.get(1).map(String::as_str).unwrap_or("");
    if count < 1 || (mode != "sleep" && mode != "timers") {
        eprintln!("usage: tokio_sleepers sleep|timers COUNT [US_EACH]");
        exit(2);
    }
    runtime().block_on(async {
        if mode == "sleep" {
            sleep(count, us_each).await
        } else {
            timers(count).await
        }
    });
}
