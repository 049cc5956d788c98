// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

//! tokio: yield, spawn and join, channel, on the current-thread runtime. It
//! has no rendezvous channel: mpsc with a capacity of one stands in.

use giambio_bench::{cpu, runtime};
use std::env;
use std::process::exit;
use tokio::sync::mpsc;
use tokio::task;

async fn turns(count: i64) {
    for _ in 0..count / 2 {
        task::yield_now().await;
    }
}

async fn yields(count: i64) -> i64 {
    let start = cpu();
    let one = task::spawn(turns(count));
    let two = task::spawn(turns(count));
    one.await.unwrap();
    two.await.unwrap();
    cpu() - start
}

async fn spawns(count: i64) -> i64 {
    let start = cpu();
    for _ in 0..count {
        task::spawn(async {}).await.unwrap();
    }
    cpu() - start
}

async fn channel(count: i64) -> i64 {
    let (ping, mut from_ping) = mpsc::channel::<i64>(1);
    let (pong, mut from_pong) = mpsc::channel::<i64>(1);
    task::spawn(async move {
        while let Some(v) = from_ping.recv().await {
            if pong.send(v).await.is_err() {
                break;
            }
        }
    });
    let asker = task::spawn(async move {
        let start = cpu();
        for i in 0..count {
            ping.send(i).await.unwrap();
            from_pong.recv().await.unwrap();
        }
        cpu() - start
    });
    asker.await.unwrap()
}

async fn run(op: &str, count: i64) -> i64 {
    match op {
        "yield" => yields(count).await,
        "spawn" => task::spawn(spawns(count)).await.unwrap(),
        "channel" => channel(count).await,
        _ => {
            eprintln!("usage: tokio_micro yield|spawn|channel COUNT");
            exit(2);
        }
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let count: i64 = args.get(2).and_then(|s| s.parse().ok()).unwrap_or(0);
    if args.len() != 3 || count < 10 {
        eprintln!("usage: tokio_micro yield|spawn|channel COUNT");
        exit(2);
    }
    let ns = runtime().block_on(async {
        run(&args[1], count / 10).await;
        run(&args[1], count).await
    });
    println!("{:.3}", ns as f64 / count as f64);
}
