package main

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/render/validate"
)

// repeatedKeys looks for keys that stand twice in files whose renderer takes the last
// one in silence: value files of charts, kustomizations and their patches. Of manifests
// it is told where they are parsed.
func (v *validation) repeatedKeys() {
	seen := map[string]bool{}
	for _, r := range v.rendered {
		if r.result == nil {
			continue
		}
		for _, file := range v.leniently(r) {
			at := path.Join(r.prefix, file)
			if seen[at] {
				continue
			}
			seen[at] = true
			text := []byte(v.text(r.prefix, file))
			if !bytes.Contains(text, []byte("{{")) && sops.Encrypted(at, text) == "" {
				v.findings = append(v.findings, repeatedIn(at, text)...)
			}
		}
	}
}

// leniently are the files of a render that are read so.
func (v *validation) leniently(r *rendering) []string {
	if slices.Contains(r.result.Types, api.SourceTypeHelm) {
		return valuesRead(r)
	}
	if !slices.Contains(r.result.Types, api.SourceTypeKustomize) {
		return nil
	}
	var files []string
	for _, file := range yamlRead(r.result) {
		if isKustomization(file) {
			files = append(append(files, file), patchesOf(file, v.text(r.prefix, file))...)
		}
	}
	return files
}

// patchesOf are the files with patches of a kustomization.
func patchesOf(file, text string) []string {
	var k struct {
		Patches []struct{ Path string }
		Old     []struct{ Path string } `yaml:"patchesJson6902"`
		Merged  []string                `yaml:"patchesStrategicMerge"`
	}
	if !strings.Contains(text, "patches") || yaml.Unmarshal([]byte(text), &k) != nil {
		return nil
	}
	var files []string
	for _, p := range slices.Concat(k.Patches, k.Old) {
		files = append(files, p.Path)
	}
	files = slices.DeleteFunc(append(files, k.Merged...), func(name string) bool { return !wantedToValidate(name) })
	for i := range files {
		files[i] = path.Join(path.Dir(file), files[i])
	}
	return files
}

func repeatedIn(file string, text []byte) []validate.Finding {
	var all []validate.Finding
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		if decoder.Decode(&doc) != nil {
			return all
		}
		eachRepeated(&doc, func(key *yaml.Node) {
			all = append(all, validate.Finding{
				Rule: validate.RuleSyntax, Severity: validate.Error, File: file, Line: key.Line,
				Message: fmt.Sprintf("key %.80q is already set in map: the last one counts", key.Value), Hint: "leave one of them out",
			})
		})
	}
}

func eachRepeated(n *yaml.Node, tell func(key *yaml.Node)) {
	seen := map[string]bool{}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[child.Value] && child.Tag != "!!merge" {
				tell(child)
			}
			seen[child.Value] = true
		}
		eachRepeated(child, tell)
	}
}
