// Package sdktest tests a renderer within the test's own process: what it makes
// of a tree. That it holds out in a process of its own, confined, is what
// `tidelock plugin test` tells.
//
// Start with [Golden].
package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

var update = flag.Bool("update", false, "write what the plugin gives as what is wanted")

// Update says whether the golden files are to be written: go test -update.
func Update() bool { return *update }

// Golden renders each testdata/*.txtar. An archive holds the tree; besides,
// "request" may hold a sdk.RenderRequest as JSON (its Path is "." if absent),
// and "want" holds what is to come of it: documents, each under a line that
// says its file, then warnings; or the error.
func Golden(t *testing.T, renderer sdk.Renderer) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no testdata/*.txtar: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { golden(t, renderer, path) })
	}
}

func golden(t *testing.T, renderer sdk.Renderer, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	req := &sdk.RenderRequest{Application: "shop", Path: ".", Host: sdk.NoHost{}}
	var files []txtar.File
	var want *txtar.File
	for i, f := range archive.Files {
		switch f.Name {
		case "request":
			if err := json.Unmarshal(f.Data, req); err != nil {
				t.Fatalf("%s: request: %v", path, err)
			}
		case "want":
			want = &archive.Files[i]
		default:
			files = append(files, f)
		}
	}
	req.Tree = TreeOf(files)
	got := Text(renderer.Render(context.Background(), req))
	switch {
	case want == nil:
		t.Fatalf("%s: no file \"want\"; got\n%s", path, got)
	case *update:
		want.Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	case got != string(want.Data):
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want.Data)
	}
}

// Text prints what Render returned.
func Text(result *sdk.RenderResult, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	for _, d := range result.Documents {
		fmt.Fprintf(&b, "# %s:%d\n%s\n", d.File, d.Line, bytes.TrimSuffix(d.Data, []byte("\n")))
	}
	for _, w := range result.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}
