// SPDX-License-Identifier: GPL-2.0-only
// Copyright (C) 2026 The giambio developers

// Many sleeping goroutines on one P; the modes and figures of memory.h.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	clockProcessCPU = 2
	timerRounds     = 4
	tooEarly        = 4
)

func cpu() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPU,
		uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func field(file, name string) int {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), name) {
			kib, _ := strconv.Atoi(strings.Fields(s.Text())[1])
			return kib
		}
	}
	return 0
}

func memory() (rss, pte int) {
	return field("/proc/self/smaps_rollup", "Rss:"),
		field("/proc/self/status", "VmPTE:")
}

func sleep(count, usEach int) {
	var all sync.WaitGroup
	asleep, woken := 0, 0 // one P and no preemption between ++: plain ints
	rss, pte := memory()
	start := cpu()
	wake := time.Now().Add(100*time.Millisecond +
		time.Duration(count*usEach)*time.Microsecond)
	all.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			asleep++
			time.Sleep(time.Until(wake))
			woken++
			all.Done()
		}()
	}
	for asleep < count {
		runtime.Gosched()
	}
	pause := cpu()
	if woken > 0 {
		fmt.Fprintln(os.Stderr, woken, "tasks woke before all slept")
		os.Exit(tooEarly)
	}
	rss2, pte2 := memory()
	start += cpu() - pause
	all.Wait()
	n := float64(count)
	fmt.Printf("kib=%.3f pte_kib=%.3f cpu_ns=%.1f\n", float64(rss2-rss)/n,
		float64(pte2-pte)/n, float64(cpu()-start)/n)
}

func timers(count int) {
	var all sync.WaitGroup
	all.Add(count)
	for i := 0; i < count; i++ {
		go func(x uint64) {
			for r := 0; r < timerRounds; r++ {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				time.Sleep(time.Duration(
					(x >> 16) % (uint64(count) * 1000)))
			}
			all.Done()
		}(uint64(i)*2654435761 + 1)
	}
	start := cpu()
	all.Wait()
	fmt.Printf("cpu_ns=%.1f\n",
		float64(cpu()-start)/float64(count*timerRounds))
}

func main() {
	count, usEach := 0, 10
	if len(os.Args) >= 3 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	if len(os.Args) == 4 {
		usEach, _ = strconv.Atoi(os.Args[3])
	}
	runtime.GOMAXPROCS(1)
	switch {
	case count > 0 && os.Args[1] == "sleep":
		sleep(count, usEach)
	case count > 0 && os.Args[1] == "timers":
		timers(count)
	default:
		fmt.Fprintln(os.Stderr, "usage: go sleep|timers COUNT [US_EACH]")
		os.Exit(2)
	}
}
