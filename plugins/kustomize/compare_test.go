package kustomize_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A binary is kustomize itself, at the release before the one whose library this
// plugin is. Of what changed between them (v5.8.2) the overlays here use nothing
// but what the cases of TestNewerThanTheBinary name.
type binary struct {
	testing.TB
	path string
	env  []string
}

func newBinary(t testing.TB) *binary {
	t.Helper()
	path, err := testenv.Tool(context.Background(), testenv.KustomizeTool)
	if err != nil {
		t.Fatal(err)
	}
	return &binary{TB: t, path: path}
}

// run runs kustomize in a directory, and returns its output or what it said.
func (b *binary) run(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command(b.path, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, b.env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kustomize %s: %w: %s", strings.Join(args, " "), err, said.Bytes())
	}
	return out.Bytes(), nil
}

// write puts files on disk.
func (b *binary) write(files []txtar.File) string {
	b.Helper()
	dir := b.TempDir()
	for _, f := range files {
		to := filepath.Join(dir, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, f.Data, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// objects decodes what the binary prints.
func objects(data []byte) (list []map[string]any, err error) {
	documents := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var object map[string]any
		err := documents.Decode(&object)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, object)
	}
}

// ours renders with the plugin's code.
func ours(tree *pluginstest.Tree, dir, options string) ([]map[string]any, error) {
	req := &sdk.RenderRequest{Application: "shop", Path: dir, Tree: tree}
	if options != "" {
		req.Options = []byte(options)
	}
	result, err := kustomize.Renderer{}.Render(context.Background(), req)
	if err != nil {
		return nil, err
	}
	return decoded(result)
}

func decoded(result *sdk.RenderResult) ([]map[string]any, error) {
	var list []map[string]any
	for _, d := range result.Documents {
		some, err := objects(d.Data)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// compare builds one directory by both.
func (b *binary) compare(files []txtar.File, dir string) {
	b.Helper()
	out, err := b.run(b.write(files), "build", dir)
	if err != nil {
		b.Fatal(err)
	}
	want, err := objects(out)
	if err != nil {
		b.Fatal(err)
	}
	got, err := ours(pluginstest.ParseTree(string(txtar.Format(&txtar.Archive{Files: files}))), dir, "")
	if err != nil {
		b.Fatalf("kustomize renders it, the plugin says: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s: (-kustomize +plugin)\n%s", dir, diff)
	}
}

// TestOverlays compares overlays that are written for the purpose: the directory
// "overlay" of each archive.
func TestOverlays(t *testing.T) {
	paths, err := filepath.Glob("testdata/overlays/*.txtar")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%d archives, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			newBinary(t).compare(archive.Files, "overlay")
		})
	}
}

// TestExamples compares every overlay of the examples. Their secrets are
// encrypted, and neither side decrypts them here.
func TestExamples(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	var files []txtar.File
	var overlays []string
	walk := func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		inside, _ := filepath.Rel(root, name)
		files = append(files, txtar.File{Name: inside, Data: data})
		if strings.HasPrefix(inside, "examples") && entry.Name() == "kustomization.yaml" && !bytes.Contains(data, []byte("kind: Component")) {
			overlays = append(overlays, path.Dir(inside))
		}
		return err
	}
	for _, dir := range []string{"examples", "agent/api/crds"} { // which an example refers to
		if err := filepath.WalkDir(filepath.Join(root, dir), walk); err != nil {
			t.Fatal(err)
		}
	}
	if len(overlays) < 5 {
		t.Fatalf("there are %v", overlays)
	}
	for _, dir := range overlays {
		t.Run(dir, func(t *testing.T) { newBinary(t).compare(files, dir) })
	}
}

// TestNewerThanTheBinary: the library is v5.8.2, the binary v5.8.1. They differ in
// these cases, each a mistake that the later release has mended.
func TestNewerThanTheBinary(t *testing.T) {
	b := newBinary(t)
	for name, archive := range map[string]string{
		"labels of templates are not those of claims": "-- overlay/kustomization.yaml --\nresources: [a.yaml]\nlabels: [{pairs: {l: x}, includeTemplates: true}]\n" +
			"-- overlay/a.yaml --\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {template: {metadata: {}}, volumeClaimTemplates: [{metadata: {name: c}}]}\n",
		"an image of a volume in a CronJob": "-- overlay/kustomization.yaml --\nresources: [a.yaml]\nimages: [{name: data, newTag: \"2\"}]\n" +
			"-- overlay/a.yaml --\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {spec: {volumes: [{name: v, image: {reference: \"data:1\"}}]}}}}}\n",
		"a digest of another algorithm": "-- overlay/kustomization.yaml --\nresources: [a.yaml]\nimages: [{name: data, newTag: \"2\"}]\n" +
			"-- overlay/a.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: \"data@sha512:0123\"}]}\n",
		"a generator merges with stringData": "-- base/kustomization.yaml --\nresources: [a.yaml]\n-- base/a.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n" +
			"-- overlay/kustomization.yaml --\nresources: [../base]\nsecretGenerator: [{name: a, behavior: merge, literals: [c=d]}]\n",
	} {
		t.Run(name, func(t *testing.T) {
			files := txtar.Parse([]byte(archive)).Files
			out, err := b.run(b.write(files), "build", "overlay")
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := objects(out)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ours(pluginstest.ParseTree(archive), "overlay", "")
			if err != nil {
				t.Fatal(err)
			}
			if cmp.Equal(theirs, got) {
				t.Error("they are the same: drop the case")
			}
		})
	}
}
