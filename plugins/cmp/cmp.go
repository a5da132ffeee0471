// Package cmp runs Argo CD's config management plugins: commands that a
// plugin.yaml names, in a copy of the repository, whose output is manifests
// (SEMANTICS.md 2.10).
//
// Start with [Load]. One process serves one plugin.yaml; package definition
// reads it.
package cmp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/cmp/definition"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

const (
	// Name is that of the built-in that runs them all.
	Name = "cmp"
	// ConfigEnv names the variable that says which one: a Config as JSON.
	ConfigEnv = "TIDELOCK_CMP"
)

// A Config says what a process is to run, and how.
type Config struct {
	// File is the plugin.yaml.
	File string `json:"file"`
	// Env is what Argo CD's sidecar would have in its environment. Its values are
	// not shown.
	Env map[string]string `json:"env,omitempty"`
	// Copy are the paths that the commands see: from the root of the repository
	// if they begin with a slash, else from the directory that is rendered, which
	// they always see. All of the repository if empty.
	Copy []string `json:"copy,omitempty"`
	// Encrypted leaves SOPS files as they are.
	Encrypted bool `json:"encrypted,omitempty"`
}

// Needs is what every such plugin needs.
var Needs = sandbox.Grants{Exec: true, Scratch: true}

// Load reads what ConfigEnv names, and returns the plugin to be served.
func Load(version string) (sdk.Plugin, error) {
	var c Config
	if err := json.Unmarshal([]byte(os.Getenv(ConfigEnv)), &c); err != nil {
		return sdk.Plugin{}, fmt.Errorf("%s does not say what to run; Tidelock itself sets it", ConfigEnv)
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return sdk.Plugin{}, err
	}
	d, err := definition.Parse(c.File, text)
	if err != nil {
		return sdk.Plugin{}, err
	}
	return sdk.Plugin{Name: d.ID(), Version: version, Renderer: &renderer{c, d}, Serial: true, Needs: Needs}, nil
}

type renderer struct {
	config Config
	*definition.Definition
}

// options are spec.source.plugin of an Application.
type options struct {
	Name       string          `json:"name"`
	Env        json.RawMessage `json:"env"` // part of the request's Env
	Parameters []parameter     `json:"parameters"`
}

// Render runs init and generate in the directory.
func (r *renderer) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	o, err := parseOptions(req.Options)
	if err != nil {
		return nil, err
	}
	switch info, err := req.Tree.Stat(path.Clean(req.Path)); {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s: is not a directory", req.Path)
	}
	w, err := req.Materialize(ctx, sdk.CopyOptions{
		Paths: r.paths(req.Path), Encrypted: r.config.Encrypted, KeepModes: r.Spec.PreserveFileMode,
	})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	s := &session{config: r.config, workspace: w, dir: filepath.Join(w.Tree, filepath.FromSlash(req.Path)), env: environment(r.config, w, req, o)}
	if ask := r.Spec.Discover.Asks(); ask != nil && o.Name == "" {
		if out, err := s.run(ctx, "discover", ask); err != nil || len(bytes.TrimSpace(out)) == 0 {
			return nil, sdk.ErrNotMine
		}
	}
	if init := r.Spec.Init.Argv(); len(init) > 0 {
		if _, err := s.run(ctx, "init", init); err != nil {
			return nil, err
		}
	}
	out, err := s.run(ctx, "generate", r.Spec.Generate.Argv())
	if err != nil {
		return nil, err
	}
	return &sdk.RenderResult{Documents: documents("output of "+r.ID(), out), Warnings: r.Warnings()}, nil
}

func parseOptions(data json.RawMessage) (*options, error) {
	o := &options{}
	if len(data) == 0 {
		return o, nil
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(o); err != nil {
		return nil, fmt.Errorf("spec.source.plugin: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return o, nil
}

// paths are what is copied for a directory.
func (r *renderer) paths(dir string) []string {
	if len(r.config.Copy) == 0 {
		return nil
	}
	paths := []string{dir}
	for _, p := range r.config.Copy {
		if strings.HasPrefix(p, "/") {
			p = "." + path.Clean(p)
		} else {
			p = path.Join(dir, p)
		}
		paths = append(paths, path.Clean(p))
	}
	return paths
}

// piece is how large a document is that is cut from a longer output, roughly.
const piece = 1 << 20

// documents cuts an output at lines that begin with "---".
func documents(name string, out []byte) []sdk.Document {
	var all []sdk.Document
	line := 1
	for len(out) > 0 {
		end := len(out)
		if end > piece {
			if i := bytes.Index(out[piece:], []byte("\n---")); i >= 0 {
				end = piece + i + 1
			}
		}
		all = append(all, sdk.Document{Data: out[:end], File: name, Line: line})
		line += bytes.Count(out[:end], []byte("\n"))
		out = out[end:]
	}
	return all
}
