package references

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

var update = flag.Bool("update", false, "write the findings anew into the broken repositories")

// TestBroken looks at the repositories of testdata/broken, in whose file "want" the
// findings stand, and TestClean at those of testdata/clean, where nothing is found.
// In the file "parts" stands who renders what: "CLUSTER NAMESPACE DIRECTORY", with
// "unseen", "draft" or "partial" behind it; - is a cluster or a namespace that is
// not known. Without it one Application renders all into namespace shop.
func TestBroken(t *testing.T) {
	for _, file := range archives(t, "broken") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			r := readRepository(t, file)
			got := texts(r.findings(t))
			if *update {
				r.write(t, file, got)
			}
			if want := string(r.want); got != want || got == "" {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestClean(t *testing.T) {
	for _, file := range archives(t, "clean") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			if got := texts(readRepository(t, file).findings(t)); got != "" {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// TestEveryRuleIsBroken: each rule of references has a repository that breaks it.
func TestEveryRuleIsBroken(t *testing.T) {
	var all string
	for _, file := range archives(t, "broken") {
		all += string(readRepository(t, file).want)
	}
	for _, rule := range []string{
		validate.RuleMissingClaim, validate.RuleMissingClass, validate.RuleMissingConfigMap, validate.RuleMissingGateway, validate.RuleMissingKey,
		validate.RuleMissingPolicy, validate.RuleMissingPort, validate.RuleMissingRole, validate.RuleMissingSecret, validate.RuleMissingService,
		validate.RuleMissingServiceAccount, validate.RuleMissingTarget, validate.RuleMisnamed, validate.RuleSelectsNothing, validate.RuleServicePort,
	} {
		if !strings.Contains(all, "["+rule+"]") {
			t.Errorf("nothing breaks %s", rule)
		}
	}
}

func archives(t testing.TB, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	return files
}

// A repository is an archive.
type repository struct {
	archive *txtar.Archive
	parts   []Part
	options Options
	want    []byte
	texts   map[string][]byte
}

func readRepository(t testing.TB, file string) *repository {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &repository{archive: archive, options: Options{Whole: true}, texts: map[string][]byte{}}
	rows := []string{"in-cluster shop ."}
	for _, f := range archive.Files {
		switch f.Name {
		case "want":
			r.want = f.Data
		case "parts":
			rows = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		case validate.ConfigFile:
			if r.options.External, err = validate.ReadExternals(f.Name, f.Data); err != nil {
				t.Fatal(err)
			}
		default:
			r.texts[f.Name] = f.Data
		}
	}
	for _, row := range rows {
		r.part(t, strings.Fields(row))
	}
	return r
}

// part reads a row of "parts".
func (r *repository) part(t testing.TB, row []string) {
	t.Helper()
	p := Part{Cluster: strings.Trim(row[0], "-"), Namespace: strings.Trim(row[1], "-")}
	if row[0] == "in-cluster" {
		p.Cluster = row[0]
	}
	for _, flag := range row[3:] {
		switch flag {
		case "unseen":
			p.Unseen = true
		case "draft":
			p.Draft = true
		case "partial":
			r.options.Whole = false
		case "filled":
			p.Filled = func(o *manifest.Object) bool { return o.Key.Kind == "Secret" }
		default:
			t.Fatalf("%q", flag)
		}
	}
	for _, name := range r.names() {
		if row[2] != "." && !strings.HasPrefix(name, row[2]+"/") {
			continue
		}
		set, err := manifest.ParseStrict(r.texts[name], manifest.Origin{File: name})
		if err != nil {
			t.Fatal(err)
		}
		p.Set = append(p.Set, set...)
	}
	if p.Namespace != "" {
		placed, err := p.Set.Place(p.Namespace, p.Set.Scopes())
		if err != nil {
			t.Fatal(err)
		}
		p.Set = placed
	}
	r.parts = append(r.parts, p)
}

func (r *repository) names() []string { return sortedKeys(r.texts) }

// findings places what is found.
func (r *repository) findings(t testing.TB) []validate.Finding {
	t.Helper()
	locator := validate.NewLocator(func(name string) ([]byte, error) {
		if text, ok := r.texts[name]; ok {
			return text, nil
		}
		return nil, fs.ErrNotExist
	})
	var all []validate.Finding
	for _, problems := range Check(r.parts, r.options) {
		for _, p := range problems {
			all = append(all, locator.Finding(p, nil))
		}
	}
	if r.options.Whole {
		all = append(all, r.options.External.Leftover()...)
	}
	return validate.Merge(all)
}

func (r *repository) write(t *testing.T, file, want string) {
	t.Helper()
	r.archive.Files = slices.DeleteFunc(r.archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	r.archive.Files = append(r.archive.Files, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(file, txtar.Format(r.archive), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want = []byte(want)
}

func texts(all []validate.Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}
