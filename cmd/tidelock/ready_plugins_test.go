package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
)

// TestPluginsReady: an agent whose renderers do not start is not ready, by itself until
// they do; one that nobody has needed yet is no matter.
func TestPluginsReady(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "plugin")
	h, err := host.New(host.Config{Logger: slog.New(slog.DiscardHandler), Plugins: []host.Spec{
		{Name: "kustomize", Command: program, Args: []string{"plugin", "serve", "kustomize"}}, {Name: "sealed", Command: program},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	want := func(want string) {
		t.Helper()
		if got := pluginsWrong(h); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want("")
	for _, name := range []string{"kustomize", "sealed"} {
		if h.Warm(t.Context(), name) == nil {
			t.Fatalf("%s has started", name)
		}
	}
	want("plugin kustomize does not start, and is tried again: the log says why")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); pluginsWrong(h) != ""; {
		if time.Since(begun) > 2*time.Minute {
			t.Fatalf("it is there, and does not start: %v", h.Failed("kustomize"))
		}
	}
}
