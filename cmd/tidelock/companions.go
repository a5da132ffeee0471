package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/host"
)

// companions are the programs that serve one built-in plugin each, and have
// nothing else in them: "kustomize=BUILD,helm=BUILD", with what `go tool buildid`
// says of each. The linker sets it (see the Makefile), so that a program of
// another build is never taken for one of these; without it there are none, and
// this program serves all.
var companions string

// companion is the program that a built-in plugin is rather served by: it lies
// beside this one, where links lead to. It is nil if this build has none.
func companion(self, plugin string) *host.Program {
	build := buildOf(companions, plugin)
	if build == "" {
		return nil
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	path := filepath.Join(filepath.Dir(self), "tidelock-"+plugin)
	return &host.Program{Command: path, Verify: func() error { return checkBuild(path, build) }}
}

func buildOf(companions, plugin string) string {
	for pair := range strings.SplitSeq(companions, ",") {
		if name, build, _ := strings.Cut(pair, "="); name == plugin {
			return build
		}
	}
	return ""
}

// buildWithin is how far from its beginning a program may have its build: Go has
// it in the first 8 KiB, on every system.
const buildWithin = 64 << 10

// checkBuild says why a file is not the program of a build.
func checkBuild(path, build string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no file")
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, buildWithin))
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	if !bytes.Contains(head, []byte(build)) {
		return errors.New("it is of another build than this program")
	}
	return nil
}
