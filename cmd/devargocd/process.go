package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// farewell is how long a part may take to end before it is killed.
const farewell = 5 * time.Second

// supervise runs a part as a child process until ctx ends. It keeps its thread, because
// the kernel takes the end of the thread that started a child for the end of the parent.
func supervise(ctx context.Context, o options, p part, args []string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(o.dir, logsDir, p.name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Args[0] = p.name // which is who it is to API servers, too
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.dir, log, log
	cmd.Env = append(environment(o), nameVariable+"="+p.name)
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = farewell
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	return died(p.name, err, log.Name())
}

// tail is the end of a file.
func tail(path string) []byte {
	const most = 4 << 10
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(content[max(0, len(content)-most):])
}

// version is that of Argo CD.
func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == "github.com/argoproj/argo-cd/v3" {
			return d.Version
		}
	}
	return "unknown"
}
