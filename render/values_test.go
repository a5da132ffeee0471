package render_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/secrets"
)

const valuesChart = `
-- apps/shop/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- apps/shop/values.yaml --
order: chart
password: ""
-- apps/shop/prod.yaml --
order: file
-- apps/shop/templates/secret.yaml --
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {order: {{ .Values.order | quote }}, password: {{ .Values.password | quote }}, file: {{ .Files.Get "extra/ca.crt" | quote }}}
-- apps/plain/kustomization.yaml --
resources: [namespace.yaml]
secretGenerator:
- {name: db, files: [password=creds/password], options: {disableNameSuffixHash: true}}
patches: [{path: patch.yaml}]
-- apps/plain/namespace.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: git}
-- apps/plain/patch.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: placeholder}
-- apps/dir/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`

// given is a value of Secret argocd/given.
func given(key, plain, path, file string) render.Value {
	return render.Value{From: "Secret argocd/given", Key: key, Secret: true, Plain: secrets.New([]byte(plain)), Path: path, File: file}
}

// renderedWith renders with values, and prints the outcome as text.
func (w *world) renderedWith(source api.Source, values ...render.Value) string {
	w.Helper()
	req := w.request(source)
	req.Values = values
	result, err := w.engine.Render(context.Background(), req)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return listing(result.Set)
}

// TestValuesForHelm: value files come after those of Git and before what the
// Application states; parameters over all, and text as it is.
func TestValuesForHelm(t *testing.T) {
	w := newWorld(t, valuesChart)
	const odd = `,a=\b{"c"}$HOME 007`
	file := given("values.yaml", "order: given\npassword: from-file\n", "", "")
	later := given("more.yaml", "order: later\n", "", "")
	parameter := given("password", odd, "password", "")
	prod := &api.HelmSource{ValueFiles: []string{"prod.yaml"}}
	for name, c := range map[string]struct {
		helm   *api.HelmSource
		values []render.Value
		want   string
	}{
		"none":                  {prod, nil, "order:file password:"},
		"over value files":      {prod, []render.Value{file}, "order:given password:from-file"},
		"without a block":       {nil, []render.Value{file}, "order:given password:from-file"},
		"the later over":        {prod, []render.Value{file, later}, "order:later password:from-file"},
		"under inline values":   {&api.HelmSource{Values: "order: inline"}, []render.Value{file}, "order:inline password:from-file"},
		"under parameters":      {&api.HelmSource{Parameters: []api.HelmParameter{{Name: "order", Value: "set"}}}, []render.Value{file}, "order:set password:from-file"},
		"a parameter over all":  {&api.HelmSource{Parameters: []api.HelmParameter{{Name: "password", Value: "set"}}}, []render.Value{parameter, file}, "order:given password:" + odd},
		"a number remains text": {prod, []render.Value{given("n", "0123", "password", "")}, "order:file password:0123"},
		"a file of the chart":   {prod, []render.Value{given("ca", "CERT", "", "extra/ca.crt")}, "file:CERT order:file password:"},
	} {
		t.Run(name, func(*testing.T) {
			got := w.renderedWith(api.Source{Path: "apps/shop", Helm: c.helm}, c.values...)
			want := c.want
			if !strings.HasPrefix(want, "file:") {
				want = "file: " + want
			}
			w.check(got, "Secret db @apps/shop/templates/secret.yaml:1 map["+want+"]\n")
		})
	}
	w.quiet("", "from-file", odd)
}

// TestValuesAsFiles: a value stands where Git has a file, or has none.
func TestValuesAsFiles(t *testing.T) {
	w := newWorld(t, valuesChart)
	source := api.Source{Path: "apps/plain"}
	if got := w.renderedWith(source); !strings.Contains(got, "creds/password") {
		t.Errorf("without the value: %s", got)
	}
	password := given("password", "hunter2sesame", "", "creds/password")
	patch := given("patch", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: given}\n", "", "patch.yaml")
	w.check(w.renderedWith(source, password), "ConfigMap settings @apps/plain/namespace.yaml:1 map[a:placeholder]\nSecret db @apps/plain/kustomization.yaml:3 map[password:hunter2sesame]\n")
	w.check(w.renderedWith(source, password, patch), "ConfigMap settings @apps/plain/namespace.yaml:1 map[a:given]\nSecret db @apps/plain/kustomization.yaml:3 map[password:hunter2sesame]\n")

	manifest := given("b", "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {token: hunter3sesame}\n", "", "sub/b.yaml")
	w.check(w.renderedWith(api.Source{Path: "apps/dir"}, manifest), "ConfigMap a @apps/dir/a.yaml:1\n")
	recurse := api.Source{Path: "apps/dir", Directory: &api.DirectorySource{Recurse: true}}
	w.check(w.renderedWith(recurse, manifest), "ConfigMap a @apps/dir/a.yaml:1\nSecret b @apps/dir/sub/b.yaml:1 map[token:hunter3sesame]\n")
	w.quiet("", "hunter2sesame", "hunter3sesame")
}

// TestValuesAndTheCache: what was rendered holds as long as the values do.
func TestValuesAndTheCache(t *testing.T) {
	w := newWorld(t, valuesChart)
	req := w.request(api.Source{Path: "apps/shop"})
	render1 := func(values ...render.Value) *render.Result {
		req.Values = values
		result, err := w.engine.Render(context.Background(), req)
		w.must(err)
		return result
	}
	one := given("password", "first-password", "password", "")
	first := render1(one)
	if again := render1(given("password", "first-password", "password", "")); !again.Cached {
		t.Error("an equal value renders again")
	}
	if len(first.Values) != 1 || first.Values[0].From != one.String() || strings.Contains(first.Values[0].Mark, "first") {
		t.Errorf("what was given: %+v", first.Values)
	}
	for name, values := range map[string][]render.Value{
		"another value": {given("password", "other-password", "password", "")},
		"another place": {given("password", "first-password", "order", "")},
		"none":          nil,
	} {
		if render1(values...).Cached {
			t.Errorf("%s is answered from the cache", name)
		}
	}
}

// TestValuesMistakes: what cannot be used is said, without its text.
func TestValuesMistakes(t *testing.T) {
	w := newWorld(t, valuesChart)
	const text = "hunter2sesame"
	chart, plain := api.Source{Path: "apps/shop"}, api.Source{Path: "apps/plain"}
	for name, c := range map[string]struct {
		source api.Source
		value  render.Value
		want   string
	}{
		"no Helm":            {plain, given("values.yaml", "a: "+text, "", ""), "Secret argocd/given, key values.yaml: it is meant for Helm, and kustomize renders the source; give file: NAME"},
		"no Helm, parameter": {plain, given("p", text, "a.b", ""), "Secret argocd/given, key p: it is meant for Helm, and kustomize renders the source"},
		"leads out":          {chart, given("p", text, "", "../../../etc/passwd"), "file: ../../../etc/passwd leads out of the repository"},
		"no YAML":            {chart, given("values.yaml", "a: ["+text, "", ""), "Secret argocd/given, key values.yaml"},
		"no map":             {chart, given("values.yaml", text, "", ""), "Secret argocd/given, key values.yaml"},
		"no such path":       {chart, given("p", text, "order[x]", ""), "cannot be set"},
		"a broken patch":     {plain, given("p", "kind: ["+text, "", "patch.yaml"), "patch"},
	} {
		t.Run(name, func(t *testing.T) {
			values := []render.Value{c.value}
			if c.source.Path == plain.Path {
				values = append(values, given("password", text, "", "creds/password"))
			}
			got := w.renderedWith(c.source, values...)
			if !strings.HasPrefix(got, "error: ") || !strings.Contains(got, c.want) || strings.Contains(got, ".tidelock-values") {
				t.Errorf("got %s, want %s", got, c.want)
			}
			w.quiet(got, text)
		})
	}
}

// TestValuesAreKnown to those who look for leaks: each value of a file that has such,
// and nothing of what is no Secret.
func TestValuesAreKnown(t *testing.T) {
	w := newWorld(t, valuesChart)
	public := given("public", "in-a-config-map", "", "public.txt")
	public.Secret = false
	req := w.request(api.Source{Path: "apps/shop"})
	req.Values = []render.Value{
		given("values.yaml", "db: {password: first-password, port: 5432, on: true}\nhosts: [one.example.com]\n", "", ""),
		given("password", "second-password", "password", ""),
		given("object", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-of-it}\ndata: {token: third-password}\n", "", "patch.yaml"),
		given("env", "# A=comment-comment\nB=fourth-password\n", "", "secrets.env"),
		given("key", "-----BEGIN KEY-----", "", "tls.key"),
		public,
	}
	result, err := w.engine.Render(context.Background(), req)
	w.must(err)
	var keys []string
	for _, s := range result.Opened {
		keys = append(keys, s.String())
	}
	w.check(strings.Join(keys, "\n"), `db.password of Secret argocd/given
hosts[0] of Secret argocd/given
password of Secret argocd/given
data.token of Secret argocd/given
B of Secret argocd/given
key of Secret argocd/given`)
}
