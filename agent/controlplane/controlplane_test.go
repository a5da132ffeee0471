package controlplane

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// program is bin/devcluster.
func program(t *testing.T) string {
	t.Helper()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "bin", Program)
}

// A control plane serves what it is told to, and leaves nothing.
func TestStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p, err := Start(t.Context(), Options{Program: program(t), Emulate: "1.35", UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil || version.EmulationMinor != "35" {
		t.Errorf("got version %v, %v", version, err)
	}
	accounts, err := client.CoreV1().ServiceAccounts("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(accounts.Items) > 0 {
		t.Errorf("a controller runs: %v, %v", accounts, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	nothing(t)
}

// Whoever ends while it starts leaves nothing, too.
func TestInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := Start(ctx, Options{Program: program(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", p, err)
	}
	nothing(t)
}

// A program that cannot do it says why.
func TestNoSuchVersion(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p, err := Start(t.Context(), Options{Program: program(t), Emulate: "1.12"})
	if err == nil || !strings.Contains(err.Error(), "1.12") {
		t.Errorf("got %v, %v", p, err)
	}
	nothing(t)
}

// TestKilled: the files of a control plane go even if its starter is killed.
func TestKilled(t *testing.T) {
	if os.Getenv("START") != "" {
		_, err := Start(t.Context(), Options{Program: program(t)})
		if err == nil {
			err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "START=yes", "TMPDIR="+dir)
	if output, err := cmd.CombinedOutput(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%v\n%s", err, output)
	}
	for {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("left: %v", left)
		}
	}
}

func nothing(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if got, err := Find(); !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), "make bin/devcluster") {
		t.Errorf("got %q, %v", got, err)
	}
	here := filepath.Join(dir, Program)
	if err := os.WriteFile(here, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(); err != nil || got != here {
		t.Errorf("got %q, %v", got, err)
	}
}
