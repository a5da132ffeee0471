package kustomize

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// origins remembers where each resource was written, so that an object of the
// result can be traced to its file. Kustomize can trace too, but its tracing
// (buildMetadata: originAnnotations) is a third of the time of a render, and
// knows no lines. So an object is matched by kind and name: prefixes, suffixes
// and hashes go around the name that the file has.
type origins struct {
	resources map[string]bool // files that kustomizations list
	sources   map[source]bool
}

type source struct {
	kind, name string
	file       string
	line       int
}

func newOrigins() origins {
	return origins{resources: map[string]bool{}, sources: map[source]bool{}}
}

// listed notes the resources and generators of a kustomization.
func (o *origins) listed(k *kustomization) {
	for _, r := range k.names {
		if r.kind == ofBase {
			o.resources[r.target] = true
		}
	}
	o.generated(k, "configMapGenerator", "ConfigMap")
	o.generated(k, "secretGenerator", "Secret")
}

// linked notes that a listed file is a link to another.
func (o *origins) linked(file, target string) {
	if o.resources[file] {
		o.resources[target] = true
	}
}

func (o *origins) generated(k *kustomization, field, kind string) {
	for _, item := range items(k.field(field)) {
		if name := child(item, "name"); name != nil && name.Kind == yaml.ScalarNode && name.Value != "" {
			o.sources[source{kind, name.Value, k.file, item.Line}] = true
		}
	}
}

var (
	kindLine = regexp.MustCompile(`^kind:\s*["']?([\w.-]+)`)
	nameLine = regexp.MustCompile(`^\s+name:\s*["']?([\w.:-]+)`)
	flowName = regexp.MustCompile(`^metadata:\s*\{(?:.*[\s,])?name:\s*["']?([\w.:-]+)`)
)

// read notes the objects of a file, if it is a listed one. It reads by line: a
// file in an uncommon style has unknown origins, which costs no more than that.
func (o *origins) read(file string, text []byte) {
	if !o.resources[file] {
		return
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		o.readJSON(file, text)
		return
	}
	s := source{file: file, line: 1}
	n := 0
	meta, indent := false, 0
	for row := range bytes.Lines(text) {
		n++
		line := strings.TrimRight(string(row), "\r\n")
		switch {
		case strings.HasPrefix(line, "---"):
			o.add(s)
			s = source{file: file, line: n + 1}
			meta = false
		case line == "" || line[0] == '#':
		case line[0] != ' ':
			meta, indent = strings.TrimSpace(line) == "metadata:", 0
			if m := kindLine.FindStringSubmatch(line); m != nil {
				s.kind = m[1]
			} else if m := flowName.FindStringSubmatch(line); m != nil {
				s.name = m[1]
			}
		case meta:
			depth := len(line) - len(strings.TrimLeft(line, " "))
			if indent == 0 {
				indent = depth
			}
			if m := nameLine.FindStringSubmatch(line); m != nil && depth == indent {
				s.name = m[1]
			}
		}
	}
	o.add(s)
}

// readJSON notes the one object of a JSON file, as kubeseal writes it. A flow
// mapping that is not JSON has an unknown origin.
func (o *origins) readJSON(file string, text []byte) {
	var object struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if json.Unmarshal(text, &object) == nil {
		o.add(source{object.Kind, object.Metadata.Name, file, 1})
	}
}

func (o *origins) add(s source) {
	if s.kind != "" && s.name != "" {
		o.sources[s] = true
	}
}

// of returns a document with the file and line of an object, if just one can be
// meant.
func (o *origins) of(kind, name string) sdk.Document {
	var best source
	unique := false
	for s := range o.sources {
		if s.kind != kind || !strings.Contains(name, s.name) || len(s.name) < len(best.name) {
			continue
		}
		unique = len(s.name) > len(best.name)
		best = s
	}
	if !unique {
		return sdk.Document{}
	}
	return sdk.Document{File: best.file, Line: best.line}
}
