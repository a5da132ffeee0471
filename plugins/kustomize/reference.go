package kustomize

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A reference is where a kustomization names another file, directory or address.
type reference struct {
	of    *kustomization
	field string
	value string
	line  int
	kind  kind
	// target is the name in the tree that is meant, of an address once it is
	// mounted.
	target string
}

// String prints as "app/kustomization.yaml:3: resources", after what led there.
func (r *reference) String() string { return r.of.place(r.line) + ": " + r.field }

// A kind is what a reference may name.
type kind int

const (
	ofBase      kind = iota // a file, or a directory with a kustomization
	ofComponent             // a directory with a kustomization
	ofFile
)

// kinds are those of the fields that list references.
var kinds = map[string]kind{
	"resources": ofBase, "bases": ofBase, "components": ofComponent,
	"generators": ofBase, "transformers": ofBase, "validators": ofBase,
	"crds": ofFile, "configurations": ofFile, "patchesStrategicMerge": ofFile,
}

// name collects what the kustomization refers to, in kustomize's order.
func (k *kustomization) name() {
	for _, field := range []string{"resources", "bases", "crds", "configurations", "generators", "components", "transformers", "validators", "patchesStrategicMerge"} {
		for _, item := range items(k.field(field)) {
			k.refer(field, kinds[field], item)
		}
	}
	for _, field := range []string{"patches", "patchesJson6902", "replacements"} {
		for _, item := range items(k.field(field)) {
			k.refer(field, ofFile, child(item, "path"))
		}
	}
	if openapi := k.field("openapi"); openapi != nil {
		k.refer("openapi", ofFile, child(openapi, "path"))
	}
	for _, field := range []string{"configMapGenerator", "secretGenerator"} {
		for _, item := range items(k.field(field)) {
			k.refer(field, ofFile, child(item, "env"))
			for _, list := range []string{"envs", "files"} {
				for _, file := range items(child(item, list)) {
					k.refer(field, ofFile, file)
				}
			}
		}
	}
}

func (k *kustomization) refer(field string, kind kind, n *yaml.Node) {
	if n == nil {
		return
	}
	line := n.Line
	if n = aliased(n); n.Kind != yaml.ScalarNode || isInline(n.Value) {
		return
	}
	r := &reference{of: k, field: field, value: n.Value, line: line, kind: kind}
	if _, ok := r.remote(); !ok {
		r.target = path.Join(path.Dir(k.file), r.file())
		if path.IsAbs(r.file()) {
			r.target = name(r.file())
		}
	}
	k.names = append(k.names, r)
}

// isInline tells a patch or a configuration from the name of a file.
func isInline(text string) bool { return text == "" || strings.ContainsAny(text, "\n{") }

// file is the reference without the key that a generator may have before a file.
func (r *reference) file() string {
	if key, file, ok := strings.Cut(r.value, "="); ok && strings.HasSuffix(r.field, "Generator") && !strings.Contains(key, "://") {
		return file
	}
	return r.value
}

// A remote is what lies outside of the repository.
type remote struct {
	source sdk.Source
	path   string // within the source
	file   bool   // it is a single file
}

// remote reads an address as kustomize does; it says false if the reference is to
// the same repository.
func (r *reference) remote() (remote, bool) {
	text := r.file()
	git, isGit := repository(text)
	switch {
	case r.kind != ofComponent && isHTTP(text) && (r.kind == ofFile || !isGit || isFile(text)):
		return remote{source: sdk.Source{URL: text}, path: path.Base(strings.SplitN(text, "?", 2)[0]), file: true}, true
	case r.kind == ofFile || !isGit:
		return remote{}, false
	}
	return git, true
}

// repository reads the address of a directory in a Git repository. Kustomize's
// own parser is internal; what shows of it is the origin that it notes.
func repository(text string) (remote, bool) {
	origin := (&resource.Origin{}).Append(text)
	if origin.Repo == "" {
		return remote{}, false
	}
	// The parser's name for a clone stands where the path is empty.
	if origin.Path == "notCloned" && !strings.Contains(text, "notCloned") {
		origin.Path = "."
	}
	return remote{source: sdk.Source{URL: origin.Repo, Revision: origin.Ref}, path: path.Clean(origin.Path)}, true
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// isFile says whether an address that could be of both is that of a single file.
// Kustomize finds out by asking for the file first; here the address alone says
// what is fetched.
func isFile(text string) bool {
	u, err := url.Parse(text)
	if err != nil || strings.Contains(u.Path, "//") || strings.Contains(u.Path, ".git/") || strings.Contains(u.Path, "_git/") {
		return false
	}
	switch path.Ext(u.Path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path.Base(u.Path) == "raw" && !strings.EqualFold(u.Host, "github.com") // as GitLab's API gives files
}

// ignored names the parameters of an address that kustomize knows and that have
// no effect here.
func ignored(text string) (names []string) {
	_, query, _ := strings.Cut(text, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	if values.Has("timeout") {
		names = append(names, "timeout")
	}
	if submodules := values.Get("submodules"); submodules == "false" || submodules == "0" {
		names = append(names, "submodules")
	}
	return names
}

// place says where in a kustomization something is, after what led there.
func (k *kustomization) place(line int) string {
	at := k.file
	if line > 0 {
		at = fmt.Sprintf("%s:%d", k.file, line)
	}
	if k.by == nil {
		return at
	}
	return k.by.of.place(k.by.line) + " > " + at
}
