package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/resolve"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A world is what a Pipeline is tied to: a directory as the repository, a
// renderer that reads one file, a cluster that serves nothing.
type world struct {
	dir  string
	down error // what a poll of the repository has failed of

	mu       sync.Mutex // guards the fields below while a pass runs: sources are looked at side by side
	asked    int
	renders  int
	modules  *git.Modules
	chosen   string   // by what a commit was looked for
	verified []string // what was asked to be proven
	unproven error    // the answer
}

func (w *world) Known(repo git.Repo, revision string) (git.Answer, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.chosen = repo.TagPrefix + revision
	return git.Answer{SHA: "1234567", Err: w.down}, true
}

func (w *world) Resolve(context.Context, git.Repo, string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return "1234567", w.down
}

func (w *world) Tree(_ context.Context, repo git.Repo, _ string) (*git.Tree, error) {
	w.mu.Lock()
	w.modules = repo.Modules
	w.mu.Unlock()
	return git.Dir(w.dir)
}

func (w *world) Render(_ context.Context, _ string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	w.mu.Lock()
	w.renders++
	w.mu.Unlock()
	file := req.Path + "/objects.yaml"
	data, err := req.Tree.ReadFile(file)
	if ref, ok := bytes.CutPrefix(data, []byte("# of $")); ok {
		mounted, err := req.Host.Mount(context.Background(), sdk.Source{Ref: string(ref)})
		if err != nil {
			return nil, err
		}
		file = mounted.Path + "/shop/objects.yaml"
		data, err = req.Tree.ReadFile(file)
		return &sdk.RenderResult{Documents: []sdk.Document{{Data: data, File: file, Line: 1}}}, err
	}
	return &sdk.RenderResult{Documents: []sdk.Document{{Data: data, File: file, Line: 1}}}, err
}

func (*world) Decrypt(context.Context, *sdk.DecryptRequest) ([]byte, error) { return nil, sdk.ErrNoKey }

func (*world) Repo(url, _ string) git.Repo                     { return git.Repo{URL: url} }
func (*world) Registry(url, _ string) registry.Repo            { return registry.Repo{Repo: git.Repo{URL: url}} }
func (*world) Named(string, string) (url string, ok bool)      { return "", false }
func (*world) SOPS(string) []sdk.Key                           { return nil }
func (*world) Generation() int64                               { return 0 }
func (*world) Version() (string, []string)                     { return "1.37.2", nil }
func (*world) Scope(*manifest.Object) (namespaced, known bool) { return false, false }
func (*world) Serves(schema.GroupKind) bool                    { return false }
func (*world) Controlled(schema.GroupKind) bool                { return true }
func (*world) Get(context.Context, string, string, string, string) (json.RawMessage, error) {
	return nil, fs.ErrNotExist
}

func (*world) Token(context.Context, string, string, []string) (sdk.Material, error) {
	return nil, fs.ErrNotExist
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) (*world, *Pipeline, *api.Application) {
	t.Helper()
	w := &world{dir: t.TempDir()}
	w.write(t, "shop/objects.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: extra}\n")
	p := &Pipeline{
		Namespace: "argocd", Git: w, Render: render.New(render.Config{Plugins: w}), Secrets: &resolve.Stage{}, Keys: w,
		Destination: func(*api.Application) (Destination, error) { return w, nil }, Now: time.Now,
		Verify: func(_ context.Context, _ *api.Application, repo git.Repo, revision, sha string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.verified = append(w.verified, repo.URL+" "+repo.TagPrefix+revision+" "+sha)
			return w.unproven
		},
		Permit: func(*api.Application) func(*manifest.Object) error {
			return func(*manifest.Object) error { return nil }
		},
	}
	app := &api.Application{}
	app.Namespace, app.Name = "argocd", "shop"
	app.Spec.Source = &api.Source{RepoURL: "https://git.example/shop.git", Path: "shop"}
	app.Spec.Destination.Namespace = "front"
	return w, p, app
}

func desired(t *testing.T, p *Pipeline, app *api.Application) *Rendered {
	t.Helper()
	out, err := p.Desired(t.Context(), app, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDesired(t *testing.T) {
	_, p, app := newWorld(t)
	out := desired(t, p, app)
	if got := out.Set[0].String() + ", " + out.Set[1].String(); got != "ConfigMap front/settings, Namespace extra" {
		t.Errorf("got %s", got)
	}
	if len(out.Revisions) != 1 || out.Revisions[0] != "1234567" || out.Types[0] != api.SourceTypeDirectory {
		t.Errorf("got revisions %v, types %v", out.Revisions, out.Types)
	}
}

// A commit is proven by what the Application names, though an operation chose it
// by its id; if it is not, nothing of it is rendered, nor what is remembered used.
func TestDesiredIsProven(t *testing.T) {
	w, p, app := newWorld(t)
	app.Spec.Source.TargetRevision, app.Spec.Source.TagPrefix = "1.*", "web-"
	if _, err := p.Desired(t.Context(), app, nil); err != nil || w.chosen != "web-1.*" {
		t.Fatalf("%v, chosen by %q", err, w.chosen)
	}
	w.verified = nil
	if _, err := p.Desired(t.Context(), app, []string{"1234567"}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(w.verified, "; "), "https://git.example/shop.git web-1.* 1234567"; got != want {
		t.Errorf("verified %q, want %q", got, want)
	}
	w.unproven = git.ErrUnproven
	out, err := p.Desired(t.Context(), app, nil)
	if !errors.Is(err, git.ErrUnproven) || out != nil || w.renders != 1 {
		t.Errorf("got %v, %v after %d renderings; want ErrUnproven and no more than the first", out, err, w.renders)
	}
}

// Submodules are read where the Application's project permits their addresses,
// with credentials for these.
func TestDesiredOfSubmodules(t *testing.T) {
	w, p, app := newWorld(t)
	if desired(t, p, app); w.modules != nil {
		t.Error("submodules without anybody to permit them")
	}
	p.PermitSource = func(of *api.Application) func(string) error {
		return func(url string) error { return fmt.Errorf("%s: not %s", of.Name, url) }
	}
	p.Renew(app, true)
	desired(t, p, app)
	if err := w.modules.Permit("https://git.example/lib"); err == nil || err.Error() != "shop: not https://git.example/lib" {
		t.Errorf("got %v", err)
	}
	if url := w.modules.Repo("https://git.example/lib").URL; url != "https://git.example/lib" {
		t.Errorf("got %s", url)
	}
	p.NoSubmodules.Store(true)
	if desired(t, p, app); w.modules != nil {
		t.Error("submodules although they are switched off")
	}
}

// A commit that changes nothing an Application reads must not call its renderer.
func TestDesiredIsRemembered(t *testing.T) {
	w, p, app := newWorld(t)
	before := desired(t, p, app)
	w.write(t, "other/objects.yaml", "something else")
	again := desired(t, p, app)
	if w.renders != 1 || again.Set[0] != before.Set[0] {
		t.Errorf("rendered %d times, want once and the same objects", w.renders)
	}
	w.write(t, "shop/objects.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n")
	if after := desired(t, p, app); w.renders != 2 || len(after.Set) != 1 {
		t.Errorf("rendered %d times, got %v", w.renders, after.Set)
	}
	p.Forget("shop")
	desired(t, p, app)
	if w.renders != 3 {
		t.Errorf("rendered %d times after Forget, want 3", w.renders)
	}
}

// While a repository cannot be reached its last commit stands, with a warning;
// who asks for a refresh is told.
func TestDesiredOfUnreachable(t *testing.T) {
	w, p, app := newWorld(t)
	w.down = errors.New("connection refused")
	out := desired(t, p, app)
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "connection refused (still at commit 1234567") {
		t.Errorf("got warnings %v", out.Warnings)
	}
	p.Renew(app, false)
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, w.down) || w.asked != 1 {
		t.Errorf("got %v after asking %d times", err, w.asked)
	}
	w.down = nil
	if out := desired(t, p, app); len(out.Warnings) != 0 {
		t.Errorf("got warnings %v", out.Warnings)
	}
}

// A source that has a ref and no path gives no manifests and lends its files; what
// two sources state is named with both places, also if one of them leaves the
// namespace to the Application.
func TestDesiredOfSeveral(t *testing.T) {
	w, p, app := newWorld(t)
	w.write(t, "reader/objects.yaml", "# of $values")
	w.write(t, "placed/objects.yaml", "# of the same name\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: front}\n")
	const url = "https://git.example/shop.git"
	app.Spec.Sources = []api.Source{
		{RepoURL: url, Ref: "values"},
		{RepoURL: url, Path: "reader", Name: "reads"},
		{RepoURL: url, Path: "shop"},
		{RepoURL: url, Path: "placed", Name: "placed"},
	}
	for range 2 { // the second is from memory
		out := desired(t, p, app)
		var got []string
		for _, warning := range out.Warnings {
			got = append(got, string(warning.Kind)+": "+warning.Message)
		}
		want := `RepeatedResourceWarning: ConfigMap settings: stated at source 2 (reads): $values//shop/objects.yaml:1 and at source 3: shop/objects.yaml:1; the last one counts
RepeatedResourceWarning: Namespace extra: stated at source 2 (reads): $values//shop/objects.yaml:5 and at source 3: shop/objects.yaml:5; the last one counts
RepeatedResourceWarning: ConfigMap front/settings: stated at source 3: shop/objects.yaml:1 and at source 4 (placed): placed/objects.yaml:2; the last one counts`
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if len(out.Set) != 2 || len(out.Revisions) != 4 || out.Types[0] != "" {
			t.Errorf("got %v, revisions %v, types %v", out.Set, out.Revisions, out.Types)
		}
	}
	app.Spec.Sources = app.Spec.Sources[1:]
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, render.ErrRemote) || !strings.Contains(err.Error(), `no source of the Application has the ref "values"`) {
		t.Errorf("without the ref: got %v", err)
	}
}
