package render_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/secrets"
)

const shelved = `
-- overlay/kustomization.yaml --
resources: [../base, crd.yaml]
namePrefix: x-
configMapGenerator: [{name: gen, literals: ["a=<&>", "n=1.50"]}]
-- overlay/crd.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: as.example.com}
spec: {group: example.com, names: {kind: A, plural: as}, scope: Cluster, versions: [{name: v1, served: true, storage: true}]}
-- base/kustomization.yaml --
resources: [a.yaml]
-- base/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {q: "1"}, annotations: {r: s}}
data: {a: b}
---
apiVersion: example.com/v1
kind: A
metadata: {name: numbers}
spec: {i: 3, f: 0.30000000000000004, big: 9007199254740993, exp: 1e+21, none: null}
-- chart/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: version}
data: {kube: {{ .Capabilities.KubeVersion.Version | quote }}}
{{- with lookup "v1" "ConfigMap" "shop" "a" }}
looked: up
{{- end }}
-- secret/a.yaml --
apiVersion: v1
kind: Secret
metadata: {name: empty}
type: Opaque
-- mine/MINE --
`

// next makes the engine one of another process of a build.
func (w *world) next(dir, build string, config ...func(*render.Config)) {
	w.Helper()
	kept, err := shelf.Open(dir, shelf.DefaultBytes)
	w.must(err)
	w.Cleanup(func() { _ = kept.Close() })
	c := render.Config{Plugins: w.plugins, Shelf: kept, Build: build}
	for _, set := range config {
		set(&c)
	}
	w.engine = render.New(c)
}

// What another process rendered is taken as it was, to the byte, until an input of
// it is another one.
func TestKept(t *testing.T) {
	w := newWorld(t, shelved)
	dir := filepath.Join(t.TempDir(), "shelf")
	sources := []api.Source{{Path: "overlay"}, {Path: "chart"}, {Path: "secret"}}
	outcome := func(source api.Source, kube string) string {
		t.Helper()
		req := w.request(source)
		req.KubeVersion = kube
		result, err := w.engine.Render(context.Background(), req)
		w.must(err)
		text, err := json.MarshalIndent(result.Set, "", " ")
		w.must(err)
		var hashes []string
		for _, o := range result.Set {
			hashes = append(hashes, o.Hash())
		}
		rest, err := json.Marshal([]any{result.Plugin, result.SourceType, result.Inputs, result.Mounts, result.Repeated, result.Warnings, hashes})
		w.must(err)
		return listing(result.Set) + string(text) + string(rest)
	}
	var fresh []string
	w.next(dir, "1")
	for _, source := range sources {
		fresh = append(fresh, outcome(source, "1.37.2"))
	}
	again := func(what string, renders int64, same ...bool) {
		t.Helper()
		for i, source := range sources {
			kube := "1.37.2"
			if what == "another version" {
				kube = "1.33.0"
			}
			if got := outcome(source, kube); (got == fresh[i]) != same[i] {
				t.Errorf("%s: %s is the same: %v\n%s\n%s", what, source.Path, !same[i], got, fresh[i])
			}
		}
		if got := w.engine.Stats().Renders; got != renders {
			t.Errorf("%s: %d renders, want %d", what, got, renders)
		}
	}
	w.next(dir, "1")
	again("unchanged", 0, true, true, true)
	w.next(dir, "2")
	again("another build", 3, true, true, true)
	w.next(dir, "1")
	again("another version", 1, true, false, true)
	w.next(dir, "1")
	w.write("-- base/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	again("another base", 2, false, true, true)
	w.next(dir, "1")
	again("the same other base", 0, false, true, true)
	w.must(os.RemoveAll(dir))
	w.next(dir, "1")
	again("an empty shelf", 3, false, true, true)
}

// Nothing that was decrypted, given or looked up, nor any Secret's data lies on a
// shelf, in whatever form; nor what a custom plugin has made.
func TestNoSecretIsKept(t *testing.T) {
	w := newWorld(t, shelved)
	w.hold()
	canary := testenv.NewCanary("secret")
	w.write(`
-- sops/plain/a.yaml --
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {a: "` + canary.Text + `"}
-- sops/shows/settings.env --
token="` + canary.Text + `"
-- shows/kustomization.yaml --
configMapGenerator: [{name: a, envs: [settings.env]}]
-- generated/kustomization.yaml --
secretGenerator: [{name: a, literals: ["a=` + canary.Text + `"]}]
-- unencrypted/a.yaml --
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {a: "` + canary.Text + `"}
-- given/Chart.yaml --
{apiVersion: v2, name: given, version: 1.0.0}
-- given/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: {{ .Values.a | quote }}}
-- looked/Chart.yaml --
{apiVersion: v2, name: looked, version: 1.0.0}
-- looked/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a: {{ (lookup "v1" "ConfigMap" "shop" "a").data.a | quote }}}
-- fails/a.yaml --
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {a: ["` + canary.Text + `"]}
-- mine/kustomization.yaml --
resources: []
`)
	dir := filepath.Join(t.TempDir(), "shelf")
	custom := func(c *render.Config) {
		c.Custom = func() []*render.Custom { return []*render.Custom{{ID: "envy", Name: "envy", FileName: "MINE"}} }
	}
	for _, tt := range []struct {
		path string
		set  func(req *render.Request)
		kept bool
	}{
		{path: "plain"}, {path: "shows"}, {path: "generated"}, {path: "unencrypted"}, {path: "fails"}, {path: "mine"},
		{path: "given", set: func(req *render.Request) {
			req.Values = []render.Value{{From: "Secret argocd/a", Key: "a", Secret: true, Plain: secrets.New([]byte(canary.Text)), Path: "a"}}
		}},
		{path: "looked", set: func(req *render.Request) {
			req.Lookups = []string{"v1/ConfigMap"}
			req.Lookup = func(context.Context, sdk.Object) (json.RawMessage, error) {
				text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"a": canary.Text}})
				return text, err
			}
		}},
		{path: "overlay", kept: true}, {path: "secret", kept: true},
	} {
		for _, want := range []int64{1, map[bool]int64{true: 0, false: 1}[tt.kept]} {
			w.next(dir, "1", custom)
			req := w.request(api.Source{Path: tt.path})
			if tt.set != nil {
				tt.set(&req)
			}
			_, err := w.engine.Render(context.Background(), req)
			if (err != nil) != (tt.path == "fails") {
				t.Errorf("%s: %v", tt.path, err)
			}
			if got := w.engine.Stats().Renders; got != want {
				t.Errorf("%s: %d renders, want %d", tt.path, got, want)
			}
		}
	}
	found, err := testenv.NewCanaries(canary).Files(dir)
	w.must(err)
	for _, f := range found {
		t.Error(f)
	}
	if listed, err := os.ReadDir(dir); err != nil || len(listed) != 2 {
		t.Errorf("%d entries are kept, %v", len(listed), err)
	}
}

// A mount is kept with its own inputs, and not if its address may hold a password.
func TestKeptMounts(t *testing.T) {
	for url, kept := range map[string]bool{
		"https://git.example.com/org/base": true, "https://user:sesame@git.example.com/org/base": false,
		"git@git.example.com:org/base": true,
	} {
		w := newWorld(t, "-- top/kustomization.yaml --\nresources: [\""+url+"//base\"]\n-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
		dir := filepath.Join(t.TempDir(), "shelf")
		for i := range 3 {
			w.next(dir, "1")
			if i == 2 {
				w.write("-- base/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
			}
			req := w.request(api.Source{Path: "top"})
			req.Remotes = oneRemote{render.Remote{Tree: req.Tree, Revision: "v1", Label: "base"}}
			result, err := w.engine.Render(context.Background(), req)
			if err != nil {
				t.Fatalf("%s: %v", url, err)
			}
			want := int64(1)
			if i == 1 && kept {
				want = 0
			}
			if got := w.engine.Stats().Renders; got != want || len(result.Mounts) != 1 {
				t.Errorf("%s, time %d: %d renders, want %d; %d mounts", url, i, got, want, len(result.Mounts))
			}
		}
		text := ""
		entries, err := filepath.Glob(filepath.Join(dir, "*"))
		w.must(err)
		for _, name := range entries {
			data, err := os.ReadFile(name)
			w.must(err)
			text += string(data)
		}
		if strings.Contains(text, "sesame") {
			t.Errorf("%s: the password is kept", url)
		}
	}
}

type oneRemote struct{ render.Remote }

func (r oneRemote) Open(context.Context, string, sdk.Source) (render.Remote, error) {
	return r.Remote, nil
}

// A loose shelf gives whatever it is told to.
type looseShelf struct{ data []byte }

func (s *looseShelf) Get(string) ([]byte, bool) { return s.data, true }
func (s *looseShelf) Put(_ string, data []byte) { s.data = data }

// Whatever lies on the shelf, a render ends: with what lies there if that is an
// outcome that holds, and else with what the files say.
func FuzzKept(f *testing.F) {
	dir := f.TempDir()
	file := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(file), 0o600); err != nil {
		f.Fatal(err)
	}
	tree, err := git.Dir(dir)
	if err != nil {
		f.Fatal(err)
	}
	req := render.Request{Application: "a", Source: api.Source{Path: "."}, Tree: tree}
	first := &looseShelf{}
	if _, err := render.New(render.Config{Plugins: echo{}, Shelf: first}).Render(context.Background(), req); err != nil || len(first.data) == 0 {
		f.Fatalf("%v, %q", err, first.data)
	}
	f.Add(first.data)
	for _, change := range [][2]string{{`"Bases":[""]`, `"Bases":[]`}, {`"kind"`, `"kinds"`}, {`ConfigMap`, `Secret`}, {`"Uses":{`, `"Uses":{"Env":"x",`}, {`"name":"a"`, `"name": "a"`}} {
		f.Add([]byte(strings.Replace(string(first.data), change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := render.New(render.Config{Plugins: echo{}, Shelf: &looseShelf{data}}).Render(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		if !result.Cached && (len(result.Set) != 1 || result.Set[0].Key.Name != "a") {
			t.Fatalf("got %s", listing(result.Set))
		}
		for _, o := range result.Set {
			if len(o.Data()) > 0 {
				t.Fatalf("%s holds data", o)
			}
		}
	})
}

// echo renders a.yaml as it is.
type echo struct{ render.Plugins }

func (echo) Render(_ context.Context, _ string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	data, err := req.Tree.ReadFile("a.yaml")
	return &sdk.RenderResult{Documents: []sdk.Document{{Data: data, File: "a.yaml", Line: 1}}}, err
}
