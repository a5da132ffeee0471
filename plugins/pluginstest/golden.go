package pluginstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sdktest"
)

// Golden renders each testdata/*.txtar. An archive holds the tree; besides,
// "request" may hold a sdk.RenderRequest as JSON (its Path is "." if absent),
// and "want" holds what is to come of it: documents, each under a line that
// says its file, then warnings; or the error. What the plugin may ask its host
// for lies in files "mount SOURCE PATH" (https://example.com/repo@v1 a/b.yaml)
// and "lookup APIVERSION KIND NAMESPACE/NAME"; others are the plugins that it
// may have render.
func Golden(t *testing.T, plugin string, others ...string) {
	specs := []host.Spec{{Name: plugin}}
	for _, name := range others {
		specs = append(specs, host.Spec{Name: name})
	}
	h := Host(t, specs...)
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no testdata/*.txtar: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			golden(t, h, plugin, path)
		})
	}
}

func golden(t *testing.T, h *host.Host, plugin, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	req := &sdk.RenderRequest{Application: "shop", Path: "."}
	var files []txtar.File
	want := -1
	for i, f := range archive.Files {
		switch f.Name {
		case "request":
			if err := json.Unmarshal(f.Data, req); err != nil {
				t.Fatalf("%s: request: %v", path, err)
			}
		case "want":
			want = i
		default:
			files = append(files, f)
		}
	}
	beyond, files := newBeyond(h, files)
	req.Tree = sdktest.TreeOf(files)
	beyond.serve(req)
	got := Text(h.Render(context.Background(), plugin, req))
	if sdktest.Update() && want >= 0 {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 {
		t.Fatalf("%s: no file \"want\"; got\n%s", path, got)
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", path, diff)
	}
}

// Text prints what Render returned.
func Text(result *sdk.RenderResult, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	for _, d := range result.Documents {
		fmt.Fprintf(&b, "# %s:%d\n", d.File, d.Line)
		b.WriteString(yamlOf(d.Data))
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

// yamlOf prints JSON as YAML, and leaves YAML as it is.
func yamlOf(data []byte) string {
	if json.Valid(data) {
		if text, err := yaml.JSONToYAML(data); err == nil {
			return string(text)
		}
	}
	return strings.TrimSuffix(string(data), "\n") + "\n"
}
