package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/gobwas/glob"
)

// options are spec.source.directory of an Application (SEMANTICS 1.2).
type options struct {
	Recurse bool           `json:"recurse"`
	Include string         `json:"include"`
	Exclude string         `json:"exclude"`
	Jsonnet jsonnetOptions `json:"jsonnet"`
	// DisableExtensionFilter lets in files of any name.
	DisableExtensionFilter bool `json:"disableExtensionFilter"`

	include, exclude *glob.Pattern
}

type jsonnetOptions struct {
	ExtVars []variable `json:"extVars"`
	TLAs    []variable `json:"tlas"`
	// Libs are directories by their path from the repository's root.
	Libs []string `json:"libs"`
}

// variable is a text, or an expression if Code is set.
type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code"`
}

// expand puts the build environment's values for $NAME and ${NAME}; $$ is a
// dollar (SEMANTICS 1.3).
func (v variable) expand(env map[string]string) string {
	return os.Expand(v.Value, func(name string) string {
		if name == "$" {
			return "$"
		}
		return env[name]
	})
}

const (
	field = "spec.source.directory"
	// maxGlob bounds the length of a pattern, and so the work of matching it.
	maxGlob = 4 << 10
)

func parseOptions(data json.RawMessage) (*options, error) {
	o := &options{}
	if len(data) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(o); err != nil {
			return nil, fmt.Errorf("%s: %s", field, strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	var err error
	if o.include, err = compile(o.Include); err != nil {
		return nil, fmt.Errorf("%s.include: %w", field, err)
	}
	if o.exclude, err = compile(o.Exclude); err != nil {
		return nil, fmt.Errorf("%s.exclude: %w", field, err)
	}
	if err := o.Jsonnet.check(); err != nil {
		return nil, fmt.Errorf("%s.jsonnet.%w", field, err)
	}
	return o, nil
}

// check makes paths of the tree of libs.
func (j *jsonnetOptions) check() error {
	for i, lib := range j.Libs {
		// A leading slash is the repository's root, as in Argo CD.
		j.Libs[i] = path.Clean(strings.TrimLeft(lib, "/"))
		if !fs.ValidPath(j.Libs[i]) {
			return fmt.Errorf("libs[%d]: %q leaves the repository: give a directory by its path from the repository's root", i, lib)
		}
	}
	return nil
}

// compile reads a pattern as Argo CD does: braces hold alternatives, and a star
// spans directories.
func compile(pattern string) (*glob.Pattern, error) {
	if pattern == "" {
		return nil, nil
	}
	if len(pattern) > maxGlob {
		return nil, errors.New("the pattern is too long")
	}
	g, err := glob.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return g, nil
}

// wants says whether a file, by its path below the directory, is to be read.
func (o *options) wants(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".jsonnet":
	default:
		if !o.DisableExtensionFilter {
			return false
		}
	}
	if o.exclude != nil && o.exclude.Match(name) {
		return false
	}
	return o.include == nil || o.include.Match(name)
}
