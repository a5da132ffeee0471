package host

import (
	"bytes"
	"context"
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

// An About is what a plugin says of itself.
type About struct {
	Version string
	// Contracts are those that it serves: "renderer", "decrypter", "secret source".
	Contracts []string
	// ConfinedBy names what confines its process; NotConfinedBy are sentences
	// about what could not be had.
	ConfinedBy, NotConfinedBy []string
	// Program is what was started. Instead is why it is not the one that is to be
	// preferred, "" if it is or there is none.
	Program, Instead string
}

// About starts a plugin, if it does not run, and asks it.
func (h *Host) About(ctx context.Context, plugin string) (About, error) {
	p, err := h.pool(plugin)
	if err != nil {
		return About{}, &Error{Plugin: plugin, Call: "start", Kind: ErrUnavailable, Err: err}
	}
	proc, err := p.any(ctx)
	if err != nil {
		return About{}, err
	}
	said := proc.about
	a := About{Version: clean(said.GetVersion()), Program: proc.spec.Command}
	if proc.instead != nil {
		a.Instead = fmt.Sprintf("%s: %v", p.spec.Rather.Command, proc.instead)
	}
	for _, c := range []struct {
		name   string
		serves bool
	}{{"renderer", said.GetRenderer()}, {"decrypter", said.GetDecrypter()}, {"secret source", said.GetSecretSource()}} {
		if c.serves {
			a.Contracts = append(a.Contracts, c.name)
		}
	}
	for _, by := range said.GetConfinedBy() {
		a.ConfinedBy = append(a.ConfinedBy, clean(by))
	}
	for _, lack := range said.GetNotConfinedBy() {
		a.NotConfinedBy = append(a.NotConfinedBy, clean(lack))
	}
	return a, nil
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

// Failed says why the last start of a plugin has failed; nil if it has not, if none was
// tried, or if there is no such plugin.
func (h *Host) Failed(plugin string) error {
	p := h.find(plugin)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
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
