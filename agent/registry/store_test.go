package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/secrets"
)

func newStore(t *testing.T, limits registry.Limits) *registry.Store {
	t.Helper()
	s := registry.NewStore(registry.Options{Limits: limits})
	t.Cleanup(s.Close)
	return s
}

// bring resolves a revision and lists the files that it stands for.
func bring(ctx context.Context, s *registry.Store, place registry.Place, revision string) (resolved, files string, err error) {
	resolved, err = s.Resolve(ctx, place, revision)
	if err != nil {
		return "", "", err
	}
	tree, err := s.Tree(ctx, place, resolved)
	if err != nil {
		return resolved, "", err
	}
	var list []string
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := tree.ReadDir(dir)
		for _, e := range entries {
			name := strings.TrimPrefix(dir+"/"+e.Name(), "./")
			if e.IsDir() {
				err = errors.Join(err, walk(name))
				continue
			}
			list = append(list, name)
		}
		return err
	}
	err = walk(".")
	slices.Sort(list)
	return resolved, strings.Join(list, " "), err
}

const chartFiles = "Chart.yaml templates/map.yaml"

func TestHelmRepository(t *testing.T) {
	w := newWeb(t)
	w.user, w.password = "robot", "canary-5571"
	for _, v := range []string{"1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "0.9.0+build.7"} {
		w.publish(t, "shop", v)
	}
	w.index(t, "shop 1.0.0 charts/shop-1.0.0.tgz "+digest(w.files["/charts/shop-1.0.0.tgz"]), // relative
		"shop 1.2.0 "+"/charts/shop-1.2.0.tgz", // from the root
		"shop 1.10.0 "+w.URL+"/charts/shop-1.10.0.tgz sha256:"+digest(w.files["/charts/shop-1.10.0.tgz"]),
		"shop 2.0.0-rc.1 /charts/shop-2.0.0-rc.1.tgz", "shop 0.9.0+build.7 /charts/shop-0.9.0+build.7.tgz",
		"shopping 3.0.0 /none")
	s := newStore(t, registry.Limits{})
	for _, tt := range []struct{ name, chart, revision, want string }{
		{"exact", "shop", "1.0.0", "1.0.0"},
		{"exact, as prerelease", "shop", "2.0.0-rc.1", "2.0.0-rc.1"},
		{"exact, with build", "shop", "0.9.0+build.7", "0.9.0+build.7"},
		{"v before it", "shop", "v1.2.0", "1.2.0"},
		{"range", "shop", "1.x", "1.10.0"},
		{"patches", "shop", "~1.2", "1.2.0"},
		{"no prerelease", "shop", ">=1.0.0", "1.10.0"},
		{"prerelease", "shop", ">=1.0.0-0", "2.0.0-rc.1"},
		{"newest", "shop", "", "1.10.0"},
		{"none", "shop", "9.x", `unknown revision: the chart shop has no version "9.x" (it has 2.0.0-rc.1, 1.10.0, 1.2.0, 1.0.0, 0.9.0+build.7)`},
		{"nonsense", "shop", "!!", `has no version "!!"`},
		{"chart", "shoq", "1.x", `the repository has no chart "shoq" (it has shop, shopping)`},
		{"lost", "shopping", "3.0.0", "the server has no such chart"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, files, err := bring(t.Context(), s, registry.Chart(w.repo(), tt.chart), tt.revision)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
				return
			}
			if got != tt.want || files != chartFiles {
				t.Errorf("got %s with %s, want %s", got, files, tt.want)
			}
		})
	}
	for _, r := range w.requests() {
		if !strings.HasSuffix(r, " as robot") {
			t.Errorf("asked for %s", r)
		}
	}
}

// The index is asked for by its ETag, and an archive once.
func TestHelmRepositoryIsAskedLittle(t *testing.T) {
	w := newWeb(t)
	w.index(t, "shop 1.0.0 "+w.publish(t, "shop", "1.0.0"))
	sent := 0
	index := w.files["/index.yaml"]
	w.handle("/index.yaml", func(res http.ResponseWriter, req *http.Request) {
		if req.Header.Get("If-None-Match") == `"one"` {
			res.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		res.Header().Set("ETag", `"one"`)
		_, _ = res.Write(index)
	})
	s := newStore(t, registry.Limits{})
	place := registry.Chart(w.repo(), "shop")
	if _, known := s.Known(place, "1.x"); known {
		t.Error("something is known before anybody asked")
	}
	for range 3 {
		if got, files, err := bring(t.Context(), s, place, "1.x"); err != nil || got != "1.0.0" || files != chartFiles {
			t.Fatalf("got %s, %s, %v", got, files, err)
		}
	}
	asked := w.requests()
	if sent != 1 || len(asked) != 4 { // three times the index, once the archive
		t.Errorf("the index was sent %d times, asked for: %v", sent, asked)
	}
	answer, known := s.Known(place, "1.x")
	if !known || answer.SHA != "1.0.0" || answer.Err != nil || len(w.requests()) > 0 {
		t.Errorf("known: %v, %v", answer, known)
	}
}

// What is served from memory was served to these credentials.
func TestCredentialsDoNotShareAnswers(t *testing.T) {
	w := newWeb(t)
	w.user, w.password = "robot", "canary-5571"
	w.index(t, "shop 1.0.0 "+w.publish(t, "shop", "1.0.0"))
	s := newStore(t, registry.Limits{})
	if _, _, err := bring(t.Context(), s, registry.Chart(w.repo(), "shop"), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	other := w.repo()
	other.Credentials.Password = secrets.New([]byte("wrong-8810"))
	place := registry.Chart(other, "shop")
	_, err := s.Tree(t.Context(), place, "1.0.0")
	if _, known := s.Known(place, "1.0.0"); known || !errors.Is(err, git.ErrAuth) || strings.Contains(err.Error(), "wrong-8810") {
		t.Errorf("known %v, error %v", known, err)
	}
}

// A repository that is down keeps what was known, with the reason.
func TestDown(t *testing.T) {
	w := newWeb(t)
	w.index(t, "shop 1.0.0 "+w.publish(t, "shop", "1.0.0"))
	s := newStore(t, registry.Limits{})
	place := registry.Chart(w.repo(), "shop")
	if _, _, err := bring(t.Context(), s, place, "1.x"); err != nil {
		t.Fatal(err)
	}
	w.handle("/index.yaml", func(res http.ResponseWriter, _ *http.Request) { res.WriteHeader(http.StatusBadGateway) })
	if _, err := s.Resolve(t.Context(), place, "1.x"); !errors.Is(err, git.ErrRepository) || !strings.Contains(err.Error(), "status 502") {
		t.Errorf("got %v", err)
	}
	answer, known := s.Known(place, "1.x")
	if !known || answer.SHA != "1.0.0" || !errors.Is(answer.Err, git.ErrRepository) {
		t.Errorf("known: %+v, %v", answer, known)
	}
}

func TestAddresses(t *testing.T) {
	s := newStore(t, registry.Limits{})
	at := func(url string) registry.Repo { return registry.Repo{Repo: git.Repo{URL: url}} }
	for _, tt := range []struct {
		place registry.Place
		want  string
	}{
		{registry.File(at("ftp://example.com/x")), "ftp://example.com/x: repository unreachable: the address is not one of a file (write it as https://host/path)"},
		{registry.Artifact(at("oci://example.com/UPPER")), "write it as oci://host/path, in lower case and without a tag"},
		{registry.Artifact(at("oci://example.com/a:tag")), "without a tag"},
		{registry.Artifact(at("oci://example.com")), "not one of a registry's repository"},
		{registry.Chart(at(""), "shop"), "not one of a registry's repository"},
		{registry.File(at("https://user:canary-7@example.invalid:1/%zz")), "the address is not a URL"},
	} {
		_, err := s.Resolve(t.Context(), tt.place, "")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", tt.place, err, tt.want)
		}
		if text := fmt.Sprintf("%v %+v %s", tt.place, tt.place, tt.place); strings.Contains(text, "canary") {
			t.Errorf("a place prints its password: %s", text)
		}
	}
}

func TestFile(t *testing.T) {
	w := newWeb(t)
	w.user, w.password = "robot", "canary-5571"
	w.put("/bases/crd.yaml", []byte("one"))
	s := newStore(t, registry.Limits{File: 10})
	place := registry.File(repo(w.Server, w.URL+"/bases/crd.yaml", w.user, w.password))
	first, files, err := bring(t.Context(), s, place, "")
	if err != nil || files != "crd.yaml" || first != "sha256:"+digest([]byte("one")) {
		t.Fatalf("got %s, %s, %v", first, files, err)
	}
	if tree, err := s.Tree(t.Context(), place, first); err != nil {
		t.Error(err)
	} else if data, err := tree.ReadFile("crd.yaml"); err != nil || string(data) != "one" {
		t.Errorf("got %q, %v", data, err)
	}
	w.requests()
	w.put("/bases/crd.yaml", []byte("two"))
	second, _, err := bring(t.Context(), s, place, "")
	if asked := w.requests(); err != nil || second == first || len(asked) != 1 {
		t.Errorf("got %s, %v, by %v", second, err, asked)
	}
	if _, err := s.Resolve(t.Context(), place, "v1"); !errors.Is(err, git.ErrRevision) {
		t.Errorf("a revision of a file: %v", err)
	}
	w.put("/bases/crd.yaml", []byte("more than ten bytes"))
	if _, err := s.Resolve(t.Context(), place, ""); !errors.Is(err, git.ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
}
