package simtest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what was printed into testdata/*.txt")

// TestScripts plays the stories in testdata: see script for the verbs. What they
// print has exact times, since the time is virtual.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) {
				var failures []string
				if got, failures, err = play(t.Context(), string(want)); err != nil {
					t.Fatal(err)
				}
				for _, f := range failures {
					t.Error(f)
				}
			})
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-rewrite if this is meant; want -, got +\n%s", diff)
			}
		})
	}
}
