// Command tiny is a Tidelock plugin: it renders *.tiny files, a small language for
// small services.
package main

import (
	"context"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A renderer makes a Deployment and a Service of each service in *.tiny files.
type renderer struct{}

func (renderer) Render(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	parameters, err := req.Parameters("registry")
	if err != nil {
		return nil, err
	}
	entries, err := req.Tree.ReadDir(req.Path)
	if err != nil {
		return nil, err
	}
	result := &sdk.RenderResult{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tiny") {
			continue
		}
		file := path.Join(req.Path, e.Name())
		text, err := req.Tree.ReadFile(file)
		if err != nil {
			return nil, err
		}
		services, err := parse(file, string(text))
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			data := s.manifests(parameters.Text("registry", "docker.io"))
			result.Documents = append(result.Documents, sdk.Document{Data: data, File: file, Line: s.line})
		}
	}
	if len(result.Documents) == 0 {
		return nil, sdk.ErrNotMine
	}
	return result, nil
}

func main() {
	sdk.Serve(sdk.Plugin{Name: "tiny", Version: "1.0.0", Renderer: renderer{}})
}
