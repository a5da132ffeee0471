package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
)

// keysOf lists what is known of the values that were decrypted for a result.
func keysOf(r *render.Result) string {
	var list []string
	for _, s := range r.Opened {
		list = append(list, s.String())
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// What was decrypted is known again, in every format, also of a result that is
// answered from memory; and is not to be read from it.
func TestOpened(t *testing.T) {
	w := newWorld(t, sealedApps)
	w.hold()
	for _, tt := range []struct{ path, want string }{
		{"plain", "stringData.password of plain/s.yaml"},
		{"json", "stringData.password of json/s.json"},
		{"overlay", "PASSWORD of overlay/.env; db.password of overlay/config.ini; overlay/token.bin; stringData.password of overlay/patch.yaml"},
	} {
		for _, cached := range []bool{false, true} {
			result, err := w.render(api.Source{Path: tt.path})
			w.must(err)
			if keysOf(result) != tt.want || result.Cached != cached {
				t.Errorf("%s, from memory %t: got %s, want %s", tt.path, result.Cached, keysOf(result), tt.want)
			}
			w.quiet(fmt.Sprintf("%v %+v %#v", result.Opened, result.Opened, result.Opened), "hunter2")
		}
	}
}

// So it is of a chart, and of a chain of renderers.
func TestOpenedInChains(t *testing.T) {
	w := newWorld(t, sopsChain)
	w.hold()
	for _, chained := range []bool{false, true} {
		req := w.request(api.Source{Path: "chart", Helm: &api.HelmSource{ValueFiles: []string{"secrets.yaml"}}})
		req.Chained = chained
		result, err := w.engine.Render(t.Context(), req)
		w.must(err)
		if got := keysOf(result); got != "token of chart/secrets.yaml" {
			t.Errorf("chained %t: got %q", chained, got)
		}
	}
}

const sopsChain = `
-- chart/Chart.yaml --
apiVersion: v2
name: chart
version: 1.0.0
-- chart/templates/all.yaml --
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: {{ .Values.token | quote }}}
-- sops/chart/secrets.yaml --
token: hunter2-canary
`
