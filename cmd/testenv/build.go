package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// Binaries are the paths of the project's programs.
type Binaries struct {
	Tidelock   string
	External   string // the plugin with external-secrets' providers
	Devcluster string
}

// A Say takes a line of progress for people.
type Say func(format string, args ...any)

// parts are the programs in the order in which they are built, with what to say
// of those that take long when the Go build cache has nothing of them.
var parts = []struct{ name, about string }{
	{"devcluster", "a whole Kubernetes control plane: some minutes the first time"},
	{"tidelock", "the agent and the plugins beside it: a few minutes the first time"},
	{"tidelock-external-secrets", "external-secrets' providers: a few minutes the first time"},
}

// stillBuilding is how often a long build says that it goes on.
const stillBuilding = 15 * time.Second

// Build brings the programs in bin up to date, by make, which says how. Go's
// build cache decides what there is to do; with nothing to do it takes about a
// second.
func Build(ctx context.Context, say Say) (Binaries, error) {
	root, err := Root()
	if err != nil {
		return Binaries{}, err
	}
	for _, part := range parts {
		if err := build(ctx, root, part.name, part.about, say); err != nil {
			return Binaries{}, err
		}
	}
	bin := filepath.Join(root, "bin")
	return Binaries{
		Tidelock:   filepath.Join(bin, "tidelock"),
		External:   filepath.Join(bin, "tidelock-external-secrets"),
		Devcluster: filepath.Join(bin, "devcluster"),
	}, nil
}

// Program brings one program in bin up to date, with those that it needs, and
// returns its path.
func Program(ctx context.Context, name string, say Say) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := build(ctx, root, name, "a while the first time", say); err != nil {
		return "", err
	}
	return filepath.Join(root, "bin", name), nil
}

// builtVariable says that the programs in bin are up to date: make test has built them,
// and to see that nothing is to be done takes seconds of each test that starts one.
const builtVariable = "TIDELOCK_TEST_BUILT"

// build makes one program. A long build says every now and then that it goes on.
func build(ctx context.Context, root, name, about string, say Say) error {
	if _, err := os.Stat(filepath.Join(root, "bin", name)); err == nil && os.Getenv(builtVariable) != "" {
		return nil
	}
	say("building %s (%s)", name, about)
	start := time.Now()
	var output bytes.Buffer
	done := make(chan struct{})
	var g errgroup.Group
	g.Go(func() error {
		defer close(done)
		cmd := exec.CommandContext(ctx, "make", "--no-print-directory", "-C", root, "bin/"+name)
		cmd.Stdout, cmd.Stderr = &output, &output
		return cmd.Run()
	})
	tick := time.NewTicker(stillBuilding)
	defer tick.Stop()
	for building := true; building; {
		select {
		case <-done:
			building = false
		case <-tick.C:
			say("still building %s: %s so far", name, time.Since(start).Round(time.Second))
		}
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, bytes.TrimSpace(output.Bytes()))
	}
	say("built %s in %s", name, time.Since(start).Round(100*time.Millisecond))
	return nil
}

// module is the first line of the project's go.mod.
const module = "module github.com/tidelock-io/tidelock\n"

// Root returns the project's directory: the working directory or the nearest
// one above it that holds the project's go.mod.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(content, []byte(module)) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not within the project: run this in a clone of it", start)
		}
	}
}
