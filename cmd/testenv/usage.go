package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Usage is what a program and all processes that it started have used.
type Usage struct {
	// CPU is user and system time, of processes that have ended too.
	CPU time.Duration
	// Memory is the sum of the proportional set sizes, in bytes: a page that n of
	// the processes share counts once.
	Memory int64
	// Leader is the part of the program itself.
	Leader int64
	// Processes is their number.
	Processes int
}

// clockTick is the unit of times in /proc/PID/stat: USER_HZ, 100 on every Linux
// that Go runs on.
const clockTick = 10 * time.Millisecond

// usageOf reads /proc for a session, see [session].
func usageOf(leader int) (Usage, error) {
	pids, err := session(leader)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, pid := range pids {
		stat, err := readStat(pid)
		if gone(err) {
			continue
		}
		if err != nil {
			return Usage{}, err
		}
		pss, err := readPSS(pid)
		if err != nil && !gone(err) {
			return Usage{}, err
		}
		u.CPU += stat.cpu
		u.Memory += pss
		if pid == leader {
			u.Leader = pss
		}
		u.Processes++
	}
	return u, nil
}

// session lists the processes of the session that a process leads: itself and
// all that it started, even after it has ended, unless they left the session.
// Zombies are not listed.
func session(leader int) ([]int, error) {
	return processes(func(s stat) bool { return s.session == leader && s.state != 'Z' })
}

// zombies lists the processes that a session's leader, or what it started, has not
// waited for after they ended.
func zombies(leader int) ([]int, error) {
	return processes(func(s stat) bool { return s.session == leader && s.state == 'Z' })
}

// processes lists those of which a function says so.
func processes(are func(stat) bool) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := readStat(pid)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if are(stat) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// gone reports whether the process of a /proc file has ended.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

type stat struct {
	state   byte
	session int
	cpu     time.Duration // with that of children which have ended and were waited for
}

// readStat reads /proc/PID/stat, see proc_pid_stat(5).
func readStat(pid int) (stat, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(line)
}

// Places of fields in /proc/PID/stat, counted from the state, which is the
// first after the name.
const (
	statState   = 0
	statSession = 3
	statTimes   = 11 // utime, stime, cutime, cstime
	statFields  = 15
)

func parseStat(line []byte) (stat, error) {
	// The name is in parentheses and may hold anything, parentheses too.
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < statFields {
		return stat{}, fmt.Errorf("/proc stat: %d fields in %q", len(fields), line)
	}
	s := stat{state: fields[statState][0]}
	var err error
	if s.session, err = strconv.Atoi(string(fields[statSession])); err != nil {
		return stat{}, fmt.Errorf("/proc stat: session: %w", err)
	}
	for _, field := range fields[statTimes : statTimes+4] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("/proc stat: times: %w", err)
		}
		s.cpu += time.Duration(ticks) * clockTick
	}
	return s, nil
}

// readPSS returns the proportional set size in bytes, see proc(5),
// smaps_rollup.
func readPSS(pid int) (int64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	return parsePSS(content)
}

func parsePSS(content []byte) (int64, error) {
	for line := range bytes.Lines(content) {
		rest, found := bytes.CutPrefix(line, []byte("Pss:"))
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc smaps_rollup: %w", err)
		}
		return kib << 10, nil
	}
	return 0, errors.New("/proc smaps_rollup: no Pss")
}
