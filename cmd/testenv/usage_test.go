package testenv

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       stat
	}{
		{"usual", "42 (tidelock) S 1 42 40 0 -1 4194560 1 2 3 4 100 50 7 3 20 0 12 0 5", stat{'S', 40, 1600 * time.Millisecond}},
		{"spaces and parentheses in the name", "42 (a) R (b) Z 1 42 7 0 -1 4194560 1 2 3 4 1 0 0 0 20 0", stat{'Z', 7, 10 * time.Millisecond}},
	} {
		got, err := parseStat([]byte(tt.line))
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "42 (x) S 1 2", "42 (x) S 1 42 forty 0 -1 4194560 1 2 3 4 100 50 7 3", "42 (x) S 1 42 40 0 -1 4194560 1 2 3 4 many 50 7 3"} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

func TestParsePSS(t *testing.T) {
	got, err := parsePSS([]byte("5604-7ffd ---p 00000000 00:00 0    [rollup]\nRss:      1024 kB\nPss:       512 kB\nPss_Dirty: 9 kB\n"))
	if err != nil || got != 512<<10 {
		t.Errorf("got %d, %v", got, err)
	}
	if got, err := parsePSS([]byte("Rss: 1024 kB\n")); err == nil {
		t.Errorf("without Pss: got %d, want an error", got)
	}
}

// A program is measured with what it started, and what it leaves behind is known.
func TestSession(t *testing.T) {
	p, err := start("shell", exec.Command("sh", "-c", "sleep 1000 & sleep 1000 & wait"), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	pid := p.PID()
	if err := p.AwaitUp(t.Context(), func(context.Context) bool {
		usage, err := usageOf(pid)
		return err == nil && usage.Processes == 3 && usage.Memory > 0
	}); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	left, err := session(pid)
	if err != nil || len(left) != 2 || slices.Contains(left, pid) {
		t.Errorf("left behind: %v, %v; want the two children of %d", left, err, pid)
	}
	for _, child := range left {
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}

// A process that has ended is known until somebody waits for it.
func TestZombies(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	for {
		ended, err := zombies(pid)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(ended, []int{pid}) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if live, err := session(pid); err != nil || len(live) > 0 {
		t.Errorf("it lives: %v, %v", live, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if ended, err := zombies(pid); err != nil || len(ended) > 0 {
		t.Errorf("nobody has waited for %v, %v", ended, err)
	}
}
