package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// commitAll writes files and commits all of a directory.
func commitAll(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repo, err := gogit.PlainOpen(dir)
	if err != nil {
		if repo, err = gogit.PlainInit(dir, false); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.AddWithOptions(&gogit.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	sha, err := tree.Commit("change", &gogit.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@b", When: time.Now()}})
	if err != nil {
		t.Fatal(err)
	}
	return sha.String()
}

// Of what changes "base/a.yaml", it is known without a render only that those are not
// touched that cannot have read it.
func TestReach(t *testing.T) {
	for _, tt := range []struct {
		name, files, source string
		beyond              bool
	}{
		{"a directory of its own", "-- app/a.yaml --\na: b\n", "", true},
		{"it is in the directory", "-- app/a.yaml --\na: b\n", "path: base", false},
		{"a base", "-- app/kustomization.yaml --\nresources: [../base]\n", "", false},
		{"a file of it", "-- app/kustomization.yaml --\nresources: [ '../base/a.yaml' ]\n", "", false},
		{"another base", "-- app/kustomization.yaml --\nresources: [../other]\n-- other/a.yaml --\na: b\n", "", true},
		{"a base of a base", "-- app/kustomization.yaml --\nresources: [../other]\n-- other/kustomization.yaml --\nresources: [../base]\n", "", false},
		{"bases in a circle", "-- app/kustomization.yaml --\nresources: [../other]\n-- other/kustomization.yaml --\nresources: [../app]\n", "", true},
		{"the root", "-- app/kustomization.yaml --\nresources: [..]\n", "", false},
		{"dots that are no path", "-- app/a.yaml --\na: wait... for 1..2\n", "", true},
		{"a path in disguise", "-- app/kustomization.yaml --\nresources: [\"\\x2e./base\"]\n", "", false},
		{"in two lines", "-- app/kustomization.yaml --\nresources: [\".\\\n./base\"]\n", "", false},
		{"by URL", "-- app/kustomization.yaml --\nresources: ['https://git.example.com/org/infra//base']\n", "", false},
		{"by the short form of one", "-- app/kustomization.yaml --\nresources: [github.com/org/infra/base]\n", "", false},
		{"what comes in a path that was not there", "-- app/kustomization.yaml --\nresources: [../base/new.yaml]\n", "", false},
		{"values", "-- app/Chart.yaml --\nname: a\n", "helm: {valueFiles: [/base/a.yaml]}", false},
		{"a plugin", "-- app/a.yaml --\na: b\n", "plugin: {name: x}", false},
		{"another repository", "-- app/a.yaml --\na: b\n", "repoURL: https://elsewhere.example.com/x", false},
		{"overrides", "-- app/.argocd-source.yaml --\nhelm: {valueFiles: [/base/a.yaml]}\n", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			files := map[string]string{"base/a.yaml": "a: 1\n"}
			for _, f := range txtar.Parse([]byte(tt.files)).Files {
				files[f.Name] = string(f.Data)
			}
			from := commitAll(t, dir, files)
			r := reachOf(t, dir, from, commitAll(t, dir, map[string]string{"base/a.yaml": "a: 2\n", "base/new.yaml": "a: 1\n"}))
			text := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    repoURL: https://git.example.com/org/infra\n    path: app\n    " + tt.source + "\n"
			if got := r.beyond(appOf(t, text)); got != tt.beyond {
				t.Errorf("beyond reach is %v", got)
			}
		})
	}
}

func appOf(t testing.TB, text string) *api.Application {
	t.Helper()
	app := &api.Application{}
	if err := yaml.Unmarshal([]byte(text), app); err != nil {
		t.Fatal(err)
	}
	return app
}

func reachOf(t testing.TB, dir, from, to string) *reach {
	t.Helper()
	files := &checkouts{log: slog.New(slog.DiscardHandler), find: func(url, _ string) (string, bool) {
		return dir, url == "https://git.example.com/org/infra" || url == dir
	}}
	t.Cleanup(files.close)
	e := &comparison{beforeFiles: &fixedCommits{checkouts: files, sha: from, pinned: func(string) bool { return false }}}
	var err error
	for sha, tree := range map[string]**git.Tree{from: &e.beforeTree, to: &e.afterTree} {
		if *tree, err = files.Tree(context.Background(), git.Repo{URL: dir}, sha); err != nil {
			t.Fatal(err)
		}
	}
	r := e.newReach()
	if r == nil {
		t.Fatal("it cannot be told what has changed")
	}
	return r
}

// monorepo has services as cmd/bench has them, each with an Application.
func monorepo(services int) map[string]string {
	files := map[string]string{}
	for i := range services {
		name := fmt.Sprintf("svc-%04d", i)
		base := "services/" + name + "/base/"
		files[base+"kustomization.yaml"] = "kind: Kustomization\nresources: [deployment.yaml, service.yaml, serviceaccount.yaml, configmap.yaml]\nlabels: [{pairs: {app.kubernetes.io/name: " + name + "}}]\n"
		files[base+"deployment.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec:\n  selector: {matchLabels: {app: " + name + "}}\n  template:\n    metadata: {labels: {app: " + name + "}}\n    spec: {containers: [{name: main, image: 'registry.example.com/" + name + ":1.0.0'}]}\n"
		files[base+"service.yaml"] = "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {selector: {app: " + name + "}, ports: [{port: 80}]}\n"
		files[base+"serviceaccount.yaml"] = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " + name + "}\n"
		files[base+"configmap.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {NAME: " + name + "}\n"
		overlay := "services/" + name + "/overlays/staging"
		files[overlay+"/kustomization.yaml"] = "kind: Kustomization\nnamespace: " + name + "\nresources: [../../base]\nreplicas: [{name: " + name + ", count: 2}]\n"
		files["argocd/"+name+".yaml"] = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + name + "}\nspec:\n  project: default\n  source: {repoURL: https://git.example.com/org/infra, path: " + overlay + "}\n  destination: {server: https://kubernetes.default.svc, namespace: " + name + "}\n"
	}
	return files
}

// BenchmarkDiffRange is of a commit that touches one of 500 services, from the start of
// the plugins to their end.
func BenchmarkDiffRange(b *testing.B) {
	dir := b.TempDir()
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	files := monorepo(500)
	from := commitAll(b, dir, files)
	const base = "services/svc-0042/base/configmap.yaml"
	to := commitAll(b, dir, map[string]string{base: files[base] + "immutable: false\n"})
	o := rangeOptions{affectedOptions: affectedOptions{span: from + ".." + to}, now: time.Now()}
	o.kubeVersion, o.repos = defaultKubeVersion, []string{dir}
	for b.Loop() {
		radius, err := o.radius(b.Context(), io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		if got, want := radius.Totals.String(), "1 Application; objects: 1 changed"; got != want {
			b.Fatalf("got %s, want %s", got, want)
		}
	}
}
