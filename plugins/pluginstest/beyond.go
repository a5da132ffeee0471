package pluginstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Beyond is an sdk.Host for tests: what it mounts and gives is known beforehand.
type Beyond struct {
	host    *host.Host
	request sdk.RenderRequest
	mounts  map[string]string          // directories of the tree, by Source.String
	objects map[string]json.RawMessage // by Object.String
}

var _ sdk.Host = (*Beyond)(nil)

// newBeyond takes what is not in the tree from an archive: files "mount SOURCE
// PATH" and objects "lookup APIVERSION KIND NAMESPACE/NAME". What is mounted
// goes into the tree. It returns the other files.
func newBeyond(h *host.Host, files []txtar.File) (*Beyond, []txtar.File) {
	b := &Beyond{host: h, mounts: map[string]string{}, objects: map[string]json.RawMessage{}}
	var rest []txtar.File
	for _, f := range files {
		if object, ok := strings.CutPrefix(f.Name, "lookup "); ok {
			b.objects[object] = f.Data
			continue
		}
		if mount, ok := strings.CutPrefix(f.Name, "mount "); ok {
			i := strings.LastIndex(mount, " ")
			f.Name = b.dir(mount[:i]) + "/" + mount[i+1:]
		}
		rest = append(rest, f)
	}
	return b, rest
}

// dir is where a source lies.
func (b *Beyond) dir(source string) string {
	if _, ok := b.mounts[source]; !ok {
		b.mounts[source] = fmt.Sprintf(".tidelock-mounts/%d", len(b.mounts)+1)
	}
	return b.mounts[source]
}

// Mount returns the directory of a source that the archive has.
func (b *Beyond) Mount(_ context.Context, source sdk.Source) (sdk.Mounted, error) {
	dir, ok := b.mounts[source.String()]
	if !ok {
		return sdk.Mounted{}, fmt.Errorf("nothing is known of %s", source)
	}
	return sdk.Mounted{Path: dir, Revision: source.Revision}, nil
}

// Render calls another plugin of the same host.
func (b *Beyond) Render(ctx context.Context, nested sdk.NestedRequest) (*sdk.RenderResult, error) {
	req := b.request
	req.Path, req.Options = nested.Path, nested.Options
	if nested.Namespace != "" {
		req.Namespace = nested.Namespace
	}
	return b.host.Render(ctx, nested.Plugin, &req)
}

// Lookup returns an object that the archive has. If it has none at all, then
// none may be looked up.
func (b *Beyond) Lookup(_ context.Context, o sdk.Object) (json.RawMessage, error) {
	if len(b.objects) == 0 {
		return nil, fmt.Errorf("not allowed: %w", fs.ErrNotExist)
	}
	return b.objects[o.String()], nil
}

// serve makes b the host of a request.
func (b *Beyond) serve(req *sdk.RenderRequest) {
	req.Host, b.request = b, *req
}
