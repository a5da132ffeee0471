package policy_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/policy"
)

// A line of "want" is an object's key, a rule, the field or "-", and a part of the
// message.
func line(p validate.Problem) string {
	path := p.Path
	if path == "" {
		path = "-"
	}
	return strings.Join([]string{p.Object.Key.String(), p.Rule, path, p.Message}, " ")
}

// TestCases judges the objects of testdata/cases by the policies beside them. An API
// server is asked about the same in render/validate/agreement.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			problems, cluster := judged(t, parts["policies.yaml"]+parts["cluster.yaml"], parts["objects.yaml"])
			for _, p := range cluster.Problems() {
				t.Errorf("of the policy: %s", line(p))
			}
			compare(t, problems, parts["want"])
		})
	}
}

func judged(t *testing.T, with, objects string) ([]validate.Problem, *policy.Cluster) {
	t.Helper()
	world, set := parsed(t, with), parsed(t, objects)
	custom := &validate.Definitions{}
	for _, o := range world {
		custom.Add(o)
	}
	compiler, err := policy.New("1.37", custom)
	if err != nil {
		t.Fatal(err)
	}
	cluster := compiler.Cluster(slices.Concat(world, set))
	return cluster.Judge(t.Context(), set), cluster
}

func parsed(t *testing.T, text string) manifest.Set {
	t.Helper()
	set, err := manifest.ParseStrict([]byte(text), manifest.Origin{File: "a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// compare holds problems against lines, in whatever order.
func compare(t *testing.T, problems []validate.Problem, want string) {
	t.Helper()
	var got []string
	for _, p := range problems {
		got = append(got, line(p))
	}
	slices.Sort(got)
	lines := strings.Split(strings.TrimSpace(want), "\n")
	if want == "" {
		lines = nil
	}
	slices.Sort(lines)
	if len(got) != len(lines) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
	for i := range got {
		words := strings.SplitN(lines[i], " ", 5)
		head, part := strings.Join(words[:len(words)-1], " "), words[len(words)-1]
		if !strings.HasPrefix(got[i], head+" ") || !strings.Contains(got[i], part) {
			t.Errorf("got  %s\nwant %s", got[i], lines[i])
		}
	}
}
