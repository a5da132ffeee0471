package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// A Process is one running plugin process.
type Process struct {
	Plugin string
	PID    int
	Calls  int // that run now
	// RSS and PSS are its memory in bytes, 0 where the system does not tell. PSS
	// counts a shared page in part, so that a sum over processes is right.
	RSS, PSS int64
}

// Processes returns what runs now, with its memory, by plugin and pid.
func (h *Host) Processes() []Process {
	processes := []Process{}
	for _, pool := range h.list() {
		for _, proc := range pool.list() {
			p := Process{Plugin: pool.spec.Name, PID: proc.runner.cmd.Process.Pid, Calls: proc.calls}
			p.RSS, p.PSS = memory(p.PID)
			processes = append(processes, p)
		}
	}
	return processes
}

// PIDs returns the process ids of what runs now.
func (h *Host) PIDs() []int {
	pids := []int{}
	for _, pool := range h.list() {
		for _, proc := range pool.list() {
			pids = append(pids, proc.runner.cmd.Process.Pid)
		}
	}
	return pids
}

// memory reads /proc/PID/smaps_rollup.
func memory(pid int) (rss, pss int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			continue
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			continue
		}
		switch string(fields[0]) {
		case "Rss:":
			rss = n << 10
		case "Pss:":
			pss = n << 10
		}
	}
	return rss, pss
}
