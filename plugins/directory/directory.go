// Package directory is the built-in renderer of plain manifests: the YAML and
// JSON files of a directory as they are, and what its Jsonnet files evaluate to.
//
// Start with [Plugin]. What a file holds is for render/manifest to parse, which
// names the file and line of what is no Kubernetes object. Which files are meant
// to be manifests is decided here, by Argo CD's rules.
package directory

import (
	"context"
	"fmt"
	"path"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Plugin returns the plugin, to be served.
//
// Jsonnet shares its process: it costs 0.1 ms at the start and 1 MB once used. A
// program that loops for ever dies with the process at the call's deadline, and
// the calls beside it are made again.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: "directory", Version: version, Renderer: Renderer{}}
}

// Renderer renders any directory.
type Renderer struct{}

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
	files, warnings, err := find(ctx, req.Tree, root, options)
	if err != nil {
		return nil, err
	}
	prefetch(req.Tree, files)
	r := &reading{ctx: ctx, req: req, root: root, options: options, result: &sdk.RenderResult{Warnings: warnings}}
	for _, name := range files {
		if err := r.file(name); err != nil {
			return nil, err
		}
	}
	return r.result, nil
}

// prefetch asks for files as many at a time as one question holds.
func prefetch(tree sdk.Tree, files []string) {
	const most = 256
	for len(files) > 0 {
		n := min(most, len(files))
		sdk.Prefetch(tree, files[:n]...)
		files = files[n:]
	}
}

// reading is one call of Render.
type reading struct {
	ctx     context.Context
	req     *sdk.RenderRequest
	root    string
	options *options
	program *program // of Jsonnet; nil until a file needs it
	result  *sdk.RenderResult
}

func (r *reading) file(name string) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	data, err := r.req.Tree.ReadFile(name)
	if err != nil {
		return err
	}
	data = utf8Of(data)
	if skipped(data) {
		return nil
	}
	switch path.Ext(name) {
	case ".jsonnet":
		return r.evaluate(name, data)
	case ".json":
		r.add(name, data)
		return nil
	}
	r.manifests(name, data)
	return nil
}

func (r *reading) add(name string, data []byte) {
	r.result.Documents = append(r.result.Documents, sdk.Document{Data: data, File: name, Line: 1})
}

func (r *reading) warn(name, format string, args ...any) {
	r.result.Warnings = append(r.result.Warnings, name+": left out: "+fmt.Sprintf(format, args...))
}
