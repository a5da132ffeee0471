package render_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
)

const shopChart = `
-- apps/shop/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- apps/shop/.helmignore --
docs/
-- apps/shop/docs/a.md --
-- apps/shop/values.yaml --
replicas: 1
-- apps/shop/templates/secret.yaml --
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {token: {{ .Values.token | b64enc }}}
-- elsewhere/x --
`

// TestHelmSOPS: an encrypted value file is a value file like any other (D3), and
// what it holds shows nowhere but in the Secret.
func TestHelmSOPS(t *testing.T) {
	const token = "hunter2sesame"
	w := newWorld(t, shopChart+"-- sops/apps/shop/secrets.yaml --\ntoken: "+token+"\n")
	source := api.Source{Path: "apps/shop", Helm: &api.HelmSource{ValueFiles: []string{"secrets.yaml"}}}
	text := w.rendered(source)
	if !strings.Contains(text, "apps/shop/secrets.yaml: encrypted with SOPS") {
		t.Errorf("without a key: %s", text)
	}
	w.hold()
	w.check(w.rendered(source), "Secret db @apps/shop/templates/secret.yaml:1 map[token:"+token+"]\n")

	w.write("-- apps/shop/templates/broken.yaml --\na: {{ tpl (print \"{{ x \" .Values.token \" }}\") . }}\n-- apps/shop/templates/more.yaml --\na: 1\n")
	text = w.rendered(source)
	if !strings.Contains(text, "apps/shop/templates/broken.yaml:1: ") {
		t.Errorf("got %s", text)
	}
	w.quiet(text, token)
	w.write("-- apps/shop/templates/broken.yaml --\n{{ fail .Values.token }}\n")
	text = w.rendered(source)
	w.check(text, "error: apps/shop/templates/broken.yaml:1: (hidden)\n")
}

// TestHelmInputs: a chart is rendered again if a file of it changes that
// .helmignore leaves, or a file is new; and not for anything else.
func TestHelmInputs(t *testing.T) {
	w := newWorld(t, shopChart+"-- apps/shop/prod.yaml --\ntoken: a\n")
	source := api.Source{Path: "apps/shop", Helm: &api.HelmSource{ValueFiles: []string{"prod.yaml", "more*.yaml"}, IgnoreMissingValueFiles: true}}
	for _, step := range []struct {
		what, change string
		cached       bool
	}{
		{"first", "", false},
		{"another commit", "", true},
		{"something elsewhere", "-- elsewhere/x --\n1\n", true},
		{"an ignored file", "-- apps/shop/docs/a.md --\n1\n-- apps/shop/docs/b.md --\n1\n", true},
		{"a value file", "-- apps/shop/prod.yaml --\ntoken: b\n", false},
		{"a new template", "-- apps/shop/templates/_h.tpl --\n", false},
		{"a file that a pattern matches from now on", "-- apps/shop/more1.yaml --\nx: 1\n", false},
		{"a file for .Files", "-- apps/shop/conf/a --\n1\n", false},
		{"what is ignored", "-- apps/shop/.helmignore --\ndocs/\nconf/\n", false},
		{"what is ignored now", "-- apps/shop/conf/a --\n2\n", true},
	} {
		w.write(step.change)
		result, err := w.render(source)
		w.must(err)
		if result.Cached != step.cached {
			t.Errorf("%s: cached %t, want %t", step.what, result.Cached, step.cached)
		}
	}
	req := w.request(source)
	req.KubeVersion = "1.38.0"
	result, err := w.engine.Render(context.Background(), req)
	w.must(err)
	if result.Cached {
		t.Error("another version of Kubernetes: cached")
	}
}

// TestHelmVariables: only what has a variable in it is rendered again for each
// commit.
func TestHelmVariables(t *testing.T) {
	w := newWorld(t, shopChart)
	for _, tt := range []struct {
		name   string
		helm   api.HelmSource
		cached bool
	}{
		{"none", api.HelmSource{Parameters: []api.HelmParameter{{Name: "token", Value: "x"}}}, true},
		{"a ref", api.HelmSource{ValueFiles: []string{"$values/apps/shop/values.yaml"}, Parameters: []api.HelmParameter{{Name: "token", Value: "x"}}}, true},
		{"a parameter", api.HelmSource{Parameters: []api.HelmParameter{{Name: "token", Value: "$ARGOCD_APP_REVISION"}}}, false},
		{"a value file", api.HelmSource{ValueFiles: []string{"${ARGOCD_APP_NAME}.yaml"}, IgnoreMissingValueFiles: true, Parameters: []api.HelmParameter{{Name: "token", Value: "x"}}}, false},
		{"a value file of the root", api.HelmSource{ValueFiles: []string{"$ARGOCD_APP_NAME/a.yaml"}, IgnoreMissingValueFiles: true, Parameters: []api.HelmParameter{{Name: "token", Value: "x"}}}, false},
	} {
		var cached bool
		for range 2 {
			req := w.request(api.Source{Path: "apps/shop", Helm: &tt.helm})
			req.Refs = map[string]render.Remote{"values": {Tree: req.Tree, Revision: req.Revision, Label: "$values"}}
			result, err := w.engine.Render(context.Background(), req)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			cached = result.Cached
		}
		if cached != tt.cached {
			t.Errorf("%s: cached at another commit: %t, want %t", tt.name, cached, tt.cached)
		}
	}
}

// TestHelmLookup: what a chart looks up counts as an input, the values of Secrets
// are hidden in messages, and what is not allowed is not there.
func TestHelmLookup(t *testing.T) {
	const value = "b3BlbnNlc2FtZQ==" // opensesame
	w := newWorld(t, `
-- chart/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- chart/templates/secret.yaml --
{{- $old := lookup "v1" "Secret" .Release.Namespace "db" }}
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {token: {{ dig "data" "token" "bmV3" $old }}}
{{- if .Values.fail }}{{ fail (print $old.data.token " " (b64dec $old.data.token)) }}{{ end }}
`)
	live := `{"kind": "Secret", "data": {"token": "` + value + `"}}`
	asked := 0
	step := func(what string, source api.HelmSource, lookups []string, want string, cached bool) {
		t.Helper()
		req := w.request(api.Source{Path: "chart", Helm: &source})
		req.Lookups = lookups
		req.Lookup = func(_ context.Context, o sdk.Object) (json.RawMessage, error) {
			asked++
			if o != (sdk.Object{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"}) {
				t.Errorf("asked for %s", o)
			}
			return json.RawMessage(live), nil
		}
		result, err := w.engine.Render(context.Background(), req)
		var got string
		if err != nil {
			got = "error: " + err.Error() + "\n"
		} else {
			got = listing(result.Set)
			if slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, "tidelock.io/lookup") }) != (lookups == nil) {
				t.Errorf("%s: warnings %q", what, result.Warnings)
			}
			if result.Cached != cached {
				t.Errorf("%s: cached %t", what, result.Cached)
			}
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", what, got, want)
		}
		w.quiet("", "opensesame", value)
	}
	text := func(token string) string {
		return "Secret db @chart/templates/secret.yaml:2 map[token:" + token + "]\n"
	}
	secrets := []string{"v1/ConfigMap", "v1/Secret"}
	step("not allowed", api.HelmSource{}, nil, text("new"), false)
	step("not allowed, again", api.HelmSource{}, nil, text("new"), true)
	if asked != 0 {
		t.Errorf("asked %d times without consent", asked)
	}
	step("allowed", api.HelmSource{}, secrets, text("opensesame"), false)
	step("again", api.HelmSource{}, secrets, text("opensesame"), true)
	live = `{"kind": "Secret", "data": {"token": "b3RoZXI="}}`
	step("another value", api.HelmSource{}, secrets, text("other"), false)
	live = `{"kind": "Secret", "data": {"token": "` + value + `"}}`
	step("a message", api.HelmSource{Values: "fail: true"}, secrets, "error: chart/templates/secret.yaml:6: (hidden)== (hidden)\n", false)
	live = ""
	step("gone", api.HelmSource{}, secrets, text("new"), false)
}
