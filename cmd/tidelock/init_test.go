package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
)

// initialised runs init in a directory, and returns what it says.
func initialised(t *testing.T, dir string, args ...string) (out, talk string) {
	t.Helper()
	root := newRootCommand()
	root.SetArgs(append([]string{"init", dir, "--repo-url", "https://git.example.com/org/infra.git"}, args...))
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	return stdout.String(), stderr.String()
}

// Whatever is begun, and added to it, is such that nothing is found in it.
func TestInitIsClean(t *testing.T) {
	t.Parallel()
	for _, tt := range sample([]struct {
		name  string
		calls []string
	}{
		{"as it is", []string{""}},
		{"three environments", []string{"--app shop --environments dev,staging,production --ci gitlab,github"}},
		{"one environment", []string{"--app shop --environments live --ci none"}},
		{"another environment", []string{"--app shop", "--app shop --environments dev"}},
		{"another environment and service", []string{"--app shop --environments a", "--app web --environments b,a", "--app web --environments c"}},
		{"another service", []string{"--app shop", "--app web --image registry.example.com:5000/web:1"}},
		{"another project beside", []string{"--app shop", "--app tools --project platform --environments ops"}},
		{"another branch", []string{"--app shop --branch release/1", "--app web --branch main --environments test"}},
		{"another address", []string{"--app shop", "--app web --repo-url git@git.example.com:org/infra.git"}},
		{"names that look like others", []string{"--app a-b --environments c --project default", "--app a --environments b-c --project default"}},
	}) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			if _, err := gogit.PlainInit(work, false); err != nil {
				t.Fatal(err)
			}
			for _, call := range tt.calls {
				if _, talk := initialised(t, work, strings.Fields(call)...); strings.Contains(talk, "warning") {
					t.Errorf("%s: %s", call, talk)
				}
			}
			if whole, got := validated(t, work, nil); whole != "" || got != "" {
				t.Errorf("found\n%s%s", whole, got)
			}
		})
	}
}

// An AppProject that somebody has written is added to, or it is said that it cannot be.
func TestInitProject(t *testing.T) {
	const head = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: services, namespace: argocd}\nspec:\n"
	const rest = "  sourceRepos: ['*']\n  clusterResourceWhitelist: [{group: '', kind: Namespace}]\n"
	for _, tt := range []struct{ name, text, want, talk string }{
		{"permits all", head + "  destinations: [{server: '*', namespace: '*'}]\n" + rest, "", ""},
		{
			"in braces", head + "  destinations: [{server: 'https://kubernetes.default.svc', namespace: '*-staging'}]\n" + rest,
			head + "  destinations: [{server: 'https://kubernetes.default.svc', namespace: '*-staging'}, {server: \"https://kubernetes.default.svc\", namespace: '*-dev'}]\n" + rest, "",
		},
		{"denies it", head + "  destinations: [{server: '*', namespace: '*'}, {server: '*', namespace: '!shop-dev'}]\n" + rest, "", "does not permit what the Application shop-dev states"},
		{"has no such list", head + rest, "", "does not permit what the Application shop-dev states"},
		{"cannot be read", "spec: [", "", "does not permit what the Application shop-dev states"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			work := t.TempDir()
			file := filepath.Join(work, "argocd", "project-services.yaml")
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			want, listed := tt.want, tt.want != ""
			if !listed {
				want = tt.text
			}
			args := []string{"--app", "shop", "--environments", "dev"}
			if out, _ := initialised(t, work, append(args, "--dry-run")...); strings.Contains(out, "project-services") != listed {
				t.Errorf("a dry run lists\n%s", out)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != tt.text {
				t.Errorf("a dry run leaves %v\n%s", err, text)
			}
			out, talk := initialised(t, work, args...)
			if strings.Contains(out, "project-services") != listed || !strings.Contains(talk, tt.talk) || tt.talk == "" && strings.Contains(talk, "warning") {
				t.Errorf("it says\n%s%s", out, talk)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, text, want)
			}
		})
	}
}
