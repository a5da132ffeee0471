package rehearsal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
)

var plane *controlplane.Plane

func TestMain(m *testing.M) {
	status, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runAll(m *testing.M) (int, error) {
	root, err := testenv.Root()
	if err != nil {
		return 0, err
	}
	plane, err = controlplane.Start(context.Background(), controlplane.Options{Program: filepath.Join(root, "bin", controlplane.Program), UserAgent: "test"})
	if err != nil {
		return 0, err
	}
	status := m.Run()
	return status, plane.Stop()
}

// TestRun has stories: files are destinations, and "want" what the server has
// against their objects. What is in elsewhere.yaml is defined without being stated.
func TestRun(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var all []Destination
			var elsewhere manifest.Set
			want := ""
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				set, err := manifest.Parse(f.Data, manifest.Origin{File: f.Name})
				if err != nil {
					t.Fatal(err)
				}
				if f.Name == "elsewhere.yaml" {
					elsewhere = set
					continue
				}
				all = append(all, Destination{Objects: set, Labels: map[string]map[string]string{"labelled": {"team": "a"}}})
			}
			if got := tell(t, all, elsewhere); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func tell(t *testing.T, all []Destination, elsewhere manifest.Set) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r, err := New(plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	var told atomic.Int64
	answers, err := r.Run(ctx, all, Options{Parallel: 4, Defined: func(gk schema.GroupKind) *manifest.Object {
		for _, o := range elsewhere {
			if o.Defines() == gk {
				return o
			}
		}
		return nil
	}, Progress: func(_, of int) { told.Store(int64(of)) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.enter(ctx, needs{}); err != nil { // for the next story
		t.Fatal(err)
	}
	var b strings.Builder
	objects := 0
	for _, list := range answers {
		for _, a := range list {
			objects++
			if a.Unasked {
				fmt.Fprintf(&b, "%s %s: not asked\n", a.Object.Origin.File, a.Object.Key)
			}
			for _, one := range a.Refusals {
				fmt.Fprintf(&b, "%s %s: %s: %s\n", a.Object.Origin.File, a.Object.Key, one.Path, one.Message)
			}
		}
	}
	if told.Load() != int64(objects) {
		t.Errorf("told of %d objects, of %d", told.Load(), objects)
	}
	return b.String()
}
