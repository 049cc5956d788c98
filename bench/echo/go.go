// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

// Echo server in Go on one P: a goroutine per connection.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

const bufferSize = 1024

func serve(c net.Conn) {
	buf := make([]byte, bufferSize)
	for {
		n, err := c.Read(buf)
		if err != nil {
			break
		}
		if _, err = c.Write(buf[:n]); err != nil {
			break
		}
	}
	c.Close()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "go:", err)
	os.Exit(1)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go tcp PORT | unix PATH")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(1)
	where := os.Args[2]
	if os.Args[1] == "tcp" {
		where = "127.0.0.1:" + where
	} else {
		os.Remove(where)
	}
	l, err := net.Listen(os.Args[1], where)
	if err != nil {
		fail(err)
	}
	for {
		c, err := l.Accept() // sets TCP_NODELAY itself
		if err != nil {
			fail(err)
		}
		go serve(c)
	}
}
