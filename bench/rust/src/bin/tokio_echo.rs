// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

//! Echo server on tokio's current-thread runtime: a task per connection.

use giambio_bench::runtime;
use std::env;
use std::fs;
use std::io;
use std::process::exit;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, UnixListener};
use tokio::task;

const BACKLOG: u32 = 4096;
const BUFFER: usize = 1024;

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut conn: S) {
    let mut buf = [0u8; BUFFER];
    while let Ok(n) = conn.read(&mut buf).await {
        if n == 0 || conn.write_all(&buf[..n]).await.is_err() {
            break;
        }
    }
}

async fn tcp(port: u16) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener = socket.listen(BACKLOG)?;
    loop {
        let (conn, _) = listener.accept().await?;
        conn.set_nodelay(true)?;
        task::spawn(serve(conn));
    }
}

async fn unix(path: &str) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    loop {
        let (conn, _) = listener.accept().await?;
        task::spawn(serve(conn));
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.len() < 3 {
        eprintln!("usage: tokio_echo tcp PORT | unix PATH");
        exit(2);
    }
    let result = runtime().block_on(async {
        task::spawn({
            let (kind, place) = (args[1].clone(), args[2].clone());
            async move {
                match kind.as_str() {
                    "tcp" => tcp(place.parse().expect("PORT")).await,
                    _ => unix(&place).await,
                }
            }
        })
        .await
        .unwrap()
    });
    if let Err(e) = result {
        eprintln!("tokio_echo: {}", e);
        exit(1);
    }
}
