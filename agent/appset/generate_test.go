package appset

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// given are the answers to a set's generators, in a test's own files.
type given struct {
	repo         fstest.MapFS
	clusters     []Cluster
	pullRequests []PullRequest
	repositories []struct {
		Is    Repository
		Paths []string
	}
	answer []map[string]any
	asked  []string
}

func (g *given) Tree(_ context.Context, url, revision string) (fs.FS, error) {
	g.asked = append(g.asked, url+" "+revision)
	if g.repo == nil {
		return nil, errors.New("the server does not answer")
	}
	return g.repo, nil
}

func (g *given) Clusters(context.Context) ([]Cluster, error) { return g.clusters, nil }

func (g *given) PullRequests(context.Context, *api.PullRequestGenerator) ([]PullRequest, error) {
	return g.pullRequests, nil
}

func (g *given) Repositories(context.Context, *api.SCMProviderGenerator) ([]Repository, error) {
	var all []Repository
	for _, r := range g.repositories {
		r.Is.HasPath = func(_ context.Context, path string) (bool, error) {
			for _, p := range r.Paths {
				if p == path {
					return true, nil
				}
			}
			return false, nil
		}
		all = append(all, r.Is)
	}
	return all, nil
}

func (g *given) Plugin(context.Context, *api.PluginGenerator) ([]map[string]any, error) {
	return g.answer, nil
}

// readCase reads the files of one case: the set, the answers, what is wanted.
func readCase(t testing.TB, a *txtar.Archive) (set *api.ApplicationSet, from *given, want int) {
	t.Helper()
	set, from, want = &api.ApplicationSet{}, &given{}, -1
	for i, f := range a.Files {
		into := map[string]any{
			"set.yaml": set, "clusters.yaml": &from.clusters, "pulls.yaml": &from.pullRequests,
			"repositories.yaml": &from.repositories, "answer.yaml": &from.answer,
		}[f.Name]
		switch {
		case into != nil:
			if err := yaml.UnmarshalStrict(f.Data, into); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
		case strings.HasPrefix(f.Name, "repo/"):
			if from.repo == nil {
				from.repo = fstest.MapFS{}
			}
			from.repo[strings.TrimPrefix(f.Name, "repo/")] = &fstest.MapFile{Data: f.Data}
		case f.Name == "want":
			want = i
		}
	}
	return set, from, want
}

// now is when the tests are.
var now = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// printed is a result as text: each Application, then what is odd, or the error.
func shown(r *Result, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, made := range r.Applications {
		fmt.Fprintf(&b, "--- %d %s\n", made.Generator, made.Parameters)
		if made.Invalid != nil {
			fmt.Fprintf(&b, "invalid: %s: %v\n", made.Field, made.Invalid)
		}
		made.App.APIVersion, made.App.Kind = "", ""
		text, err := yaml.Marshal(made.App)
		if err != nil {
			return err.Error()
		}
		b.Write(text)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "problem: %d %s %s: %s", p.Generator, p.Kind, p.Field, p.Message)
		if p.Hint != "" {
			fmt.Fprintf(&b, "; %s", p.Hint)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// TestGenerate runs the cases of testdata: sets, what their generators are answered, and
// what comes of it.
func TestGenerate(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			set, from, want := readCase(t, a)
			if want < 0 {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				want = len(a.Files) - 1
			}
			o := Options{Now: now, NewFileGlobbing: strings.Contains(string(a.Comment), "new-git-file-globbing")}
			first := shown(Generate(t.Context(), set, from, o))
			for range 3 { // maps come in another order each time
				if again := shown(Generate(t.Context(), set, from, o)); again != first {
					t.Fatalf("it is not the same each time:\n%s", cmp.Diff(first, again))
				}
			}
			if *update {
				a.Files[want].Data = []byte(first)
				if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(a.Files[want].Data), first); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
