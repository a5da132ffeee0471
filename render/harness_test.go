package render_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/directory"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
)

func TestMain(m *testing.M) {
	pluginstest.Main(m, directory.Plugin("test"), helm.Plugin("test"), kustomize.Plugin("test"), sops.Plugin("test"), sdk.Plugin{Name: "asker", Renderer: asker{}}, sdk.Plugin{Name: "envy", Renderer: envy{}})
}

// plugins are those of a host.
type plugins struct{ *host.Host }

func (p plugins) Decrypt(ctx context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	return open.File(ctx, p.Host.Decrypt, req)
}

// A world is a repository, an engine over real plugin processes, and what they
// logged.
type world struct {
	testing.TB
	repo    string
	store   *git.Store
	plugins plugins
	engine  *render.Engine
	log     *bytes.Buffer
	key     *age.X25519Identity
	keys    []sdk.Key
}

func newWorld(t testing.TB, archive string) *world {
	w := &world{TB: t, repo: t.TempDir(), log: &bytes.Buffer{}}
	store, err := git.NewStore(t.TempDir(), git.Options{})
	w.must(err)
	t.Cleanup(func() { store.Close() })
	w.store = store
	w.key, err = age.GenerateX25519Identity()
	w.must(err)
	_, err = gogit.PlainInit(w.repo, false)
	w.must(err)
	w.plugins = plugins{pluginstest.Host(t, host.Spec{Name: "directory"}, host.Spec{Name: "helm"}, host.Spec{Name: "kustomize"}, host.Spec{Name: "sops"}, host.Spec{Name: "asker"}, host.Spec{Name: "envy"})}
	w.engine = render.New(render.Config{
		Plugins: w.plugins,
		Logger:  slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	w.write(archive)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// write puts the files of a txtar archive into the work tree. Those below a
// "sops/" are encrypted for the world's key, and lose that prefix.
func (w *world) write(archive string) {
	w.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name, secret := strings.CutPrefix(f.Name, "sops/")
		if secret {
			f.Data = w.encrypt(name, f.Data)
		}
		to := filepath.Join(w.repo, name)
		w.must(os.MkdirAll(filepath.Dir(to), 0o755))
		w.must(os.WriteFile(to, f.Data, 0o644))
	}
}

func (w *world) encrypt(name string, plain []byte) []byte {
	w.Helper()
	root := w.TempDir()
	rule := fmt.Sprintf("creation_rules:\n- age: %s\n  encrypted_regex: %q\n", w.key.Recipient(), "^(data|stringData|token|encrypted)$")
	if ext := filepath.Ext(name); ext != ".yaml" && ext != ".json" {
		rule = fmt.Sprintf("creation_rules:\n- age: %s\n", w.key.Recipient())
	}
	w.must(os.WriteFile(filepath.Join(root, ".sops.yaml"), []byte(rule), 0o600))
	cipher, err := testenv.EncryptSOPS(root, name, plain)
	w.must(err)
	return cipher
}

// hold gives the engine the world's key.
func (w *world) hold() {
	w.keys = []sdk.Key{{Kind: "age", Name: "Secret argocd/sops-age, key demo.agekey", Material: sdk.Material(w.key.String() + "\n")}}
}

// request commits the work tree and returns a request to render it.
func (w *world) request(source api.Source) render.Request {
	w.Helper()
	repo, err := gogit.PlainOpen(w.repo)
	w.must(err)
	tree, err := repo.Worktree()
	w.must(err)
	w.must(tree.AddWithOptions(&gogit.AddOptions{All: true}))
	sha, err := tree.Commit("change", &gogit.CommitOptions{AllowEmptyCommits: true, Author: &object.Signature{Name: "a", Email: "a@b", When: time.Now()}})
	w.must(err)
	files, err := w.store.Tree(context.Background(), git.Repo{URL: w.repo}, sha.String())
	w.must(err)
	source.RepoURL = "https://user:sesame@git.example.com/infra.git"
	return render.Request{
		Application: "shop", Project: "default", Source: source, Tree: files, Revision: sha.String(),
		Namespace: "shop", KubeVersion: "1.37.2", APIVersions: []string{"v1", "apps/v1"}, Keys: w.keys,
	}
}

func (w *world) render(source api.Source) (*render.Result, error) {
	w.Helper()
	return w.engine.Render(context.Background(), w.request(source))
}

// rendered renders and prints the outcome as text.
func (w *world) rendered(source api.Source) string {
	w.Helper()
	result, err := w.render(source)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return listing(result.Set)
}

// listing prints each object with its origin and the plain text of its data.
func listing(set manifest.Set) string {
	var b strings.Builder
	for _, o := range set {
		fmt.Fprintf(&b, "%s @%s", o.Key, o.Origin)
		data := map[string]string{}
		for k, v := range o.Data() {
			data[k] = string(v.Reveal())
		}
		if plain, ok := o.Body()["data"].(map[string]any); ok {
			for k, v := range plain {
				data[k] = fmt.Sprint(v)
			}
		}
		if len(data) > 0 {
			fmt.Fprintf(&b, " %v", data)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (w *world) check(got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("\n got:\n%s\nwant:\n%s", got, want)
	}
}

// quiet checks that texts show in no log and no error.
func (w *world) quiet(text string, secrets ...string) {
	w.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) || strings.Contains(w.log.String(), s) {
			w.Errorf("%q shows in %q or the log", s, text)
		}
	}
}

func paths(facts git.Facts) []string {
	var out []string
	for _, f := range facts {
		out = append(out, f.Path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
