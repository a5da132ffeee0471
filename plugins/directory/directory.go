// Package directory is the built-in renderer of plain manifests: the YAML and
// JSON files of a directory, as they are.
//
// Start with [Plugin]. What a file holds is for render/manifest to parse, which
// names the file and line of what is no Kubernetes object.
package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gobwas/glob"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Plugin returns the plugin, to be served.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: "directory", Version: version, Renderer: Renderer{}}
}

// Renderer renders any directory.
type Renderer struct{}

// skipMark, in a file, has it left out. It is Argo CD's.
const skipMark = "+argocd:skip-file-rendering"

// Render reads files in the order of their names. It never returns ErrNotMine.
func (Renderer) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	options, err := parseOptions(req.Options)
	if err != nil {
		return nil, err
	}
	root := path.Clean(req.Path)
	info, err := req.Tree.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: is not a directory", root)
	}
	r := &reading{ctx: ctx, tree: req.Tree, root: root, options: options, result: &sdk.RenderResult{}}
	return r.result, r.dir(root)
}

// reading is one call of Render.
type reading struct {
	ctx     context.Context
	tree    sdk.Tree
	root    string
	options *options
	result  *sdk.RenderResult
}

func (r *reading) dir(name string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	entries, err := r.tree.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := r.entry(path.Join(name, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) entry(name string, e fs.DirEntry) error {
	if e.IsDir() {
		if !r.options.Recurse {
			return nil
		}
		return r.dir(name)
	}
	if !r.options.wants(relative(r.root, name)) {
		return nil
	}
	if e.Type()&fs.ModeSymlink != 0 {
		// A link to a directory is not followed: it could lead round in a circle.
		if info, err := r.tree.Stat(name); err != nil || info.IsDir() {
			return err
		}
	}
	return r.file(name)
}

func (r *reading) file(name string) error {
	if path.Ext(name) == ".jsonnet" {
		return fmt.Errorf("%s: jsonnet is not supported: exclude the file, or commit what it evaluates to", name)
	}
	data, err := r.tree.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Contains(data, []byte(skipMark)) {
		r.result.Documents = append(r.result.Documents, sdk.Document{Data: data, File: name, Line: 1})
	}
	return nil
}

func relative(root, name string) string {
	if root == "." {
		return name
	}
	return strings.TrimPrefix(name, root+"/")
}

// options are spec.source.directory of an Application (SEMANTICS 1.2).
type options struct {
	Recurse bool   `json:"recurse"`
	Include string `json:"include"`
	Exclude string `json:"exclude"`
	// Jsonnet is accepted, for Argo CD writes an empty block; a .jsonnet file is
	// refused.
	Jsonnet                json.RawMessage `json:"jsonnet"`
	DisableExtensionFilter bool            `json:"disableExtensionFilter"`

	include, exclude *glob.Pattern
}

// maxGlob bounds the length of a pattern, and so the work of matching it.
const maxGlob = 4 << 10

func parseOptions(data json.RawMessage) (*options, error) {
	o := &options{}
	if len(data) > 0 {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(o); err != nil {
			return nil, fmt.Errorf("spec.source.directory: %s", strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	var err error
	if o.include, err = compile(o.Include); err != nil {
		return nil, fmt.Errorf("spec.source.directory.include: %w", err)
	}
	if o.exclude, err = compile(o.Exclude); err != nil {
		return nil, fmt.Errorf("spec.source.directory.exclude: %w", err)
	}
	return o, nil
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
