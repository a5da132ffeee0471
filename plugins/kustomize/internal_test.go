package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// flat is a tree without links.
type flat struct{ fstest.MapFS }

func (t flat) Resolve(name string) (string, fs.FileInfo, error) {
	info, err := t.Stat(name)
	return name, info, err
}

func treeOf(archive string) flat {
	t := flat{fstest.MapFS{}}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		t.MapFS[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return t
}

const canary = "hunter2-canary"

// TestErrorsTellNoSecret: kustomize prints what it stumbles over.
func TestErrorsTellNoSecret(t *testing.T) {
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	for name, archive := range map[string]string{
		"a scalar for a mapping":  "-- kustomization.yaml --\nresources: [a.yaml]\npatches: [{path: p.yaml}]\n-- a.yaml --\n" + secret + "stringData: " + canary + "\n-- p.yaml --\n" + secret + "stringData: {a: b}\n",
		"a mapping for a scalar":  "-- kustomization.yaml --\nresources: [a.yaml]\npatches: [{path: p.yaml}]\n-- a.yaml --\n" + secret + "stringData: {a: b}\n-- p.yaml --\n" + secret + "stringData: " + canary + "\n",
		"no mapping at all":       "-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\n" + canary + "\n",
		"a list for a mapping":    "-- kustomization.yaml --\nresources: [a.yaml]\ncommonLabels: {a: b}\n-- a.yaml --\n" + secret + "stringData: {a: " + canary + "}\n---\n- " + canary + "\n",
		"an alias for a secret":   "-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\n" + secret + "stringData:\n  a: *" + canary + "\n",
		"broken YAML":             "-- kustomization.yaml --\nresources: [a.yaml]\n-- a.yaml --\n" + secret + "stringData:\n  a: [" + canary + "\n",
		"a literal without key":   "-- kustomization.yaml --\nsecretGenerator: [{name: a, literals: [" + canary + "]}]\n",
		"an env that is no text":  "-- kustomization.yaml --\nsecretGenerator: [{name: a, envs: [a.env]}]\n-- a.env --\n\xff=" + canary + "\n",
		"a patch that is none":    "-- kustomization.yaml --\nresources: [a.yaml]\npatches: [{path: p.yaml}]\n-- a.yaml --\n" + secret + "\n-- p.yaml --\n" + canary + "\n",
		"a JSON patch that fails": "-- kustomization.yaml --\nresources: [a.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{op: test, path: /stringData/a, value: other}]'\n-- a.yaml --\n" + secret + "stringData: {a: " + canary + "}\n",
		"a replacement":           "-- kustomization.yaml --\nresources: [a.yaml]\nreplacements:\n- source: {kind: Secret, fieldPath: stringData.a.b}\n  targets: [{select: {kind: Secret}, fieldPaths: [data.x.y]}]\n-- a.yaml --\n" + secret + "stringData: {a: " + canary + "}\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: ".", Tree: treeOf(archive)})
			if err == nil {
				t.Fatal("no error")
			}
			decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), decimal) {
				t.Errorf("the error tells the secret: %v", err)
			}
			t.Log(err)
		})
	}
}

// TestRedact: with nothing known, what looks like a printed file still goes.
func TestRedact(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"wrong Node Kind for a: value: {x: y}\nmore", "wrong Node Kind for a: value: {…"},
		{"config: `\na: b\n`: oops", "config: …: oops"},
		{"in file '/app/a.yaml' (/b)", "in file 'app/a.yaml' (b)"},
		{"a\n  b", "a b"},
		{"get https://me:p@ss@h/x and ssh://git@h/y", "get https://h/x and ssh://git@h/y"},
	} {
		if got := redact(errors.New(tt.in)).Error(); got != tt.want {
			t.Errorf("redact(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestOrigins(t *testing.T) {
	o := newOrigins()
	k, err := check("app/kustomization.yaml", []byte("resources: [a.yaml, b.yaml, c.yaml, d.json]\nsecretGenerator:\n- name: tls\n"))
	if err != nil {
		t.Fatal(err)
	}
	o.listed(k)
	o.read("app/a.yaml", []byte("# top\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    name: no\n  name: web\n---\nkind: Service\nmetadata: {labels: {a: b}, name: web}\n"))
	o.read("app/b.yaml", []byte("kind: ConfigMap\nmetadata:\n  name: web-long\n"))
	o.read("app/c.yaml", []byte("kind: Role\nmetadata: {name: twice}\n---\nkind: Role\nmetadata: {name: twice}\n"))
	o.read("app/d.json", []byte("{\n  \"kind\": \"SealedSecret\",\n  \"metadata\": {\"name\": \"db\"}\n}\n"))
	o.read("app/patch.yaml", []byte("kind: ConfigMap\nmetadata:\n  name: web\n"))
	for _, tt := range []struct {
		kind, name, file string
		line             int
	}{
		{"ConfigMap", "p-web-s", "app/a.yaml", 1},
		{"Service", "web", "app/a.yaml", 9},
		{"ConfigMap", "web-long-b2c3", "app/b.yaml", 1},
		{"Secret", "tls-h4sh", "app/kustomization.yaml", 3},
		{"Role", "twice", "", 0},
		{"SealedSecret", "db", "app/d.json", 1},
		{"Deployment", "web", "", 0},
	} {
		if got := o.of(tt.kind, tt.name); got.File != tt.file || got.Line != tt.line {
			t.Errorf("%s %s: %s:%d, want %s:%d", tt.kind, tt.name, got.File, got.Line, tt.file, tt.line)
		}
	}
}

func TestParseImage(t *testing.T) {
	for _, tt := range []struct{ in, name, newName, tag, digest string }{
		{"nginx:1.2", "nginx", "", "1.2", ""},
		{"nginx@sha256:ab", "nginx", "", "", "sha256:ab"},
		{"nginx:1@sha256:ab", "nginx", "", "1", "sha256:ab"},
		{"host:5000/nginx:1", "host:5000/nginx", "", "1", ""},
		{"nginx=host:5000/n", "nginx", "host:5000/n", "", ""},
		{"nginx=n:*", "nginx", "n", "*", ""},
	} {
		got, err := parseImage(tt.in)
		if err != nil || got.Name != tt.name || got.NewName != tt.newName || got.NewTag != tt.tag || got.Digest != tt.digest {
			t.Errorf("parseImage(%q) = %+v, %v", tt.in, got, err)
		}
	}
	for _, in := range []string{"", "nginx", "host:5000/nginx", "=a:1", ":1", "a="} {
		if got, err := parseImage(in); err == nil {
			t.Errorf("parseImage(%q) = %+v, want an error", in, got)
		}
	}
}

// FuzzRender: no kustomization brings the renderer down, and none reads what it
// may not.
func FuzzRender(f *testing.F) {
	f.Add("resources: [a.yaml]\nnamePrefix: x\n", "kind: A\n", `{}`)
	f.Add("a: &a [*a]\nresources: *a\n", "", `{"images": ["a:1"]}`)
	f.Add("resources: ['git@x:y/z', '../../..']\n", "", `{"components": ["x"]}`)
	f.Fuzz(func(t *testing.T, kustomization, file, options string) {
		tree := treeOf("")
		tree.MapFS["app/kustomization.yaml"] = &fstest.MapFile{Data: []byte(kustomization)}
		tree.MapFS["app/a.yaml"] = &fstest.MapFile{Data: []byte(file)}
		_, err := Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: "app", Tree: tree, Options: []byte(options)})
		if err != nil && len(err.Error()) > maxError+512 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
