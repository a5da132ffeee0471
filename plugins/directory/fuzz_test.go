package directory

import (
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// FuzzPatterns: a pattern that is accepted matches or not; exclude wins; and
// braces are alternatives.
func FuzzPatterns(f *testing.F) {
	for _, seed := range [][2]string{
		{"*.yaml", "a.yaml"}, {"{a,b}/*", "a/x.yaml"}, {"[!a-c]?.yml", "dx.yml"}, {"**/x.json", "a/b/x.json"},
		{"{a,{b,c}}.yaml", "c.yaml"}, {`\{a\}.yaml`, "{a}.yaml"}, {"[a", ""}, {"{a", ""}, {"{,}", ""}, {"*{*{*{*a", strings.Repeat("a", 40)},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(name) > 200 || len(pattern) > 200 {
			return
		}
		parsed := func(o options) *options {
			raw, err := json.Marshal(map[string]any{"include": o.Include, "exclude": o.Exclude, "disableExtensionFilter": true})
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseOptions(raw)
			if err != nil {
				return nil
			}
			return got
		}
		in, out, both := parsed(options{Include: pattern}), parsed(options{Exclude: pattern}), parsed(options{Include: pattern, Exclude: pattern})
		if (in == nil) != (out == nil) || (in == nil) != (both == nil) {
			t.Fatalf("%q is a pattern for one of include and exclude only", pattern)
		}
		if in == nil || pattern == "" {
			return
		}
		if in.wants(name) == out.wants(name) || both.wants(name) {
			t.Fatalf("%q, %q: included %v, excluded %v, both %v", pattern, name, in.wants(name), !out.wants(name), both.wants(name))
		}
		if strings.ContainsAny(pattern, "{}[],\\") {
			return
		}
		if two := parsed(options{Include: "{" + pattern + ",no-such-name}"}); two != nil && two.wants(name) != (in.wants(name) || name == "no-such-name") {
			t.Fatalf("%q in braces: %q is %v", pattern, name, two.wants(name))
		}
	})
}

// FuzzOptions: whatever the options are, libraries lie in the tree, variables are
// no way out of it, and a file that uses none of them renders.
func FuzzOptions(f *testing.F) {
	f.Add(`{"recurse": true, "jsonnet": {"libs": ["vendor", "/lib", "a/../.."], "extVars": [{"name": "a", "value": "$B $$ ${C", "code": true}]}}`, "$X")
	f.Add(`{"jsonnet": {"tlas": [{"name": "", "value": "import '/etc/passwd'", "code": true}], "libs": [""]}}`, "${")
	f.Add(`{"jsonnet": null, "include": "*", "exclude": ""}`, "${}$")
	f.Fuzz(func(t *testing.T, text, value string) {
		o, err := parseOptions([]byte(text))
		if err != nil {
			return
		}
		for _, lib := range o.Jsonnet.Libs {
			if !fs.ValidPath(lib) {
				t.Fatalf("%s: the library %q", text, lib)
			}
		}
		if got := (variable{Value: value}).expand(map[string]string{}); strings.Count(got, "$") > strings.Count(value, "$") {
			t.Fatalf("%q without variables is %q", value, got)
		}
		tree := pluginstest.ParseTree("-- a.jsonnet --\n{kind: 'A'}\n")
		result, err := Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: ".", Tree: tree, Options: []byte(text)})
		if err == nil && len(result.Documents) > 0 && string(result.Documents[0].Data) != `{"kind":"A"}` {
			t.Fatalf("%s: %s", text, result.Documents[0].Data)
		}
	})
}

// FuzzImport: an import finds a file of the tree, beside its importer first, or
// fails.
func FuzzImport(f *testing.F) {
	f.Add("app/main.jsonnet", "a.libsonnet", "lib")
	f.Add("app/main.jsonnet", "../lib/a.libsonnet", "..")
	f.Add("", "/a.libsonnet", ".")
	f.Add("a", "../../../etc/passwd", "lib/../..")
	f.Fuzz(func(t *testing.T, from, name, lib string) {
		tree := pluginstest.ParseTree("-- app/a.libsonnet --\napp/a.libsonnet\n-- lib/a.libsonnet --\nlib/a.libsonnet\n-- a.libsonnet --\na.libsonnet\n")
		m := newImporter(tree, []string{"app", lib})
		contents, at, err := m.Import(from, name)
		if err != nil {
			if err.Error() == "" || at != "" {
				t.Fatalf("import %q from %q: %q, %v", name, from, at, err)
			}
			return
		}
		if !fs.ValidPath(at) || contents.String() != at+"\n" {
			t.Fatalf("import %q from %q finds %q, which holds %q", name, from, at, contents.String())
		}
		beside := path.Join(path.Dir(from), name)
		if _, isFile := tree.MapFS[beside]; isFile && from != "" && at != beside {
			t.Fatalf("import %q from %q finds %q, and not the one beside it", name, from, at)
		}
		if again, where, err := m.Import(from, name); again != contents || where != at || err != nil {
			t.Fatalf("import %q from %q again: %q, %v", name, from, where, err)
		}
	})
}

// FuzzFind: whatever a tree looks like, each file is found once, in order, and can
// be read.
func FuzzFind(f *testing.F) {
	f.Add("a.yaml\nb/c.yaml\nb/d -> a.yaml\nx.yaml -> b\ny.yaml -> y.yaml", "b", true)
	f.Add("a/b/c/d.json\na -> a\na.yml -> nowhere", ".", true)
	f.Add(".git/x.yaml\n..yaml\n.yaml", ".", false)
	f.Fuzz(func(t *testing.T, listing, root string, recurse bool) {
		if len(listing) > 1000 || !fs.ValidPath(root) {
			return
		}
		tree := pluginstest.ParseTree("")
		for line := range strings.SplitSeq(listing, "\n") {
			name, target, isLink := strings.Cut(line, " -> ")
			switch {
			case !fs.ValidPath(name) || name == "." || isLink && !fs.ValidPath(target):
				return
			case isLink:
				tree.Links[name] = target
			default:
				tree.MapFS[name] = &fstest.MapFile{Data: []byte("kind: A\n")}
			}
		}
		files, _, err := find(context.Background(), tree, root, &options{Recurse: recurse})
		if err != nil {
			return
		}
		sorted := slices.SortedFunc(slices.Values(files), func(a, b string) int {
			return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
		})
		if !slices.Equal(files, sorted) || len(slices.Compact(sorted)) != len(files) {
			t.Fatalf("%q below %s: found %q", listing, root, files)
		}
		for _, name := range files {
			info, err := tree.Stat(name)
			if err != nil || info.IsDir() || !(&options{}).wants(name) || root != "." && !strings.HasPrefix(name, root+"/") {
				t.Fatalf("%q below %s: found %q, %v", listing, root, name, err)
			}
		}
	})
}

// FuzzManifests: a file is passed on as it is or left out, and none that begins
// with a manifest is left out.
func FuzzManifests(f *testing.F) {
	for _, seed := range []string{
		"kind: A\n", "a: 1\n", "apiVersion: v1\nkind: A\nmetadata: x: y\n", "---\n# c\n---\n{kind: A}\n", "[kind: A]", "\xff\xfek\x00:\x00", "kind: &a [*a]",
		`{"kind": "A"}{"kind": "B"}`, "a: b: c", "\ufeffkind: A",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := pluginstest.ParseTree("")
		tree.MapFS["a.yaml"] = &fstest.MapFile{Data: data}
		result, err := Renderer{}.Render(context.Background(), &sdk.RenderRequest{Path: ".", Tree: tree})
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := firstKind(utf8Of(data))
		switch n := len(result.Documents); {
		case n > 0 && len(result.Warnings) > 0, n > 1 && n != len(jsonStream(utf8Of(data))):
			t.Fatalf("%q: %d documents, %q", data, n, result.Warnings)
		case n == 1 && string(result.Documents[0].Data) != string(utf8Of(data)):
			t.Fatalf("%q became %q", data, result.Documents[0].Data)
		case n == 0 && kind != "" && !skipped(utf8Of(data)):
			t.Fatalf("%q is left out", data)
		}
	})
}
