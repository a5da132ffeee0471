package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	agekeys "filippo.io/age"
	gogit "github.com/go-git/go-git/v5"
	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var cacheSeed = flag.Uint64("cache.seed", 1, "which files TestCachedVerdict breaks, and how")

// saying is all that a command says, and its exit status as an error.
func saying(t *testing.T, args ...string) string {
	t.Helper()
	root := newRootCommand()
	root.SetArgs(args)
	var out, talk bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&talk)
	err := root.ExecuteContext(t.Context())
	return fmt.Sprintf("%s--\n%s--\n%v\n", &out, &talk, err)
}

// TestCachedVerdict: whatever is kept of earlier runs, validate says to the byte what
// it says without. The repositories are all that there are, broken and clean; the
// plain manifests are made one, each an overlay, of which files are broken at random.
func TestCachedVerdict(t *testing.T) {
	whole(t)
	t.Parallel()
	cache := t.TempDir()
	same := func(t *testing.T, outputs []string, work string, args ...string) {
		t.Helper()
		for _, output := range outputs {
			args := append([]string{"validate", work, "-o", output}, args...)
			want, got := saying(t, append(args, "--no-cache")...), saying(t, append(args, "--cache-dir", cache)...)
			if want != got {
				t.Fatalf("%s: without a cache it says\n%s\nand with one\n%s", output, want, got)
			}
		}
	}
	for _, kind := range []string{"broken", "clean"} {
		archives, err := filepath.Glob("testdata/validate/" + kind + "/*.txtar")
		if err != nil {
			t.Fatal(err)
		}
		for i, archive := range archives {
			if i%4 != 0 { // they are many, and of one kind here
				continue
			}
			work, args, _ := unpackRepository(t, archive)
			saying(t, append([]string{"validate", work, "--cache-dir", cache}, args...)...)
			outputs := []string{"json"} // which has all that the others are made of
			if i == 0 {
				outputs = []string{"text", "json", "sarif"}
			}
			same(t, outputs, work, args...)
		}
	}
	work := overlays(t)
	seed := *cacheSeed
	random := rand.New(rand.NewPCG(seed, 0))
	cold := saying(t, "validate", work, "--cache-dir", cache)
	if again := saying(t, "validate", work, "--cache-dir", cache); again != cold || strings.Count(cold, "\n") < 100 {
		t.Fatalf("at first it says\n%s\nand then\n%s", cold, again)
	}
	for range 5 {
		var edits []string
		for range 3 {
			edits = append(edits, edit(t, random, work))
		}
		want, got := saying(t, "validate", work, "--no-cache"), saying(t, "validate", work, "--cache-dir", cache)
		if want != got {
			t.Fatalf("seed %d, after %q: without a cache it says\n%s\nand with one\n%s", seed, edits, want, got)
		}
	}
}

// overlays is a repository of the manifests of render/validate's tests.
func overlays(t *testing.T) (work string) {
	t.Helper()
	work = t.TempDir()
	if _, err := gogit.PlainInit(work, false); err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob("../../render/validate/testdata/*/*.txtar")
	if err != nil || len(archives) < 50 {
		t.Fatalf("%d repositories, %v", len(archives), err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(work, strings.TrimSuffix(filepath.Base(name), ".txtar"))
		resources := "resources:\n"
		for _, f := range archive.Files {
			if f.Name == "want" || filepath.Dir(f.Name) != "." || strings.HasPrefix(f.Name, ".") {
				continue
			}
			resources += "- " + f.Name + "\n"
			putFile(t, filepath.Join(dir, f.Name), f.Data)
		}
		putFile(t, filepath.Join(dir, "kustomization.yaml"), []byte(resources))
	}
	return work
}

func putFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// edit breaks a file, or which files there are, and says how.
func edit(t *testing.T, random *rand.Rand, work string) string {
	t.Helper()
	var files []string
	if err := filepath.WalkDir(work, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".yaml" {
			files = append(files, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	name := files[random.IntN(len(files))]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.SplitAfter(string(text), "\n")
	at := random.IntN(len(rows))
	how := random.IntN(6)
	switch how {
	case 0:
		rows[at] = ""
	case 1:
		rows[at] += rows[at]
	case 2:
		rows[at] = strings.Replace(rows[at], "a", "B", 1)
	case 3:
		putFile(t, name+".json", []byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "_"}}`))
	case 4:
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		return "removed " + name
	case 5: // nothing that a render shows
		rows[at] += "# token: ghp_" + strings.Repeat(fmt.Sprintf("%09x", random.Uint32()), 4) + "\n"
	}
	putFile(t, name, []byte(strings.Join(rows, "")))
	return fmt.Sprintf("%d at line %d of %s", how, at+1, name)
}

// What a run is asked beside the files counts: another version, other definitions, other
// rules of gitleaks, a part of the repository.
func TestCacheKnowsTheQuestion(t *testing.T) {
	work, elsewhere, cache := t.TempDir(), t.TempDir(), t.TempDir()
	const definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n" +
		"  group: example.com\n  scope: Namespaced\n  names: {plural: widgets, kind: Widget}\n  versions:\n" +
		"  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: TYPE}}}}}}}\n"
	for name, text := range map[string]string{
		"numbers/crd.yaml": strings.Replace(definition, "TYPE", "integer", 1),
		"texts/crd.yaml":   strings.Replace(definition, "TYPE", "string", 1),
		"rules.toml":       "[[rules]]\nid = \"ours\"\ndescription = \"d\"\nregex = '''a-name-of-ours'''\n",
	} {
		putFile(t, filepath.Join(elsewhere, name), []byte(text))
	}
	commitAll(t, work, map[string]string{
		"a/kustomization.yaml": "namespace: a\nresources: [widget.yaml, class.yaml]\n",
		"a/widget.yaml":        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a-name-of-ours}\nspec: {size: 3}\n",
		"a/class.yaml":         "apiVersion: storage.k8s.io/v1\nkind: VolumeAttributesClass\nmetadata: {name: a}\ndriverName: a.example.com\n",
		"b/config.yaml":        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b_}\n",
	})
	numbers := []string{"--crds", filepath.Join(elsewhere, "numbers")}
	base := saying(t, append([]string{"validate", work, "--cache-dir", cache}, numbers...)...)
	if !strings.Contains(base, "b_") || strings.Contains(base, "a-name-of-ours") {
		t.Fatalf("it says\n%s", base)
	}
	for _, tt := range []struct {
		name  string
		args  []string
		rules string
		want  string
	}{
		{"the same", append([]string{work}, numbers...), "", "b/config.yaml"},
		{"another version", append([]string{work, "--kube-version", "1.33"}, numbers...), "", "no VolumeAttributesClass in storage.k8s.io/v1"},
		{"other definitions", []string{work, "--crds", filepath.Join(elsewhere, "texts")}, "", "spec.size"},
		{"no definitions", []string{work}, "", "Widget.example.com"},
		{"other rules", append([]string{work}, numbers...), filepath.Join(elsewhere, "rules.toml"), "gitleaks' rule ours"},
		{"a part", append([]string{filepath.Join(work, "a")}, numbers...), "", "nothing is found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("GITLEAKS_CONFIG", tt.rules)
			args := append([]string{"validate"}, tt.args...)
			want := saying(t, append(args, "--no-cache")...)
			for range 2 {
				if got := saying(t, append(args, "--cache-dir", cache)...); got != want || !strings.Contains(got, tt.want) {
					t.Errorf("it says\n%s\nand without a cache\n%s\nwant %q", got, want, tt.want)
				}
			}
		})
	}
}

// TestCacheHoldsNoSecret looks for what was decrypted, and for the data of Secrets,
// in all that validate and diff keep; there must be something that is kept.
func TestCacheHoldsNoSecret(t *testing.T) {
	key, err := agekeys.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY", key.String())
	canary := testenv.NewCanary("secret")
	work := t.TempDir()
	rules := "creation_rules:\n- age: " + key.Recipient().String() + "\n"
	putFile(t, filepath.Join(work, ".sops.yaml"), []byte(rules))
	for name, text := range map[string]string{
		"plain/kustomization.yaml":       "secretGenerator: [{name: a, envs: [a.env]}]\n",
		"loose/a.yaml":                   "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: a}\nstringData: {a: '" + canary.Text + "'}\n",
		"sealed/kustomization.yaml":      "resources: [a.yaml]\n",
		"shows/kustomization.yaml":       "configMapGenerator: [{name: a, envs: [a.env]}]\n",
		"chart/Chart.yaml":               "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
		"chart/templates/a.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Files.Get \"secret.yaml\" | quote }}}\n",
		"unencrypted/a.yaml":             "apiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: a}\ndata: {}\nstringData: {a: '" + canary.Text + "'}\n",
		"unencrypted/kustomization.yaml": "resources: [a.yaml]\n",
		"public/kustomization.yaml":      "resources: [a.yaml]\n",
		"public/a.yaml":                  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: public}\n",
	} {
		putFile(t, filepath.Join(work, name), []byte(text))
	}
	for name, text := range map[string]string{
		"plain/a.env": "a=" + canary.Text + "\n", "shows/a.env": "a=" + canary.Text + "\n", "chart/secret.yaml": "a: '" + canary.Text + "'\n",
		"sealed/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: c}\nstringData: {a: '" + canary.Text + "'}\n",
	} {
		cipher, err := testenv.EncryptSOPS(work, name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		putFile(t, filepath.Join(work, name), cipher)
	}
	var apps strings.Builder
	for _, dir := range []string{"plain", "loose", "sealed", "shows", "chart", "unencrypted", "public"} {
		fmt.Fprintf(&apps, "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: %[1]s}\nspec:\n  project: default\n"+
			"  source: {repoURL: https://git.example.com/a, path: %[1]s}\n  destination: {namespace: a, server: https://kubernetes.default.svc}\n", dir)
	}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	from := commitAll(t, work, map[string]string{"apps/all.yaml": apps.String()})
	for _, dir := range []string{"loose", "sealed", "unencrypted", "public"} {
		putFile(t, filepath.Join(work, dir, "b.yaml"), []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"))
		putFile(t, filepath.Join(work, dir, "kustomization.yaml"), []byte("resources: [a.yaml, b.yaml]\n"))
	}
	for args, want := range map[string]string{"validate " + work: "allow it by its key", "diff --repo " + work + " --from " + from: "ConfigMap a/b"} {
		if text := saying(t, strings.Fields(args)...); !strings.Contains(text, want) {
			t.Errorf("%s: it says\n%s", args, text)
		}
	}
	found, err := testenv.NewCanaries(canary).Files(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
	if kept, err := filepath.Glob(filepath.Join(cache, "tidelock", "renders", "*")); err != nil || len(kept) != 1 {
		t.Errorf("%d renders are kept, %v", len(kept), err)
	}
}

// Runs side by side say the same, and so does the next one.
func TestCacheAtOnce(t *testing.T) {
	t.Parallel()
	whole(t)
	work, cache := overlays(t), t.TempDir()
	want := saying(t, "validate", work, "--no-cache")
	got := make([]string, 3)
	var g errgroup.Group
	for i := range got {
		g.Go(func() error { got[i] = saying(t, "validate", work, "--cache-dir", cache); return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, text := range slices.Concat(got, []string{saying(t, "validate", work, "--cache-dir", cache)}) {
		if text != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
	}
}
