package pluginstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

var errRefused = errors.New("the project does not permit it")

// a beyond answers what the test says, and calls back.
type beyond struct {
	host    *host.Host
	tree    *pluginstest.Tree
	refuse  error
	sources []sdk.Source
}

func (b *beyond) Mount(_ context.Context, s sdk.Source) (sdk.Mounted, error) {
	b.sources = append(b.sources, s)
	return sdk.Mounted{Path: "m", Revision: "1.0.0"}, b.refuse
}

func (b *beyond) Render(ctx context.Context, req sdk.NestedRequest) (*sdk.RenderResult, error) {
	if b.refuse != nil {
		return nil, b.refuse
	}
	return b.host.Render(ctx, req.Plugin, &sdk.RenderRequest{Application: "shop", Path: req.Path, Options: req.Options, Tree: b.tree})
}

func (b *beyond) Lookup(_ context.Context, o sdk.Object) (json.RawMessage, error) {
	return json.RawMessage(`"` + o.String() + `"`), b.refuse
}

func TestBeyond(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "rogue"}, host.Spec{Name: "crowd"})
	tree := pluginstest.ParseTree("-- m/a --\nhello\n")
	for _, c := range []struct{ act, want string }{
		{"mount", "1.0.0 hello"},
		{"nested", "done"},
		{"lookup", "v1 ConfigMap a/b"},
	} {
		b := &beyond{host: h, tree: tree}
		req := &sdk.RenderRequest{Application: "shop", Path: ".", Tree: tree, Host: b, Options: []byte(`"` + c.act + `"`)}
		if got := pluginstest.Text(h.Render(context.Background(), "rogue", req)); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.act, got, c.want)
		}
		if c.act == "mount" && (len(b.sources) != 1 || b.sources[0].Chart != "c" || strings.Contains(b.sources[0].String(), "hunter2")) {
			t.Errorf("the host was asked for %v", b.sources)
		}
		// What the host refuses fails the render, also if the plugin ignores it.
		b.refuse = errRefused
		if _, err := h.Render(context.Background(), "rogue", req); !errors.Is(err, errRefused) {
			t.Errorf("%s: got %v, want the host's error", c.act, err)
		}
		req.Host = nil
		if _, err := h.Render(context.Background(), "rogue", req); !errors.Is(err, sdk.ErrNoHost) {
			t.Errorf("%s: got %v, want %v", c.act, err, sdk.ErrNoHost)
		}
	}
}
