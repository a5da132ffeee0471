package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
)

// A specimen is a clean repository that mutants are made of.
type specimen struct {
	name string
	args []string // of `tidelock validate`, with $WORK for the repository
	// files are its texts. Those that are YAML are as they are printed, so that a
	// mutant differs in what was broken only.
	files map[string]string
	docs  []*document
	// parts says that it is of objects only, which refer to others that are not there.
	parts bool
}

// A document is one of a file of YAML.
type document struct {
	file string
	at   int        // among those of the file
	root *yaml.Node // its value; not to be changed
}

// newSpecimen prints YAML anew, and takes the rest as it is.
func newSpecimen(name string, args []string, files map[string]string) *specimen {
	s := &specimen{name: name, args: args, files: maps.Clone(files)}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !isYAML(file) || path.Base(file) == ".tidelock.yaml" || strings.Contains("/"+file, "/templates/") && strings.Contains(files[file], "{{") {
			continue
		}
		docs, err := readYAML(files[file])
		if err != nil {
			continue // a template
		}
		s.files[file] = printYAML(docs)
		for i, doc := range docs {
			s.docs = append(s.docs, &document{file, i, doc.Content[0]})
		}
	}
	return s
}

func isYAML(file string) bool { return path.Ext(file) == ".yaml" || path.Ext(file) == ".yml" }

// readYAML returns the documents of a file that have content.
func readYAML(text string) (docs []*yaml.Node, err error) {
	for in := yaml.NewDecoder(strings.NewReader(text)); ; {
		doc := &yaml.Node{}
		err := in.Decode(doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if len(doc.Content) > 0 && doc.Content[0].Kind == yaml.MappingNode {
			docs = append(docs, doc)
		}
	}
}

func printYAML(docs []*yaml.Node) string {
	var b bytes.Buffer
	out := yaml.NewEncoder(&b)
	out.SetIndent(2)
	for _, doc := range docs {
		if err := out.Encode(doc); err != nil {
			panic(err) // it was read
		}
	}
	return b.String()
}

// specimens are the clean repositories of the collections, and our examples.
func specimens(t *testing.T) []*specimen {
	t.Helper()
	var all []*specimen
	for _, pattern := range []string{"testdata/validate/clean/*.txtar", "../../render/validate/testdata/clean/*.txtar"} {
		archives, err := filepath.Glob(pattern)
		if err != nil || len(archives) == 0 {
			t.Fatalf("%s: none (%v)", pattern, err)
		}
		for _, name := range archives {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var args []string
			files := map[string]string{}
			for _, f := range archive.Files {
				if f.Name == "args" {
					args = strings.Fields(string(f.Data))
				} else {
					files[f.Name] = strings.ReplaceAll(string(f.Data), "@@", "")
				}
			}
			s := newSpecimen(strings.TrimSuffix(filepath.Base(name), ".txtar"), args, files)
			s.parts = strings.HasPrefix(name, "../")
			all = append(all, s)
		}
	}
	for _, dir := range []string{"infra-gitops", "install/helm"} { // the other one of install reads files outside of it
		files := map[string]string{}
		root := os.DirFS("../../examples/" + dir)
		if err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(name) == ".go" || path.Dir(name) == "crds" { // which are thousands of lines of one kind
				return err
			}
			text, err := fs.ReadFile(root, name)
			files[name] = string(text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		all = append(all, newSpecimen("examples/"+dir, nil, files))
	}
	return all
}

// write makes a repository of a specimen with some files of a mutant; a text that is
// empty is a file that is not there.
func (s *specimen) write(work string, mutant map[string]string) error {
	repo, err := gogit.PlainInit(work, false)
	if err != nil {
		return err
	}
	if address := s.address(); address != "" { // as a clone has
		if _, err := repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{address}}); err != nil {
			return err
		}
	}
	files := maps.Clone(s.files)
	maps.Copy(files, mutant)
	for name, text := range files {
		if text == "" {
			continue
		}
		file := filepath.Join(work, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// address is where its Applications say that it is.
func (s *specimen) address() string {
	for _, d := range s.docs {
		if url := d.field("spec", "source", "repoURL"); url != "" && d.field("kind") == "Application" {
			return url
		}
	}
	return ""
}

// field is the text of a field of a document: field("metadata", "name").
func (d *document) field(names ...string) string {
	n := d.root
	for _, name := range names {
		n = valueOf(n, name)
	}
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func valueOf(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// isManifest says whether a document is one of an object; what is encrypted cannot be
// changed without its keys.
func (d *document) isManifest() bool {
	return d.field("apiVersion") != "" && d.field("kind") != "" && valueOf(d.root, "metadata") != nil && valueOf(d.root, "sops") == nil
}

func (d *document) isKustomization() bool { return path.Base(d.file) == "kustomization.yaml" }

func (d *document) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s#%d: %s %s", d.file, d.at+1, d.field("kind"), d.field("metadata", "name")), ":  ")
}

// A spot is a value in a document, and the way to it.
type spot struct {
	*document
	steps  []int  // among the contents of nodes, from the root
	path   string // spec.containers[].image
	place  string // spec.containers[0].image
	key    string // "" for an item of a list
	value  *yaml.Node
	parent *yaml.Node
}

func (p spot) String() string { return p.document.String() + ": " + p.place }

// has says whether a spot is a field of that name, which may be the end of a path:
// has("secretRef.name").
func (p spot) has(path string) bool { return p.path == path || strings.HasSuffix(p.path, "."+path) }

// beside returns the text of another field of the same map.
func (p spot) beside(name string) string {
	if v := valueOf(p.parent, name); v != nil {
		return v.Value
	}
	return ""
}

func (p spot) isText() bool {
	return p.value.Kind == yaml.ScalarNode && p.value.Tag == "!!str" && p.value.Value != ""
}

// spots are all values below the root of a document.
func (d *document) spots() []spot {
	var all []spot
	var visit func(p spot)
	visit = func(p spot) {
		n := p.value
		add := func(i int, path, place, key string) {
			all = append(all, spot{d, append(slices.Clone(p.steps), i), path, place, key, n.Content[i], n})
			visit(all[len(all)-1])
		}
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i].Value
				add(i+1, strings.TrimPrefix(p.path+"."+key, "."), strings.TrimPrefix(p.place+"."+key, "."), key)
			}
		case yaml.SequenceNode:
			for i := range n.Content {
				add(i, p.path+"[]", fmt.Sprintf("%s[%d]", p.place, i), "")
			}
		}
	}
	visit(spot{value: d.root})
	return all
}

// at edits the file of a spot: edit is given the node that the spot is in, and where it
// is among its contents.
func (s *specimen) at(p spot, edit func(parent *yaml.Node, i int)) map[string]string {
	docs, err := readYAML(s.files[p.file])
	if err != nil {
		panic(err) // it was read
	}
	n := docs[p.document.at].Content[0]
	last := len(p.steps) - 1
	for _, step := range p.steps[:last] {
		n = n.Content[step]
	}
	edit(n, p.steps[last])
	return map[string]string{p.file: printYAML(docs)}
}

// set puts a text in the place of a value.
func (s *specimen) set(p spot, text string) map[string]string {
	return s.at(p, func(parent *yaml.Node, i int) {
		parent.Content[i].SetString(text)
		parent.Content[i].Style = p.value.Style & yaml.DoubleQuotedStyle
	})
}

// put puts a node in the place of a value.
func (s *specimen) put(p spot, n *yaml.Node) map[string]string {
	return s.at(p, func(parent *yaml.Node, i int) { parent.Content[i] = n })
}

// dropped is a file without a field, or without an item.
func (s *specimen) dropped(p spot) map[string]string {
	return s.at(p, func(parent *yaml.Node, i int) {
		from := i
		if p.key != "" {
			from--
		}
		parent.Content = slices.Delete(parent.Content, from, i+1)
	})
}

// with is a file with one more document.
func (s *specimen) with(file, document string) map[string]string {
	return map[string]string{file: strings.TrimSuffix(s.files[file], "\n") + "\n---\n" + strings.TrimPrefix(document, "\n")}
}

// diff shows what a mutant has otherwise.
func (s *specimen) diff(mutant map[string]string) string {
	var b strings.Builder
	for _, file := range slices.Sorted(maps.Keys(mutant)) {
		fmt.Fprintf(&b, "--- %s\n+++ %[1]s\n", file)
		was, is := strings.SplitAfter(s.files[file], "\n"), strings.SplitAfter(mutant[file], "\n")
		start, end := 0, 0
		for start < min(len(was), len(is)) && was[start] == is[start] {
			start++
		}
		for end < min(len(was), len(is))-start && was[len(was)-1-end] == is[len(is)-1-end] {
			end++
		}
		fmt.Fprintf(&b, "@@ line %d @@\n", start+1)
		for _, line := range was[start : len(was)-end] {
			b.WriteString("-" + strings.TrimSuffix(line, "\n") + "\n")
		}
		for _, line := range is[start : len(is)-end] {
			b.WriteString("+" + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String()
}
