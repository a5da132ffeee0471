package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/pflag"

	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/render/shelf"
)

// cacheOptions say where commands that render a whole repository keep what they
// rendered. The zero value keeps nothing.
type cacheOptions struct {
	dir string
	off bool
	on  bool // the command has such a cache
	// warn is told why nothing is kept; nil for who is told of the rest.
	warn io.Writer
}

func (o *cacheOptions) flags(f *pflag.FlagSet) {
	o.on = true
	f.StringVar(&o.dir, "cache-dir", "", "`DIR` for what was rendered, kept from one run to the next; without it that of your user")
	f.BoolVar(&o.off, "no-cache", false, "render all anew, and keep nothing")
}

// What is kept from one run to the next, in a directory each.
const (
	keptRendered = "renders"
	keptClear    = "clear"
	keptSchemas  = "schemas"
)

// open returns nil if nothing is to be kept. Your user's own directory is done
// without if there is none; one that was asked for is not.
func (o *cacheOptions) open(what string, talk io.Writer) (*shelf.Shelf, error) {
	dir := o.dir
	switch {
	case !o.on || o.off:
		return nil, nil
	case dir == "":
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, nil //nolint:nilerr // there is none
		}
		dir = filepath.Join(cache, "tidelock")
	}
	kept, err := shelf.Open(filepath.Join(dir, what), shelf.DefaultBytes)
	switch {
	case err == nil:
		return kept, nil
	case o.dir != "":
		return nil, fmt.Errorf("--cache-dir: %w", err)
	case errors.Is(err, shelf.ErrTrap):
		if o.warn != nil {
			talk = o.warn
		}
		fmt.Fprintf(talk, "warning: nothing is kept for the next run: %v\n", err)
	}
	return nil, nil
}

func closeShelf(s *shelf.Shelf) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

// buildText tells this program from all others that are called the same: near its
// beginning stands what the linker made of all that is in it.
var buildText = sync.OnceValue(func() string {
	sum := sha256.New()
	fmt.Fprintln(sum, release.Text())
	if self, err := os.Executable(); err == nil {
		if f, err := os.Open(self); err == nil {
			defer f.Close()
			if info, err := f.Stat(); err == nil {
				fmt.Fprintln(sum, info.Size(), info.ModTime().UnixNano())
			}
			_, _ = io.CopyN(sum, f, 64<<10) // a program that cannot be read is told by its version
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
})
