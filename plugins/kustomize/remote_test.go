package kustomize_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// remoteRepo is a repository whose bases refer to each other, to themselves by
// address, and to files.
const remoteRepo = `
-- kustomization.yaml --
resources: [base]
-- base/kustomization.yaml --
resources: [a.yaml]
configMapGenerator: [{name: generated, files: [x=a.txt]}]
-- base/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {from: base}
-- base/a.txt --
text
-- overlay/kustomization.yaml --
namePrefix: r-
resources: [../base]
components: [../component]
patches: [{path: patch.yaml}]
-- overlay/patch.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {patched: "yes"}
-- component/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
commonAnnotations: {remote: component}
-- nested/kustomization.yaml --
resources:
- git@git.example.com:org/repo.git//overlay?ref=v1
nameSuffix: -n
`

// remotes is a host that gives the same files for each Git address, as the
// binary gets them from a clone.
type remotes struct {
	tree    *pluginstest.Tree
	files   []txtar.File
	sources []sdk.Source
}

func (r *remotes) Mount(_ context.Context, s sdk.Source) (sdk.Mounted, error) {
	if !strings.Contains(s.URL, "git.example.com") && !strings.Contains(s.URL, "github.com") {
		return sdk.Mounted{}, fmt.Errorf("%w: %s", fs.ErrPermission, s)
	}
	r.sources = append(r.sources, s)
	dir := ".tidelock-mounts/" + fmt.Sprintf("%x", s.String())
	for _, f := range r.files {
		name, target, isLink := strings.Cut(f.Name, " -> ")
		if isLink {
			r.tree.Links[path.Join(dir, name)] = path.Join(dir, target)
			continue
		}
		for k, v := range pluginstest.ParseTree("-- " + path.Join(dir, name) + " --\n" + string(f.Data)).MapFS {
			r.tree.MapFS[k] = v
		}
	}
	return sdk.Mounted{Path: dir, Revision: s.Revision}, nil
}

func (*remotes) Render(context.Context, sdk.NestedRequest) (*sdk.RenderResult, error) {
	return nil, sdk.ErrNoHost
}
func (*remotes) Lookup(context.Context, sdk.Object) (json.RawMessage, error) {
	return nil, sdk.ErrNoHost
}

// TestRemotes compares addresses of all forms with what the binary makes of them.
// It clones by git, which is told that all hosts are a directory.
func TestRemotes(t *testing.T) {
	b := newBinary(t)
	files := txtar.Parse([]byte(remoteRepo)).Files
	repo := b.write(files)
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."},
		{"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "all"}, {"tag", "v1"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", repo}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	// The binary asks by HTTP first: a proxy that is not there refuses it at once.
	b.env = []string{"HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "GIT_CONFIG_NOSYSTEM=1"}
	hosts := []string{
		"https://git.example.com/org/repo", "https://git.example.com/org/repo.git", "git@git.example.com:org/repo.git", "git@git.example.com:org/repo",
		"ssh://git@git.example.com/org/repo", "https://github.com/org/repo", "git@github.com:org/repo", "https://git.example.com/org/project/_git/repo", "https://me:secret@git.example.com/org/repo",
	}
	b.env = append(b.env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(hosts)))
	for i, host := range hosts {
		b.env = append(b.env, fmt.Sprintf("GIT_CONFIG_KEY_%d=url.file://%s.insteadOf", i, repo), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, host))
	}
	for _, address := range []string{
		"https://git.example.com/org/repo//overlay?ref=v1",
		"https://git.example.com/org/repo/overlay?ref=v1",
		"https://git.example.com/org/repo.git/overlay?ref=v1",
		"https://git.example.com/org/repo.git//overlay?version=v1&timeout=90s",
		"https://git.example.com/org/repo?ref=v1",
		"https://git.example.com/org/repo",
		"https://git.example.com/org/repo//?ref=main",
		"https://git.example.com/org/project/_git/repo/overlay?ref=v1",
		"https://me:secret@git.example.com/org/repo//base?ref=v1",
		"git@git.example.com:org/repo.git//overlay?ref=v1",
		"git@git.example.com:org/repo//nested?ref=v1&submodules=false",
		"ssh://git@git.example.com/org/repo//overlay?ref=v1",
		"git::https://git.example.com/org/repo//overlay?ref=v1",
		"git::ssh://git@git.example.com/org/repo//overlay?ref=v1",
		"github.com/org/repo//overlay?ref=v1",
		"GitHub.com/org/repo/overlay?ref=v1",
		"git@github.com:org/repo//nested?ref=v1",
		"https://github.com/org/repo/overlay/../base?ref=v1",
	} {
		for _, field := range []string{"resources", "components"} {
			name := address
			if field == "components" {
				if name = strings.ReplaceAll(address, "//overlay", "//component"); name == address {
					continue // one form of the path will do
				}
			}
			t.Run(field+" "+name, func(t *testing.T) {
				overlay := fmt.Sprintf("resources: [own.yaml]\nbuildMetadata: [originAnnotations, transformerAnnotations]\n%s:\n- %s\n", field, name)
				if field == "resources" {
					overlay = fmt.Sprintf("namespace: x\nbuildMetadata: [originAnnotations]\nresources:\n- own.yaml\n- %s\n", name)
				}
				own := []txtar.File{
					{Name: "overlay/kustomization.yaml", Data: []byte(overlay)},
					{Name: "overlay/own.yaml", Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n")},
				}
				out, err := b.run(b.write(own), "build", "overlay")
				if err != nil {
					t.Fatal(err)
				}
				want, err := objects(out)
				if err != nil {
					t.Fatal(err)
				}
				tree := pluginstest.ParseTree(string(txtar.Format(&txtar.Archive{Files: own})))
				result, err := kustomize.Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: "overlay", Tree: tree, Host: &remotes{tree: tree, files: files}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := decoded(result)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(mended(want), got); diff != "" {
					t.Errorf("(-kustomize +plugin)\n%s", diff)
				}
			})
		}
	}
}

// TestConfined: a remote base reads nothing but its own repository.
func TestConfined(t *testing.T) {
	for _, c := range []struct{ name, remote, want string }{
		{"base", "-- x/kustomization.yaml --\nresources: [../../../own]\n", "leaves the repository that it is in"},
		{"base above a mount", "-- x/kustomization.yaml --\nresources: [../..]\n", "leaves the repository that it is in"},
		{"another mount", "-- x/kustomization.yaml --\nresources: [../../other]\n", "leaves the repository that it is in"},
		{"component", "-- x/kustomization.yaml --\ncomponents: [../../../own]\n", "leaves the repository that it is in"},
		{"in capitals", "-- x/kustomization.yaml --\nRESOURCES: [../../../own]\n", "leaves the repository that it is in"},
		{"by an anchor", "-- x/kustomization.yaml --\nnamePrefix: &a ../../../own\nresources: [*a]\n", "leaves the repository that it is in"},
		{"transformers", "-- x/kustomization.yaml --\ntransformers: [../../../own]\n", "leaves the repository that it is in"},
		{"file", "-- x/kustomization.yaml --\nresources: [../../../own/secret.yaml]\n", "leaves the repository that it is in"},
		{"file by root", "-- x/kustomization.yaml --\nconfigMapGenerator: [{name: a, files: [/own/secret.yaml]}]\n", "not in or below"},
		{"generator", "-- x/kustomization.yaml --\nconfigMapGenerator: [{name: a, files: [../../../own/secret.yaml]}]\n", "not in or below"},
		{"patch", "-- x/kustomization.yaml --\npatches: [{path: ../../../own/secret.yaml}]\n", "not in or below"},
		{"chart home", "-- x/kustomization.yaml --\nhelmGlobals: {chartHome: ../../../own}\nhelmCharts: [{name: a}]\n", "leaves the repository that it is in"},
		{"values", "-- x/kustomization.yaml --\nhelmCharts: [{name: c, valuesFile: ../../../own/secret.yaml}]\n-- x/charts/c/Chart.yaml --\n", "not in or below"},
		{"disk", "-- x/kustomization.yaml --\nresources: ['file:///etc//x']\n", "the agent has no disk to read from"},
		{"forbidden", "-- x/kustomization.yaml --\nresources: ['https://me:sesame@elsewhere.example.com/a/b']\n", "permission denied: https://elsewhere.example.com/a/b"},
		{"itself", "-- x/kustomization.yaml --\nresources: ['https://git.example.com/org/repo//x?ref=v1']\n", "cannot contain itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := pluginstest.ParseTree("-- own/kustomization.yaml --\nresources: [secret.yaml]\n-- own/secret.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n" +
				"-- overlay/kustomization.yaml --\nresources:\n- https://git.example.com/org/repo//x?ref=v1\n")
			result, err := kustomize.Renderer{}.Render(context.Background(), &sdk.RenderRequest{
				Path: "overlay", Tree: tree, Host: &remotes{tree: tree, files: txtar.Parse([]byte(c.remote)).Files},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "overlay/kustomization.yaml:2 > .tidelock-mounts/") {
				t.Errorf("got %v, %v; want %q", result, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("it tells a password: %v", err)
			}
		})
	}
}

// TestRemotesNest: what refers to others without end is refused.
func TestRemotesNest(t *testing.T) {
	tree := pluginstest.ParseTree("-- overlay/kustomization.yaml --\nresources: ['https://git.example.com/org/0//x?ref=v1']\n")
	_, err := kustomize.Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: "overlay", Tree: tree, Host: endless{&remotes{tree: tree}}})
	if err == nil || !strings.Contains(err.Error(), "remote bases refer to each other more than 8 deep") {
		t.Errorf("got %v", err)
	}
}

// endless is a host whose every repository refers to another one.
type endless struct{ *remotes }

func (e endless) Mount(ctx context.Context, s sdk.Source) (sdk.Mounted, error) {
	n := len(e.sources) + 1
	e.files = txtar.Parse(fmt.Appendf(nil, "-- x/kustomization.yaml --\nresources: ['https://git.example.com/org/%d//x?ref=v1']\n", n)).Files
	if n > 20 {
		return sdk.Mounted{}, errors.New("it went on")
	}
	return e.remotes.Mount(ctx, s)
}

// mended is what the binary prints but for two things that the plugin does not
// write into objects: the password in an address, and "notCloned", kustomize's
// word for a clone, before the path of what is at the root of a repository.
func mended(objects []map[string]any) []map[string]any {
	fix := strings.NewReplacer("me:secret@", "", "notCloned/", "")
	for _, o := range objects {
		if annotations, ok := o["metadata"].(map[string]any)["annotations"].(map[string]any); ok {
			for key, value := range annotations {
				annotations[key] = fix.Replace(value.(string))
			}
		}
	}
	return objects
}
