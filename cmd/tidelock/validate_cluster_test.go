package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/agent/served"
	"github.com/tidelock-io/tidelock/render/validate"
)

// liveServer is an API server, and a kubeconfig with a context for its administrator,
// "admin", and one for somebody without rights, "reader".
func liveServer(t *testing.T) (*rest.Config, string) {
	t.Helper()
	plane, err := controlplane.Start(t.Context(), controlplane.Options{Program: devclusterProgram(t), UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	cfg := plane.Config
	user := &clientcmdapi.AuthInfo{
		ClientCertificate: cfg.CertFile, ClientCertificateData: cfg.CertData, ClientKey: cfg.KeyFile, ClientKeyData: cfg.KeyData,
		Token: cfg.BearerToken,
	}
	reader := user.DeepCopy()
	reader.Impersonate, reader.ImpersonateGroups = "reader", []string{"system:authenticated"}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"live": {Server: cfg.Host, CertificateAuthority: cfg.CAFile, CertificateAuthorityData: cfg.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": user, "reader": reader},
		Contexts:       map[string]*clientcmdapi.Context{"admin": {Cluster: "live", AuthInfo: "admin"}, "reader": {Cluster: "live", AuthInfo: "reader"}},
		CurrentContext: "admin",
	}, file); err != nil {
		t.Fatal(err)
	}
	return cfg, file
}

// defineLive makes a custom kind, and waits until the server has it with its schema.
func defineLive(t *testing.T, cfg *rest.Config, text string) {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := definitions.Apply(t.Context(), o.GetName(), o, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
		t.Fatal(err)
	}
	group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		c, err := served.Ask(ctx, cfg, served.Options{Parallel: 4})
		if err != nil {
			return false, err
		}
		documents, _, err := c.Documents(ctx)
		for _, doc := range documents {
			for gvk := range doc.Made {
				if gvk.Group == group {
					return true, err
				}
			}
		}
		return false, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

const liveWidgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Cluster
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "self.size <= self.most", message: size must not be more than most}
            properties:
              size: {type: integer}
              most: {type: integer, default: 10}
`

// A repository is compared with what a cluster serves.
func TestFromCluster(t *testing.T) {
	cfg, kubeconfig := liveServer(t)
	defineLive(t, cfg, liveWidgets)
	work := t.TempDir()
	for name, text := range map[string]string{
		"app/kustomization.yaml": "resources: [objects.yaml]\nnamespace: shop\n",
		"app/objects.yaml": `apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: a}
spec:
  size: 11
  colour: red
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
dta: {}
`,
		"chart/Chart.yaml":        "apiVersion: v2\nname: chart\nversion: 1.0.0\nkubeVersion: '>=1.37.1'\n",
		"chart/templates/a.yaml":  "{{- if .Capabilities.APIVersions.Has \"shop.example.com/v1/Widget\" }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\nnonsense: 1\n{{- end }}\n",
		"defined/crd.yaml":        strings.ReplaceAll(strings.ReplaceAll(liveWidgets, "shop.example.com", "new.example.com"), "size: {type: integer}", "size: {type: string}"),
		"defined/gadget.yaml":     "apiVersion: new.example.com/v1\nkind: Widget\nmetadata: {name: b}\nspec: {size: 1}\n",
		"elsewhere/skaffold.yaml": "apiVersion: skaffold.example.com/v4\nkind: Config\nmetadata: {name: x}\n",
		"policies/policy.yaml":    "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: small}\nspec:\n  matchConstraints:\n    resourceRules: [{apiGroups: [shop.example.com], apiVersions: [v1], operations: [CREATE], resources: [widgets]}]\n  validations: [{expression: \"object.spec.size < 5\", message: it is too large}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: small}\nspec: {policyName: small, validationActions: [Deny]}\n",
	} {
		file := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache := t.TempDir()
	live := []string{"--from-cluster", "--kubeconfig", kubeconfig, "--policies", filepath.Join(work, "policies"), "--cache-dir", cache, "--no-cache=false"}
	const always = "app/objects.yaml:6 unknown-field\napp/objects.yaml:9 unknown-kind\napp/objects.yaml:15 unknown-field\nchart/templates/a.yaml:5 unknown-field\n"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"by its administrator", live, "app/objects.yaml:4 cel-rule\napp/objects.yaml:5 policy\n" + always + "defined/crd.yaml:13 definition\ndefined/gadget.yaml:4 wrong-type\n"},
		{"once more, with what is kept", live, "app/objects.yaml:4 cel-rule\napp/objects.yaml:5 policy\n" + always + "defined/crd.yaml:13 definition\ndefined/gadget.yaml:4 wrong-type\n"},
		{"by somebody who may not read definitions", append(live, "--context", "reader"), "app/objects.yaml:5 policy\n" + always + "defined/crd.yaml:13 definition\ndefined/gadget.yaml:4 wrong-type\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if talk, got := validated(t, work, tt.args); got != tt.want {
				t.Errorf("got\n%swant\n%s%s", got, tt.want, talk)
			}
		})
	}
	kept, err := os.ReadDir(filepath.Join(cache, "schemas"))
	if err != nil || len(kept) < 15 {
		t.Errorf("%d documents are kept: %v", len(kept), err)
	}
}

// Repositories in which nothing is wrong are so for a cluster, too: but for the kinds
// that it has not.
func TestCleanFromCluster(t *testing.T) {
	t.Parallel()
	whole(t)
	_, kubeconfig := liveServer(t)
	archives, err := filepath.Glob("testdata/validate/clean/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("%v: %v", archives, err)
	}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		work, args, _ := unpackRepository(t, archive)
		_, got := validated(t, work, append(args, "--from-cluster", "--kubeconfig", kubeconfig))
		for line := range strings.Lines(got) {
			if !strings.HasPrefix(line, "note: ") && !strings.HasSuffix(line, " "+validate.RuleUnknownKind+"\n") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

func TestFromClusterCannot(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"x": {Server: "https://127.0.0.1:1"}}, Contexts: map[string]*clientcmdapi.Context{"x": {Cluster: "x"}}, CurrentContext: "x",
	}, nowhere); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--kubeconfig", nowhere}, "say which cluster --from-cluster asks"},
		{[]string{"--context", "x"}, "say which cluster --from-cluster asks"},
		{[]string{"--from-cluster", "--kube-version", "1.36"}, "--kube-version: it is the cluster's own with --from-cluster"},
		{[]string{"--from-cluster", "--api-versions", "a/v1"}, "--api-versions: it is the cluster's own with --from-cluster"},
		{[]string{"--from-cluster", "--real"}, "give it or --from-cluster"},
		{[]string{"--from-cluster", "--kubeconfig", filepath.Join(t.TempDir(), "gone")}, "--from-cluster: read the kubeconfig"},
		{[]string{"--from-cluster", "--kubeconfig", nowhere, "--context", "gone"}, "--from-cluster: read the kubeconfig"},
		{[]string{"--from-cluster", "--kubeconfig", nowhere}, "--from-cluster: ask the cluster for its version"},
	} {
		root := newRootCommand()
		root.SetArgs(append([]string{"validate", "--no-cache", t.TempDir()}, tt.args...))
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
			t.Errorf("%v: got %v, %s, want %q", tt.args, err, out.String(), tt.want)
		}
	}
}
