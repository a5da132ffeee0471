package kustomize_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

// edited is what the options of an Application change.
const edited = `
-- app/kustomization.yaml --
resources: [all.yaml]
namePrefix: old-
images:
- {name: web, newName: mirror/web, newTag: "1"}
- {name: log, digest: "sha256:34a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3"}
- {name: z, newTag: z}
replicas: [{name: web, count: 2}]
labels:
- {pairs: {l: old}}
- {pairs: {t: old}, includeTemplates: true}
commonLabels: {c: old}
commonAnnotations: {a: old}
-- app/all.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:0"}
      - {name: log, image: "log:0"}
      - {name: port, image: "registry:5000/port:0"}
      - {name: bare, image: bare}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}}
-- component/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: component-
`

// TestEdits compares the options with the commands of `kustomize edit` that Argo
// CD runs for them. A refusal of the command must be one of the plugin; besides, the
// plugin refuses "web=" and "=web:1", of which the command makes an image that
// changes nothing.
func TestEdits(t *testing.T) {
	const digest = "sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3"
	b := newBinary(t)
	for _, c := range []struct{ name, options, edit string }{
		{"prefix", `{"namePrefix": "new-"}`, "set nameprefix -- new-"},
		{"suffix", `{"nameSuffix": "-new"}`, "set namesuffix -- -new"},
		{"namespace", `{"namespace": "shop"}`, "set namespace -- shop"},
		{"tag", `{"images": ["web:2"]}`, "set image web:2"},
		{"digest", `{"images": ["web@` + digest + `"]}`, "set image web@" + digest},
		{"tag and digest", `{"images": ["log:2@` + digest + `"]}`, "set image log:2@" + digest},
		{"new name", `{"images": ["web=other"]}`, "set image web=other"},
		{"new name and tag", `{"images": ["web=other/web:3"]}`, "set image web=other/web:3"},
		{"new name and digest", `{"images": ["web=other/web@` + digest + `"]}`, "set image web=other/web@" + digest},
		{"port", `{"images": ["registry:5000/port:2"]}`, "set image registry:5000/port:2"},
		{"to a port", `{"images": ["bare=registry:5000/bare"]}`, "set image bare=registry:5000/bare"},
		{"to a port and a tag", `{"images": ["bare=registry:5000/bare:7"]}`, "set image bare=registry:5000/bare:7"},
		{"all but the tag", `{"images": ["web=other:*"]}`, "set image web=other:*"},
		{"all but the name", `{"images": ["web=*:9"]}`, "set image web=*:9"},
		{"all but the digest", `{"images": ["log=log2@*"]}`, "set image log=log2@*"},
		{"tag and the old digest", `{"images": ["log:2@*"]}`, "set image log:2@*"},
		{"the old name and tag", `{"images": ["web=*:*@` + digest + `"]}`, "set image web=*:*@" + digest},
		{"several", `{"images": ["web:5", "bare=b:1", "log:6"]}`, "set image web:5 bare=b:1 log:6"},
		{"the same twice", `{"images": ["web:5", "web:6"]}`, "set image web:5 web:6"},
		{"no tag", `{"images": ["web"]}`, "set image web"},
		{"a port and no tag", `{"images": ["registry:5000/port"]}`, "set image registry:5000/port"},
		{"replicas", `{"replicas": [{"name": "web", "count": 5}]}`, "set replicas web=5"},
		{"replicas as text", `{"replicas": [{"name": "web", "count": "0"}]}`, "set replicas web=0"},
		{"replicas of nothing", `{"replicas": [{"name": "none", "count": 1}]}`, "set replicas none=1"},
		{"label", `{"commonLabels": {"n": "x"}}`, "add label n:x"},
		{"label that is there", `{"commonLabels": {"c": "x"}}`, "add label c:x"},
		{"label by force", `{"commonLabels": {"c": "x", "n": "y"}, "forceCommonLabels": true}`, "add label -f c:x n:y"},
		{"label without selector", `{"commonLabels": {"n": "x"}, "labelWithoutSelector": true}`, "add label --without-selector n:x"},
		{"that is there", `{"commonLabels": {"l": "x"}, "labelWithoutSelector": true}`, "add label --without-selector l:x"},
		{"that is there, by force", `{"commonLabels": {"l": "x"}, "labelWithoutSelector": true, "forceCommonLabels": true}`, "add label -f --without-selector l:x"},
		{"label of templates", `{"commonLabels": {"n": "x"}, "labelWithoutSelector": true, "labelIncludeTemplates": true}`, "add label --without-selector --include-templates n:x"},
		{"that is there, of templates", `{"commonLabels": {"t": "x"}, "labelWithoutSelector": true, "labelIncludeTemplates": true}`, "add label --without-selector --include-templates t:x"},
		{"that is in another list", `{"commonLabels": {"t": "x"}, "labelWithoutSelector": true}`, "add label --without-selector t:x"},
		{"templates and selectors", `{"commonLabels": {"n": "x"}, "labelIncludeTemplates": true}`, "add label --include-templates n:x"},
		{"annotation", `{"commonAnnotations": {"n": "x"}}`, "add annotation n:x"},
		{"annotation that is there", `{"commonAnnotations": {"a": "x"}}`, "add annotation a:x"},
		{"annotation by force", `{"commonAnnotations": {"a": "x"}, "forceCommonAnnotations": true}`, "add annotation -f a:x"},
		{"component", `{"components": ["../component"]}`, "add component ../component"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := txtar.Parse([]byte(edited)).Files
			dir := b.write(files)
			_, wantErr := b.run(filepath.Join(dir, "app"), append([]string{"edit"}, strings.Fields(c.edit)...)...)
			var out []byte
			if wantErr == nil {
				out, wantErr = b.run(dir, "build", "app")
			}
			got, gotErr := ours(pluginstest.ParseTree(edited), "app", c.options)
			if (wantErr != nil) != (gotErr != nil) {
				t.Fatalf("kustomize: %v\nplugin: %v", wantErr, gotErr)
			}
			want, err := objects(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); wantErr == nil && diff != "" {
				t.Errorf("(-kustomize +plugin)\n%s", diff)
			}
		})
	}
}
