package pluginstest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Main is what TestMain calls. The host runs the test binary as it would run
// tidelock, with "plugin serve NAME"; Main then serves the plugin of that name.
func Main(m *testing.M, plugins ...sdk.Plugin) {
	if len(os.Args) == 4 && os.Args[1] == "plugin" && os.Args[2] == "serve" {
		for _, p := range plugins {
			if p.Name == os.Args[3] {
				sdk.Serve(p)
				os.Exit(0)
			}
		}
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// Host returns a host of plugins, and closes it at the end of the test, when
// nothing of them may be left: no process, no file, no goroutine.
func Host(t testing.TB, plugins ...host.Spec) *host.Host {
	t.Helper()
	before := runtime.NumGoroutine()
	base, err := os.MkdirTemp("/tmp", "tl") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(host.Config{Logger: logger(t), Plugins: byCompanions(t, plugins), Dir: base})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pids := h.PIDs()
		if err := h.Close(); err != nil {
			t.Errorf("closing the host: %v", err)
		}
		left, err := filepath.Glob(base + "/*")
		if err != nil || len(left) > 0 {
			t.Errorf("files left: %v %v", left, err)
		}
		os.RemoveAll(base)
		for _, pid := range pids {
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
				t.Errorf("process %d is left", pid)
			}
		}
		Eventually(t, "goroutines return to what they were", func() bool { return runtime.NumGoroutine() <= before })
	})
	return h
}

// companionsEnv names the directory of programs that serve one plugin each, as
// make builds them. With it, tests have built-in plugins served by these.
const companionsEnv = "TIDELOCK_TEST_COMPANIONS"

// byCompanions has built-in plugins served by programs of their own, where there
// are any.
func byCompanions(t testing.TB, plugins []host.Spec) []host.Spec {
	dir := os.Getenv(companionsEnv)
	if dir == "" {
		return plugins
	}
	plugins = slices.Clone(plugins)
	for i, spec := range plugins {
		program := filepath.Join(dir, "tidelock-"+spec.Name)
		if _, err := os.Stat(program); spec.Command == "" && err == nil {
			t.Logf("%s is served by %s", spec.Name, program)
			plugins[i].Command, plugins[i].Args = program, nil
		}
	}
	return plugins
}

// Eventually waits up to two minutes for a condition.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			buf := make([]byte, 1<<16)
			t.Errorf("not so after two minutes: %s\n%s", what, buf[:runtime.Stack(buf, true)])
			return
		case <-tick.C:
		}
	}
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
