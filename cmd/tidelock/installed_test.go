package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// TestInstalled runs the story of an agent that is installed by what `tidelock
// install` prints, with the rights that it gives. Whatever is forbidden to it fails the
// story, and so does a right that it has not used.
func TestInstalled(t *testing.T) {
	t.Parallel()
	whole(t)
	w := newWorld(t, testenv.ServiceAccountUser("agent-installed", install.Name), testenv.ServiceAccountUser("agent-shadow", install.Name))
	all := commands()
	all["rights"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		ts.Check(rights(w.cluster.Audit.Of(testenv.ServiceAccountUser("agent-installed", install.Name))))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/installed",
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return w.begin(t.Context(), env) },
		Cmds:                all,
	})
}

// rights compares the verbs of the installation's rights with those that were used.
// Verbs that are no requests leave a trace elsewhere: the story tells that a Role with
// more rights than the agent's was taken (escalate, bind).
func rights(log *testenv.AuditLog) error {
	requests, err := log.Next()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for request := range requests {
		verb, _, _ := strings.Cut(request, " ")
		switch verb {
		case "forbidden":
			return fmt.Errorf("the agent may not do what it tries to: %s", request)
		case "apply", "dry-run":
			verb = "patch"
		}
		used[verb] = true
	}
	delete(used, "post") // discovery and the like, which anybody may
	given, err := given()
	if err != nil {
		return err
	}
	if !maps.Equal(used, given) {
		return fmt.Errorf("the agent has used %v, and may %v: %s", slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(given)), requests)
	}
	return nil
}

// given are the verbs of requests that the installation gives the right to.
func given() (map[string]bool, error) {
	objects, err := install.Objects(install.Options{Namespace: install.DefaultNamespace, SealingNamespace: "kube-system", Image: install.Image})
	if err != nil {
		return nil, err
	}
	verbs := map[string]bool{}
	for _, o := range objects {
		rules, _ := o["rules"].([]any)
		for _, rule := range rules {
			list, _ := rule.(map[string]any)["verbs"].([]any)
			for _, verb := range list {
				verbs[verb.(string)] = true
			}
		}
	}
	for _, noRequest := range []string{"escalate", "bind", "impersonate"} {
		if !verbs[noRequest] {
			return nil, fmt.Errorf("the installation gives no right to %s", noRequest)
		}
		delete(verbs, noRequest)
	}
	return verbs, nil
}

// TestInstallations: the chart and the kustomization of examples/install state what
// `tidelock install` prints, however it is asked.
func TestInstallations(t *testing.T) {
	t.Parallel()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	const app = `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: tidelock, namespace: argocd}, spec: {project: default,
destination: {server: https://kubernetes.default.svc, namespace: tidelock}, source: {repoURL: https://git.example.com/tidelock.git, path: %s}}}`
	for name, tt := range map[string]struct {
		source string
		args   []string
	}{
		"kustomization":     {"examples/install/kustomize", nil},
		"chart":             {"examples/install/helm", nil},
		"chart impersonate": {`examples/install/helm, helm: {valuesObject: {impersonate: true}}`, []string{"--impersonate"}},
		"chart monitoring":  {`examples/install/helm, helm: {valuesObject: {monitoring: true}}`, []string{"--monitoring"}},
		"chart values": {`examples/install/helm, helm: {valuesObject: {image: "registry.example.com/t:1", sealedSecretsNamespace: keys}}`,
			[]string{"--image", "registry.example.com/t:1", "--sealed-secrets-namespace", "keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "app.yaml")
			if err := os.WriteFile(file, fmt.Appendf(nil, app, tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			printed := printedBy(t, append([]string{"install", "--image", install.Image + ":latest"}, tt.args...)...)
			if strings.Contains(tt.source, "helm") {
				delete(printed, "Namespace tidelock") // Helm's to make
			}
			stated := printedBy(t, "render", "-f", file, "--repo", root)
			if diff := cmp.Diff(printed, stated); diff != "" {
				t.Errorf("(-install +%s)\n%s", name, diff)
			}
		})
	}
}

// printedBy runs a command, and returns the objects that it prints, by key.
func printedBy(t *testing.T, args ...string) map[string]string {
	t.Helper()
	var out, talk bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&talk)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%s: %v\n%s", args, err, talk.String())
	}
	set, err := manifest.Parse(out.Bytes(), manifest.Origin{File: args[0]})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for _, o := range set {
		body := o.Body()
		text, err := json.MarshalIndent(body, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Key.Kind+" "+o.Key.Name] = string(text)
	}
	return objects
}
