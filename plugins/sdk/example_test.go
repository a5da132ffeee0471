package sdk_test

import (
	"bytes"
	"context"
	"path"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// An upper renders the file "MANIFEST" of a directory, in capitals.
type upper struct{}

func (upper) Render(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	file := path.Join(req.Path, "MANIFEST")
	data, err := req.Tree.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return &sdk.RenderResult{Documents: []sdk.Document{{Data: bytes.ToUpper(data), File: file, Line: 1}}}, nil
}

// A whole plugin.
func Example() {
	sdk.Serve(sdk.Plugin{Name: "upper", Version: "1.0.0", Renderer: upper{}})
}
