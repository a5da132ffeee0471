package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is a chart that takes minutes to render, and an Application of it.
var endless = map[string]string{
	"chart/Chart.yaml": "apiVersion: v2\nname: endless\nversion: 1.0.0\n",
	"chart/templates/a.yaml": "{{- range until 9000 }}{{- range until 9000 }}{{- range until 9000 }}{{- end }}{{- end }}{{- end }}\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	"argocd/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  project: default\n" +
		"  source: {repoURL: https://git.example.com/a, path: chart}\n  destination: {namespace: a, server: https://kubernetes.default.svc}\n",
}

// Ctrl-C ends validate and diff amid a render, and leaves neither a process nor a
// file behind.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked for in /proc")
	}
	tidelock, err := exec.LookPath("tidelock")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	first := commitAll(t, work, endless)
	putFile(t, filepath.Join(work, "chart/values.yaml"), []byte("a: b\n"))
	for _, args := range [][]string{{"validate"}, {"diff", "--from", first}} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			temp, cache := t.TempDir(), t.TempDir()
			var out bytes.Buffer
			cmd := exec.CommandContext(ctx, tidelock, args...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = work, &out, &out
			cmd.Env = append(os.Environ(), "TMPDIR="+temp, "XDG_CACHE_HOME="+cache, "XDG_RUNTIME_DIR="+temp)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var plugins []string
			for len(plugins) == 0 && ctx.Err() == nil {
				plugins = renderersOf(cmd.Process.Pid)
				time.Sleep(10 * time.Millisecond)
			}
			start := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			t.Logf("it ended after %s", time.Since(start))
			if ctx.Err() != nil || cmd.ProcessState.ExitCode() != exitUnknown {
				t.Errorf("it ended by %v\n%s", err, &out)
			}
			for _, pid := range plugins {
				for ctx.Err() == nil && alive(pid) {
					time.Sleep(10 * time.Millisecond)
				}
				if alive(pid) {
					t.Errorf("process %s is still there", pid)
				}
			}
			for _, dir := range []string{temp, cache} {
				_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
					if err == nil && !e.IsDir() && (dir == temp || strings.HasPrefix(e.Name(), ".")) || dir == temp && name != temp {
						t.Errorf("%s was left behind", name)
					}
					return nil
				})
			}
		})
	}
}

// renderersOf are the plugin processes of a process that have been at work for a while.
func renderersOf(pid int) (busy []string) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			command, _ := os.ReadFile("/proc/" + child + "/cmdline")
			if strings.Contains(string(command), "helm") && processorTicks(child) > 30 {
				busy = append(busy, child)
			}
		}
	}
	return busy
}

// processorTicks is how much a process has done, in hundredths of a second.
func processorTicks(pid string) (ticks int) {
	text, _ := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	if fields := strings.Fields(rest); len(fields) > 11 {
		_, _ = fmt.Sscan(fields[11], &ticks)
	}
	return ticks
}

func alive(pid string) bool {
	var n int
	_, _ = fmt.Sscan(pid, &n)
	return syscall.Kill(n, 0) == nil
}
