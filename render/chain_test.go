package render_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// chart has a hook, a Secret whose value is in an encrypted file, and a CRD.
const chart = `
-- chart/Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
-- chart/values.yaml --
greeting: hello
token: none
-- chart/templates/all.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data: {greeting: {{ .Values.greeting | quote }}}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-token
stringData: {token: {{ .Values.token | quote }}}
-- chart/templates/hook.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: pre-install}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "migrate:1"}]}}}
-- chart/crds/crd.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}
-- sops/chart/secret.yaml --
token: hunter2-canary
`

const kustomization = `
-- chart/kustomization.yaml --
resources: [own.yaml]
commonAnnotations: {built: by-kustomize}
-- chart/own.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
`

func chainSource() api.Source {
	return api.Source{
		Path: "chart",
		Helm: &api.HelmSource{ReleaseName: "web", ValueFiles: []string{"secret.yaml"}, Values: "greeting: moin\n"},
		Kustomize: &api.KustomizeSource{
			NamePrefix: "p-", Images: []string{"migrate:2"},
			Patches: []api.KustomizePatch{{Patch: `[{"op": "add", "path": "/data/patched", "value": "yes"}]`, Target: &api.KustomizeSelector{Kind: "ConfigMap", Name: "web"}}},
		},
	}
}

// TestChain: Kustomize builds what Helm renders, with the kustomization that lies
// beside the chart or without one. Objects keep their template's file and line,
// hooks what makes them hooks, and nothing tells what was encrypted.
func TestChain(t *testing.T) {
	w := newWorld(t, chart)
	rendered := func(source api.Source) string {
		t.Helper()
		req := w.request(source)
		req.Chained = true
		result, err := w.engine.Render(context.Background(), req)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		if result.SourceType != api.SourceTypeHelm || result.Plugin != "kustomize" {
			t.Errorf("it is of the type %s, rendered by %s", result.SourceType, result.Plugin)
		}
		var b strings.Builder
		b.WriteString(listing(result.Set))
		for _, o := range result.Set {
			if hook := annotation(o, "helm.sh/hook"); hook != "" {
				b.WriteString(o.Key.String() + " is a hook: " + hook + "\n")
			}
			if built := annotation(o, "built"); built != "" {
				b.WriteString(o.Key.String() + " is built " + built + "\n")
			}
		}
		return b.String()
	}
	w.check(rendered(chainSource()), "error: chart/secret.yaml: encrypted with SOPS for "+w.key.Recipient().String()+
		"; there are no keys; add the private key of one of its recipients, or encrypt the file for a key that is held (sops updatekeys)\n")
	w.hold()
	w.check(rendered(chainSource()), `apiextensions.k8s.io/CustomResourceDefinition things.example.com @chart/crds/crd.yaml:1
ConfigMap p-web @chart/templates/all.yaml:1 map[greeting:moin patched:yes]
Secret p-web-token @chart/templates/all.yaml:7 map[token:hunter2-canary]
batch/Job p-migrate @chart/templates/hook.yaml:1
batch/Job p-migrate is a hook: pre-install
`)
	w.write(kustomization)
	w.check(rendered(chainSource()), `apiextensions.k8s.io/CustomResourceDefinition things.example.com @chart/crds/crd.yaml:1
ConfigMap p-own @chart/own.yaml:1
ConfigMap p-web @chart/templates/all.yaml:1 map[greeting:moin patched:yes]
Secret p-web-token @chart/templates/all.yaml:7 map[token:hunter2-canary]
batch/Job p-migrate @chart/templates/hook.yaml:1
apiextensions.k8s.io/CustomResourceDefinition things.example.com is built by-kustomize
ConfigMap p-own is built by-kustomize
ConfigMap p-web is built by-kustomize
Secret p-web-token is built by-kustomize
batch/Job p-migrate is a hook: pre-install
batch/Job p-migrate is built by-kustomize
`)
	plain := chainSource()
	plain.Helm, plain.Kustomize = nil, nil
	if got := rendered(plain); !strings.Contains(got, "ConfigMap own @chart/own.yaml:1\nConfigMap shop @chart/templates/all.yaml:1 map[greeting:hello]\n") {
		t.Errorf("without blocks, by what lies in the directory: %s", got)
	}
	w.write("-- chart/.argocd-source-shop.yaml --\nhelm: {values: 'greeting: overridden'}\nkustomize: {nameSuffix: -s}\n")
	if got := rendered(chainSource()); !strings.Contains(got, "ConfigMap p-web-s @chart/templates/all.yaml:1 map[greeting:overridden patched:yes]\n") {
		t.Errorf("with .argocd-source-shop.yaml: %s", got)
	}
	failing := chainSource()
	failing.Kustomize.Patches[0].Target = nil
	failing.Kustomize.Patches[0].Patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: nowhere}\nstringData: {a: hunter2-canary}\n"
	got := rendered(failing)
	w.quiet(got, "hunter2-canary")
	if !strings.Contains(got, "error: chart") || !strings.Contains(got, "of the kind Secret there is web-token") {
		t.Errorf("a patch that has no target: %s", got)
	}
	w.write("-- chart/templates/bad.yaml --\n{{ .Values.a.b }}\n")
	if got := rendered(chainSource()); !strings.Contains(got, "chart/templates/bad.yaml:1") {
		t.Errorf("a template that fails: %s", got)
	}
}

// TestUnchained: without the annotation two blocks are an error which names it;
// and it makes no chain of what Helm does not render.
func TestUnchained(t *testing.T) {
	w := newWorld(t, chart+"-- app/kustomization.yaml --\nresources: [a.yaml]\n-- app/a.yaml --\n"+configMap("a", "b"))
	_, err := w.render(chainSource())
	if !errors.Is(err, render.ErrKind) || !strings.HasSuffix(err.Error(), "or set the annotation tidelock.io/post-render: kustomize to have Kustomize build what Helm renders") {
		t.Errorf("got %v", err)
	}
	req := w.request(api.Source{Path: "app", Kustomize: &api.KustomizeSource{NamePrefix: "p-"}})
	req.Chained = true
	result, err := w.engine.Render(context.Background(), req)
	if err != nil || result.SourceType != api.SourceTypeKustomize || listing(result.Set) != "ConfigMap p-a @app/a.yaml:1 map[k:b]\n" {
		t.Errorf("got %+v, %v", result, err)
	}
	source := chainSource()
	source.Directory = &api.DirectorySource{}
	req = w.request(source)
	req.Chained = true
	if _, err := w.engine.Render(context.Background(), req); !errors.Is(err, render.ErrKind) {
		t.Errorf("three blocks: got %v", err)
	}
}

func annotation(o *manifest.Object, key string) string {
	meta, _ := o.Body()["metadata"].(map[string]any)
	all, _ := meta["annotations"].(map[string]any)
	value, _ := all[key].(string)
	return value
}
