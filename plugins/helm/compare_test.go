package helm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// helmTool is the command whose library the plugin has.
const helmTool = "helm.sh/helm/v4/cmd/helm@v4.3.1"

// kubeVersion is that of all comparisons.
const kubeVersion = "1.37.2"

// command is helm's own, built on first use.
var command = sync.OnceValues(func() (string, error) { return testenv.Tool(context.Background(), helmTool) })

// A chartCase is a chart in files, and how to render it.
type chartCase struct {
	path   string
	helm   api.HelmSource
	apis   []string
	files  []txtar.File
	dir    string // where the files are on disk
	binary string
}

func newChartCase(t testing.TB, path string, files []txtar.File, source api.HelmSource, apis ...string) *chartCase {
	t.Helper()
	binary, err := command()
	if err != nil {
		t.Fatal(err)
	}
	c := &chartCase{path: path, helm: source, apis: apis, files: files, dir: t.TempDir(), binary: binary}
	for _, f := range files {
		name := filepath.Join(c.dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		if bytes.Contains(f.Data, []byte("repository: file://")) {
			c.run(t, "dependency", "build", filepath.Join(c.dir, filepath.Dir(f.Name)))
		}
	}
	return c
}

func (c *chartCase) run(t testing.TB, args ...string) []byte {
	t.Helper()
	out, err := c.helmCommand(args...).Output()
	if err != nil {
		t.Fatalf("helm %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (c *chartCase) helmCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(c.binary, args...)
	cmd.Env = []string{"HOME=" + filepath.Join(c.dir, ".home"), "PATH=/usr/bin:/bin"}
	return cmd
}

// flags are those that Argo CD gives to the command.
func (c *chartCase) flags(t testing.TB) []string {
	name := "shop"
	if c.helm.ReleaseName != "" {
		name = c.helm.ReleaseName
	}
	chart := filepath.Join(c.dir, c.path)
	flags := []string{"template", name, chart, "--namespace", "prod", "--kube-version", kubeVersion}
	for _, a := range c.apis {
		flags = append(flags, "--api-versions", a)
	}
	for flag, set := range map[string]bool{
		"--include-crds": !c.helm.SkipCrds, "--skip-tests": c.helm.SkipTests, "--skip-schema-validation": c.helm.SkipSchemaValidation,
	} {
		if set {
			flags = append(flags, flag)
		}
	}
	for _, f := range c.helm.ValueFiles {
		flags = append(flags, "--values", filepath.Join(chart, f))
	}
	if own := c.helm.Values; own != "" || c.helm.ValuesObject != nil {
		if c.helm.ValuesObject != nil {
			own = string(c.helm.ValuesObject.Raw)
		}
		file := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--values", file)
	}
	for _, p := range c.helm.Parameters {
		flag := "--set"
		if p.ForceString {
			flag = "--set-string"
		}
		flags = append(flags, flag, p.Name+"="+p.Value)
	}
	for _, p := range c.helm.FileParameters {
		flags = append(flags, "--set-file", p.Name+"="+filepath.Join(chart, p.Path))
	}
	return flags
}

// theirs is what the command gives, object by object.
func (c *chartCase) theirs(t testing.TB) (string, error) {
	var stderr bytes.Buffer
	cmd := c.helmCommand(c.flags(t)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	set, err := manifest.Parse(out, manifest.Origin{File: "helm"})
	return objectsText(t, set), err
}

// ours is what the plugin's renderer gives.
func (c *chartCase) ours(t testing.TB) (string, error) {
	options, err := json.Marshal(c.helm)
	if err != nil {
		t.Fatal(err)
	}
	result, err := helm.Renderer{}.Render(context.Background(), &sdk.RenderRequest{
		Application: "shop", Path: c.path, Tree: pluginstest.ParseTree(string(txtar.Format(&txtar.Archive{Files: c.files}))),
		Host: sdk.NoHost{}, Options: options, Namespace: "prod", KubeVersion: kubeVersion, APIVersions: c.apis,
	})
	if err != nil {
		return "", err
	}
	var set manifest.Set
	for _, d := range result.Documents {
		objects, err := manifest.Parse(d.Data, manifest.Origin{File: d.File, Line: d.Line})
		if err != nil {
			return "", err
		}
		set = append(set, objects...)
	}
	return objectsText(t, set), nil
}

func objectsText(t testing.TB, set manifest.Set) string {
	var b strings.Builder
	for _, o := range set {
		var indented bytes.Buffer
		if err := json.Indent(&indented, o.Reveal(), "", " "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s\n", o.Key, indented.Bytes())
	}
	return b.String()
}

// check compares the two. Both may fail, and then must.
func (c *chartCase) check(t testing.TB) {
	t.Helper()
	theirs, theirErr := c.theirs(t)
	ours, ourErr := c.ours(t)
	switch {
	case (theirErr == nil) != (ourErr == nil):
		t.Errorf("helm gives the error %v\nthe plugin %v", theirErr, ourErr)
	case theirErr == nil:
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("(-helm +plugin)\n%s", diff)
		}
	}
}

// TestCompare renders the charts of testdata/compare with helm's own command and
// with the plugin. A file "request" in a chart's archive has options.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds helm")
	}
	paths, err := filepath.Glob("testdata/compare/*.txtar")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d charts: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var request struct {
				api.HelmSource
				APIs []string
				Path string
			}
			request.Path = "chart"
			var files []txtar.File
			for _, f := range archive.Files {
				if f.Name != "request" {
					files = append(files, f)
				} else if err := json.Unmarshal(f.Data, &request); err != nil {
					t.Fatal(err)
				}
			}
			c := newChartCase(t, request.Path, files, request.HelmSource, request.APIs...)
			if text, err := c.theirs(t); err != nil || text == "" {
				t.Fatalf("helm gives %q, %v", text, err)
			}
			c.check(t)
		})
	}
}
