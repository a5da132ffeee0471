package pluginstest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

// without is a plugin that runs on a kernel which lacks calls.
func without(t *testing.T, calls, plugin string) host.Spec {
	return host.Spec{Name: plugin, Command: self(t), Args: []string{pluginstest.WithoutVerb, calls, self(t), "plugin", "serve", plugin}}
}

const (
	noFiles = "landlock: the kernel has none, or it is off (function not implemented): files are not confined"
	noCalls = "seccomp: the kernel has none, or does not permit it (function not implemented): system calls, and with them the network, are not confined"
)

// TestWeakKernel: on a kernel that lacks a part of the sandbox a plugin runs with
// the rest, and the host warns of it once, whatever starts how often.
func TestWeakKernel(t *testing.T) {
	if pluginstest.Race {
		t.Skip("the race detector takes a part of the sandbox, too")
	}
	for _, tt := range []struct {
		name, calls, lacking string
		allowed, refused     []string
		dies                 string
	}{
		{"no Landlock", pluginstest.Landlock, noFiles, []string{"read /etc/passwd", "list /"}, []string{"dial TCP", "dial UDP", "exec", "fork", "memfd"}, "exit"},
		{"no seccomp", pluginstest.Seccomp, noCalls, []string{"dial UDP", "fork", "memfd"}, []string{"read /etc/passwd", "list /", "write", "exec"}, "exit"},
		{"neither", pluginstest.Landlock + "," + pluginstest.Seccomp, noFiles + "; " + noCalls, []string{"read /etc/passwd", "dial UDP"}, nil, "memory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			h, err := host.New(host.Config{
				Logger:  slog.New(slog.NewTextHandler(&log, nil)),
				Plugins: []host.Spec{without(t, tt.calls, "rogue"), without(t, tt.calls, "crowd")},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			for _, what := range tt.allowed {
				if got, err := render(h, "rogue", what); err != nil || got != "allowed" {
					t.Errorf("%s: %q, %v", what, got, err)
				}
			}
			for _, what := range tt.refused {
				if got, err := render(h, "crowd", what); err != nil || !strings.HasPrefix(got, "refused: ") {
					t.Errorf("%s: %q, %v", what, got, err)
				}
			}
			if _, err := render(h, "rogue", tt.dies); !errors.Is(err, host.ErrCrashed) {
				t.Errorf("%s: %v", tt.dies, err)
			}
			if got, err := render(h, "rogue", "work"); got != "done" {
				t.Errorf("a second process: %q, %v", got, err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "lacking=\""+tt.lacking+"\"") {
				t.Errorf("%d warnings:\n%s\nwant one of %s", n, log.String(), tt.lacking)
			}
		})
	}
}

// TestWeakKernelRefused: where the sandbox is required, nothing works on such a
// kernel, and the error says what is lacking.
func TestWeakKernelRefused(t *testing.T) {
	if pluginstest.Race {
		t.Skip("the race detector takes a part of the sandbox, too")
	}
	for calls, lacking := range map[string]string{
		pluginstest.Landlock: noFiles, pluginstest.Seccomp: noCalls, pluginstest.Landlock + "," + pluginstest.Seccomp: noFiles + "; " + noCalls,
		"landlock_restrict_self": "landlock: ",
	} {
		h, err := host.New(host.Config{RequireSandbox: true, Plugins: []host.Spec{without(t, calls, "rogue"), {Name: "crowd"}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = render(h, "rogue", "work")
		want := "plugin rogue: render of application shop: it refuses to work: the sandbox is incomplete: " + lacking
		if !errors.Is(err, host.ErrUnavailable) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("without %s: got %v, want %s", calls, err, want)
		}
		if err := h.Warm(context.Background(), "rogue"); err == nil || !strings.Contains(err.Error(), lacking) {
			t.Errorf("without %s, Warm: %v", calls, err)
		}
		if got, err := render(h, "crowd", "work"); got != "done" {
			t.Errorf("on this kernel as it is: %q, %v", got, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestServiceAccountToken: what a pod mounts is out of reach, by the link that it
// is and by the file that it leads to; granted, it is not.
func TestServiceAccountToken(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/..data", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(dir+"/..data/token", []byte("eyJ"), 0o644), os.Symlink("..data/token", dir+"/token")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dir + "/token", dir + "/..data/token"} {
		h := pluginstest.Host(t, host.Spec{Name: "rogue"})
		if got, err := render(h, "rogue", "read "+file); err != nil || !strings.HasPrefix(got, "refused: open ") || !strings.Contains(got, "permission denied") {
			t.Errorf("%s: %q, %v", file, got, err)
		}
		h = pluginstest.Host(t, host.Spec{Name: "rogue", Grants: sandbox.Grants{Files: []string{dir}}})
		if got, err := render(h, "rogue", "read "+file); err != nil || got != "allowed" {
			t.Errorf("%s, granted: %q, %v", file, got, err)
		}
	}
}
