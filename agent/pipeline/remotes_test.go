package pipeline

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	ociserver "github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// An outside is a server of Git repositories (/git), a registry (/v2), a Helm
// repository (/charts) and files (/files), for the Applications of a world.
type outside struct {
	*world
	*httptest.Server
	t    *testing.T
	dir  string
	down atomic.Bool
	hits atomic.Int64
	git  *git.Store

	permit   error // the project's word about addresses
	vouching error
	warning  string
}

func newOutside(t *testing.T) (*outside, *Pipeline, *api.Application) {
	t.Helper()
	w, p, app := newWorld(t)
	o := &outside{world: w, t: t, dir: t.TempDir()}
	o.Server = httptest.NewUnstartedServer(o.mux())
	o.Config.ErrorLog = log.New(io.Discard, "", 0)
	o.StartTLS()
	t.Cleanup(o.Close)
	var err error
	if o.git, err = git.NewStore(t.TempDir(), git.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.git.Close() })
	artifacts := registry.NewStore(registry.Options{})
	t.Cleanup(artifacts.Close)
	p.Git, p.Artifacts, p.Keys, p.Render = o, artifacts, o, render.New(render.Config{Plugins: o})
	p.PermitSource = func(*api.Application) func(string) error {
		return func(string) error { return o.permit }
	}
	p.Vouch = func(*api.Application, string) (string, error) { return o.warning, o.vouching }
	return o, p, app
}

func (o *outside) mux() http.Handler {
	execPath, err := exec.CommandContext(o.t.Context(), "git", "--exec-path").Output()
	if err != nil {
		o.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/git/", &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + o.dir, "GIT_HTTP_EXPORT_ALL=1"}, Stderr: io.Discard,
	})
	mux.Handle("/v2/", ociserver.New(ociserver.Logger(log.New(io.Discard, "", 0))))
	mux.Handle("/", http.FileServer(http.Dir(o.dir)))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		o.hits.Add(1)
		if o.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, req)
	})
}

func (o *outside) credentials() git.Credentials {
	return git.Credentials{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Certificate().Raw})}
}

// Repo, Registry and Named make it Keys.
func (o *outside) Repo(url, _ string) git.Repo {
	return git.Repo{URL: url, Credentials: o.credentials()}
}

func (o *outside) Registry(url, _ string) registry.Repo {
	return registry.Repo{Repo: o.Repo(url, "")}
}

func (o *outside) Named(name, _ string) (string, bool) { return o.URL + "/charts", name == "stable" }

// ours is a repository that the server has; the Application's own is the world's.
func (o *outside) ours(repo git.Repo) bool { return strings.HasPrefix(repo.URL, o.URL) }

func (o *outside) Known(repo git.Repo, revision string) (git.Answer, bool) {
	if o.ours(repo) {
		return o.git.Known(repo, revision)
	}
	return o.world.Known(repo, revision)
}

func (o *outside) Resolve(ctx context.Context, repo git.Repo, revision string) (string, error) {
	if o.ours(repo) {
		return o.git.Resolve(ctx, repo, revision)
	}
	return o.world.Resolve(ctx, repo, revision)
}

func (o *outside) Tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error) {
	if o.ours(repo) {
		return o.git.Tree(ctx, repo, sha)
	}
	return o.world.Tree(ctx, repo, sha)
}

// Render reads objects.yaml. Lines "from URL [CHART]" in it are what else is read:
// its first file.
func (o *outside) Render(ctx context.Context, _ string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	o.renders++
	result := &sdk.RenderResult{}
	file := strings.TrimPrefix(req.Path+"/objects.yaml", "./")
	data, err := req.Tree.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "from" {
			continue
		}
		source := sdk.Source{URL: words[1]}
		if len(words) > 2 {
			source.Chart, source.Revision = words[2], "1.x"
		}
		mounted, err := req.Host.Mount(ctx, source)
		if err != nil {
			return nil, err
		}
		entries, err := req.Tree.ReadDir(mounted.Path)
		if err != nil {
			return nil, err
		}
		file = mounted.Path + "/" + entries[0].Name()
		if data, err = req.Tree.ReadFile(file); err != nil {
			return nil, err
		}
	}
	result.Documents = []sdk.Document{{Data: data, File: file, Line: 1}}
	return result, err
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

// put writes a file that the server has.
func (o *outside) put(name, text string) {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		o.t.Fatal(err)
	}
}

// commit makes the repository /git/base hold one file.
func (o *outside) commit(text string) {
	o.t.Helper()
	o.put("work/base.yaml", text)
	script := `cd work && { test -d .git || git init -q -b main; } && git add -A && git -c user.name=a -c user.email=a@b commit -q -m x && { test -d ../base || git init -q --bare -b main ../base; } && git push -q -f ../base main`
	cmd := exec.CommandContext(o.t.Context(), "sh", "-c", script)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("%v: %s", err, out)
	}
}

// archive packs files, each a name and a text.
func (o *outside) archive(files ...string) []byte {
	o.t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: files[i], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[i+1]))})
		if _, err2 := io.WriteString(w, files[i+1]); errors.Join(err, err2) != nil {
			o.t.Fatal(err, err2)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		o.t.Fatal(err)
	}
	return b.Bytes()
}

// publish makes the chart shop a version in the Helm repository /charts.
func (o *outside) publish(version string) {
	o.t.Helper()
	o.put("charts/shop-"+version+".tgz", string(o.archive("shop/objects.yaml", configMap("chart-"+version))))
	index, _ := os.ReadFile(filepath.Join(o.dir, "charts/index.yaml"))
	if len(index) == 0 {
		index = []byte("entries:\n  shop:\n")
	}
	o.put("charts/index.yaml", string(index)+"  - version: "+version+"\n    urls: [shop-"+version+".tgz]\n")
}

// push tags an artifact in the registry.
func (o *outside) push(tag string, layer []byte) string {
	o.t.Helper()
	to, err := remote.NewRepository(strings.TrimPrefix(o.URL, "https://") + "/team/manifests")
	if err != nil {
		o.t.Fatal(err)
	}
	to.Client = o.Client()
	ctx := o.t.Context()
	pushed, err := oras.PushBytes(ctx, to, ocispec.MediaTypeImageLayerGzip, layer)
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, "application/test", oras.PackManifestOptions{Layers: []ocispec.Descriptor{pushed}})
	if err == nil {
		err = to.Tag(ctx, m, tag)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return m.Digest.String()
}

func names(r *Rendered) string {
	var list []string
	for _, o := range r.Set {
		list = append(list, o.Key.Name)
	}
	return strings.Join(list, " ")
}

func TestRemotes(t *testing.T) {
	o, p, app := newOutside(t)
	o.commit(configMap("base"))
	o.put("files/one.yaml", configMap("file"))
	o.put("files/plain", configMap("plain"))
	o.put("files/page.html", "<html></html>")
	o.publish("1.0.0")
	for _, tt := range []struct{ from, want string }{
		{o.URL + "/git/base", "base"},
		{o.URL + "/files/one.yaml", "file"},
		{o.URL + "/files/plain", "plain"},
		{o.URL + "/charts shop", "chart-1.0.0"},
		{"@stable shop", "chart-1.0.0"},
		{"alias:stable shop", "chart-1.0.0"},
		{"@none shop", `no repository is called "none": add a repository Secret with name: none`},
		{o.URL + "/charts none", `the repository has no chart "none" (it has shop)`},
		{o.URL + "/files/none.yaml", "the server has no such file"},
		{o.URL + "/files/page.html", "repository unreachable"},
		{"http://files.example/one.yaml", "single files are fetched over https only"},
		{"file:///etc/passwd", "file:///etc/passwd is no address of a server"},
		{"/etc", "/etc is no address of a server"},
		{"../other", "is no address of a server"},
	} {
		t.Run(tt.from, func(t *testing.T) {
			o.write(t, "shop/objects.yaml", "from "+tt.from+"\n")
			out, err := p.Desired(t.Context(), app, nil)
			if err != nil {
				if !errors.Is(err, render.ErrRemote) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			if got := names(out); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// What is permitted is asked before anything is fetched, and proven before it is
// read.
func TestRemotesArePermittedAndProven(t *testing.T) {
	o, p, app := newOutside(t)
	o.commit(configMap("base"))
	o.put("files/one.yaml", configMap("file"))
	o.write(t, "shop/objects.yaml", "from "+o.URL+"/git/base\n")
	o.permit = errors.New("project red: spec.sourceRepos permits no such thing")
	if _, err := p.Desired(t.Context(), app, nil); err == nil || !strings.Contains(err.Error(), o.permit.Error()) || o.hits.Load() > 0 {
		t.Errorf("after %d requests: %v", o.hits.Load(), err)
	}
	o.permit, o.verified = nil, nil
	p.Verify = func(_ context.Context, _ *api.Application, repo git.Repo, _, _ string) error {
		if o.ours(repo) {
			return git.ErrUnproven
		}
		return nil
	}
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, git.ErrUnproven) {
		t.Errorf("an unsigned base: %v", err)
	}
	o.write(t, "shop/objects.yaml", "from "+o.URL+"/files/one.yaml\n")
	o.vouching = git.ErrUnproven
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, git.ErrUnproven) {
		t.Errorf("a file: %v", err)
	}
	o.vouching, o.warning = nil, "nobody has signed it"
	out := desired(t, p, app)
	if names(out) != "file" || fmt.Sprint(out.Warnings) != "[{UnsignedWarning nobody has signed it}]" {
		t.Errorf("got %s with %v", names(out), out.Warnings)
	}
}

// A base is asked for anew when the Application is; in between, and while its
// server is down, what is known stands.
func TestRemotesMove(t *testing.T) {
	o, p, app := newOutside(t)
	o.commit(configMap("one"))
	base := o.URL + "/git/base"
	o.write(t, "shop/objects.yaml", "from "+base+"\n")
	reads := func(url string) bool {
		return p.Reads(app, func(of, _ string) bool { return git.SameRepo(of, url) })
	}
	if reads(base) {
		t.Error("the base is read before it is")
	}
	if got := names(desired(t, p, app)); got != "one" || !reads(base) || reads(o.URL+"/git/other") {
		t.Errorf("got %s, reads the base: %v", got, reads(base))
	}
	hits, renders := o.hits.Load(), o.renders
	if got := names(desired(t, p, app)); got != "one" || o.hits.Load() != hits || o.renders != renders {
		t.Errorf("got %s, with %d requests and %d renders", got, o.hits.Load()-hits, o.renders-renders)
	}
	o.commit(configMap("two"))
	p.Renew(app, false)
	if got := names(desired(t, p, app)); got != "two" {
		t.Errorf("after a commit: %s", got)
	}
	o.down.Store(true)
	p.Renew(app, false)
	for _, when := range []string{"asked while it is down", "while it is down"} {
		out := desired(t, p, app)
		if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "still at commit ") || names(out) != "two" {
			t.Errorf("%s: %s, %v", when, names(out), out.Warnings)
		}
	}
	o.down.Store(false)
	o.write(t, "shop/objects.yaml", configMap("own"))
	if got := names(desired(t, p, app)); got != "own" || reads(base) {
		t.Errorf("without the base: %s, reads it: %v", got, reads(base))
	}
}

// 1.2 chart: the revision is its version. 1.2 oci: it is the digest.
func TestPublishedSources(t *testing.T) {
	o, p, app := newOutside(t)
	o.publish("1.0.0")
	app.Spec.Source = &api.Source{RepoURL: o.URL + "/charts", Chart: "shop", TargetRevision: "1.x", Directory: &api.DirectorySource{}}
	if out := desired(t, p, app); out.Revisions[0] != "1.0.0" || names(out) != "chart-1.0.0" {
		t.Errorf("a chart: %s at %v", names(out), out.Revisions)
	}
	o.publish("1.1.0")
	p.Renew(app, false)
	if out := desired(t, p, app); out.Revisions[0] != "1.1.0" || names(out) != "chart-1.1.0" {
		t.Errorf("its next version: %s at %v", names(out), out.Revisions)
	}
	if out, err := p.Desired(t.Context(), app, []string{"1.0.0"}); err != nil || names(out) != "chart-1.0.0" {
		t.Errorf("back at 1.0.0: %v, %v", out, err)
	}
	o.down.Store(true)
	p.Renew(app, false)
	if _, err := p.Desired(t.Context(), app, nil); !errors.Is(err, git.ErrRepository) {
		t.Errorf("while it is down: %v", err)
	}
	if out := desired(t, p, app); len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "still at 1.1.0, of ") {
		t.Errorf("while it is down: %v", out.Warnings)
	}
	o.down.Store(false)

	first := o.push("v1.0.0", o.archive("shop/objects.yaml", configMap("one")))
	app.Spec.Source = &api.Source{RepoURL: strings.Replace(o.URL, "https", "oci", 1) + "/team/manifests", Path: "shop", TargetRevision: "v1.x"}
	if out := desired(t, p, app); out.Revisions[0] != first || names(out) != "one" {
		t.Errorf("an artifact: %s at %v", names(out), out.Revisions)
	}
	second := o.push("v1.1.0", o.archive("shop/objects.yaml", configMap("two")))
	p.Renew(app, false)
	if out := desired(t, p, app); out.Revisions[0] != second || names(out) != "two" {
		t.Errorf("its next tag: %s at %v", names(out), out.Revisions)
	}
	if out, err := p.Desired(t.Context(), app, []string{first}); err != nil || names(out) != "one" {
		t.Errorf("back at the first: %v, %v", out, err)
	}
}
