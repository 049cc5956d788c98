// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

// Go: yield, spawn and join, rendezvous channel, on one P.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const clockProcessCPU = 2

func cpu() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPU,
		uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func turns(count int) {
	for i := 0; i < count; i += 2 {
		runtime.Gosched()
	}
}

func yield(count int) int64 {
	done := make(chan bool)
	start := cpu()
	go func() {
		turns(count)
		done <- true
	}()
	turns(count)
	<-done
	return cpu() - start
}

// A goroutine has no join: an unbuffered channel is how one is waited for.
func spawn(count int) int64 {
	done := make(chan struct{})
	start := cpu()
	for i := 0; i < count; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	return cpu() - start
}

func channel(count int) int64 {
	ping := make(chan int)
	pong := make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	start := cpu()
	for i := 0; i < count; i++ {
		ping <- i
		<-pong
	}
	d := cpu() - start
	close(ping)
	return d
}

func main() {
	ops := map[string]func(int) int64{
		"yield": yield, "spawn": spawn, "channel": channel,
	}
	if len(os.Args) != 3 || ops[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go yield|spawn|channel COUNT")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(1)
	count, err := strconv.Atoi(os.Args[2])
	if err != nil || count < 10 {
		fmt.Fprintln(os.Stderr, "COUNT must be a number, 10 or more")
		os.Exit(2)
	}
	run := ops[os.Args[1]]
	run(count / 10)
	time.Sleep(time.Millisecond)
	fmt.Printf("%.3f\n", float64(run(count))/float64(count))
}
