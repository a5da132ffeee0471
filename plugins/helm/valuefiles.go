package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// An entry is one of helm.valueFiles: a file of the tree, or a pattern of such.
type entry struct {
	field, raw string
	name       string
	base       string // the directory that it must not leave
	pattern    bool
}

// entry finds what a value file stands for. Where it belongs to another source
// that is mounted.
func (in *inputs) entry(raw string) (entry, error) {
	if ref, rest, ok := in.reference(raw); ok {
		return in.within(raw, sdk.Source{Ref: ref}, in.r.substitute(rest))
	}
	text := in.r.substitute(raw)
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return in.remote(raw, text, scheme)
	}
	if text == "" {
		return entry{}, fmt.Errorf("%q names no file, once variables are filled in", raw)
	}
	dir := in.r.root
	if strings.HasPrefix(text, "/") {
		dir = "."
	}
	name := strings.TrimLeft(text, "/")
	if leaves(dir, name) {
		return entry{}, fmt.Errorf("%q leads out of the repository", raw)
	}
	return entry{raw: raw, name: path.Join(dir, name), base: ".", pattern: isPattern(text)}, nil
}

// path is entry for what must be one file.
func (in *inputs) path(text string) (string, error) {
	e, err := in.entry(text)
	return e.name, err
}

// reference splits "$ref/file". A variable of the build environment is no
// reference.
func (in *inputs) reference(raw string) (ref, rest string, ok bool) {
	after, ok := strings.CutPrefix(raw, "$")
	if !ok || strings.HasPrefix(after, "$") || strings.HasPrefix(after, "{") {
		return "", "", false
	}
	ref, rest, ok = strings.Cut(after, "/")
	_, variable := in.r.req.Env[ref]
	return ref, rest, ok && !variable
}

func (in *inputs) within(raw string, source sdk.Source, name string) (entry, error) {
	mounted, err := in.r.req.Host.Mount(in.r.ctx, source)
	if err != nil {
		return entry{}, err
	}
	name = strings.TrimLeft(name, "/")
	if leaves(".", name) {
		return entry{}, fmt.Errorf("%q leads out of the source", raw)
	}
	return entry{raw: raw, name: path.Join(mounted.Path, name), base: mounted.Path, pattern: isPattern(name)}, nil
}

// remote has the host fetch a single file.
func (in *inputs) remote(raw, text, scheme string) (entry, error) {
	switch scheme {
	case "https", "http":
	case "secrets", "secrets+age-import", "secrets+gpg-import", "secrets+literal":
		return entry{}, fmt.Errorf("%q: a SOPS file needs no prefix here, it is decrypted as it is read; write %s", raw, path.Base(text))
	default:
		return entry{}, fmt.Errorf("%q: value files are fetched over https only; copy it into the repository", raw)
	}
	mounted, err := in.r.req.Host.Mount(in.r.ctx, sdk.Source{URL: text})
	if err != nil {
		return entry{}, err
	}
	entries, err := in.r.req.Tree.ReadDir(mounted.Path)
	if err != nil {
		return entry{}, err
	}
	if len(entries) != 1 {
		return entry{}, fmt.Errorf("%q is no single file", raw)
	}
	return entry{raw: raw, name: path.Join(mounted.Path, entries[0].Name()), base: mounted.Path}, nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[{") }

// maxMatches bounds how many files one pattern may name.
const maxMatches = 1000

var errMatches = errors.New("the pattern matches too many files")

// glob returns the files that a pattern matches in the order of their names.
func (in *inputs) glob(e entry) ([]string, error) {
	if !doublestar.ValidatePattern(e.name) {
		return nil, fmt.Errorf("%q is no valid pattern", e.raw)
	}
	var names []string
	err := doublestar.GlobWalk(in.r.req.Tree, e.name, func(name string, _ fs.DirEntry) error {
		info, err := in.r.req.Tree.Stat(name)
		switch {
		case err != nil || info.IsDir():
			return err
		case len(names) == maxMatches:
			return errMatches
		}
		names = append(names, name)
		return in.r.ctx.Err()
	}, doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q: %w", e.raw, err)
	}
	slices.Sort(names)
	return names, nil
}
