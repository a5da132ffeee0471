// Command generate writes the schemas of package openapi: those that Kubernetes
// publishes with each of its minor versions, without what is not needed to
// validate, each of them once.
//
// From the repository's root, go run ./render/validate/openapi/generate. It takes
// the sources from the Go module proxy.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// releases are the newest of each minor version that is supported. The constants
// of the newest one's Go types say which values a field may have: the published
// schemas do not.
var (
	releases = []string{"v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2"}
	types    = "k8s.io/api@v0.37.2"
)

const (
	target = "render/validate/openapi/schemas.gz"
	header = "Made by go run ./render/validate/openapi/generate of Kubernetes %s. Do not edit.\n"
)

func main() {
	if err := generate(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context) error {
	dir, err := download(ctx, types)
	if err != nil {
		return err
	}
	values, err := readValues(dir)
	if err != nil {
		return err
	}
	t := &tables{values: values, index: map[string]int{}, names: map[string][]int{}}
	for i, release := range releases {
		dir, err := download(ctx, "k8s.io/kubernetes@"+release)
		if err != nil {
			return err
		}
		if err := t.read(i, filepath.Join(dir, "api", "openapi-spec", "v3")); err != nil {
			return fmt.Errorf("%s: %w", release, err)
		}
	}
	return t.write()
}

// download returns the directory of a module.
func download(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var info struct{ Dir string }
	return info.Dir, json.Unmarshal(out, &info)
}

// tables are what is written.
type tables struct {
	values      map[string][]string // by definition and property
	definitions []string
	index       map[string]int   // of a definition
	names       map[string][]int // by name: the definition of each release, from 1
	kinds       [][]string       // of each release
}

// read takes over the files of one release.
func (t *tables) read(release int, dir string) error {
	t.kinds = append(t.kinds, nil)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no schemas in %s", dir)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		doc, err := openapi.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := t.add(release, doc); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	slices.Sort(t.kinds[release])
	t.kinds[release] = slices.Compact(t.kinds[release])
	return nil
}

func (t *tables) add(release int, doc *openapi.Document) error {
	for _, name := range slices.Sorted(maps.Keys(doc.Schemas)) {
		text, err := json.Marshal(t.valued(name, doc.Schemas[name]))
		if err != nil {
			return err
		}
		if t.names[name] == nil {
			t.names[name] = make([]int, len(releases))
		}
		at, known := t.index[string(text)]
		if !known {
			t.definitions = append(t.definitions, string(text))
			at = len(t.definitions)
			t.index[string(text)] = at
		}
		if was := t.names[name][release]; was != 0 && was != at {
			return fmt.Errorf("%s is not the same in all groups", name)
		}
		t.names[name][release] = at
	}
	for gvk, kind := range doc.Made {
		scope := "cluster"
		if kind.Namespaced {
			scope = "namespaced"
		}
		t.kinds[release] = append(t.kinds[release], strings.Join([]string{gvk.GroupVersion().String(), gvk.Kind, scope, kind.Definition}, " "))
	}
	return nil
}

// valued says which values properties may have, as far as Go types say so.
func (t *tables) valued(name string, s *openapi.Schema) *openapi.Schema {
	for field, property := range s.Properties {
		values := t.values[name+" "+field]
		if values == nil {
			continue
		}
		if property.Type == "array" {
			property = property.Items
		}
		property.Pointer = slices.Contains(values, pointed)
		property.Enum = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == pointed })
	}
	return s
}

func (t *tables) write() error {
	var out bytes.Buffer
	fmt.Fprintf(&out, header, strings.Join(releases, ", "))
	fmt.Fprintln(&out, len(t.definitions))
	for _, d := range t.definitions {
		fmt.Fprintln(&out, d)
	}
	for i, release := range releases {
		minor := strings.Join(strings.Split(strings.TrimPrefix(release, "v"), ".")[:2], ".")
		fmt.Fprintln(&out, "version", minor)
		for _, kind := range t.kinds[i] {
			fmt.Fprintln(&out, "kind", kind)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		fmt.Fprint(&out, "name ", name)
		for _, at := range t.names[name] {
			fmt.Fprint(&out, " ", strconv.Itoa(at))
		}
		fmt.Fprintln(&out)
	}
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	return compress(file, out.Bytes())
}

func compress(to io.Writer, text []byte) error {
	w, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}
