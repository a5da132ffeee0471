package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/references"
)

// references looks at what the objects of all renders, and those of loose files,
// say of each other.
func (v *validation) references(loose manifest.Set, locators map[string]*validate.Locator) error {
	external, err := v.externals()
	if err != nil {
		return err
	}
	parts, of := v.referring(loose)
	for i, problems := range references.Check(parts, references.Options{Whole: v.whole(), External: external}) {
		r := of[i]
		if r == nil {
			r = &rendering{prefix: "."}
		}
		var others []string
		if r.result != nil && len(problems) > 0 {
			others = yamlRead(r.result)
		}
		for _, p := range problems {
			v.add(r.name, r.prefix, []validate.Finding{v.locator(locators, r.prefix).Finding(p, others)})
		}
	}
	if v.whole() && v.allRendered() {
		v.findings = append(v.findings, external.Leftover()...)
	}
	return nil
}

// externals are what the repository's configuration says others make.
func (v *validation) externals() (*validate.Externals, error) {
	if v.external != nil {
		return v.external, nil
	}
	text, err := fs.ReadFile(v.tree, validate.ConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v.external, err = validate.ReadExternals(validate.ConfigFile, text)
	return v.external, err
}

// whole says whether the repository is looked at as a whole.
func (v *validation) whole() bool { return len(v.parts) == 1 && v.parts[0] == "." }

func (v *validation) allRendered() bool {
	return len(v.unseen) == 0 && !slices.ContainsFunc(v.rendered, func(r *rendering) bool { return r.err != nil })
}

// referring are all parts of the repository, and the renderings that some are.
func (v *validation) referring(loose manifest.Set) (parts []references.Part, of map[int]*rendering) {
	of = map[int]*rendering{}
	for _, r := range v.rendered {
		if part, ok := v.partOf(r); ok {
			of[len(parts)] = r
			parts = append(parts, part)
		}
	}
	for _, app := range v.unseen {
		parts = append(parts, references.Part{Cluster: clusterName(app.Spec.Destination), Namespace: app.Spec.Destination.Namespace, Unseen: true})
	}
	for _, set := range v.generators(loose) {
		parts = append(parts, v.unseenOf(set)...)
	}
	return append(parts, references.Part{Set: append(slices.Clone(loose), v.encrypted()...)}), of
}

// partOf is what a rendering states. A directory goes where nothing here says; a
// chart is not installed with its own values. One of these that cannot be rendered
// is only an example of what may be there.
func (v *validation) partOf(r *rendering) (references.Part, bool) {
	destination := r.app.Spec.Destination
	part := references.Part{Cluster: clusterName(destination), Namespace: destination.Namespace, Unseen: r.err != nil, Filled: filledBy(r.app)}
	if r.name == "" {
		_, part.Draft = v.files.charts[path.Dir(r.origin.File)]
		part.Cluster = ""
		if part.Unseen {
			part.Namespace = ""
		}
	}
	if r.result != nil {
		part.Set = r.result.Set
	}
	return part, !part.Unseen || !part.Draft
}

// clusterName names a cluster. That of the agent has two names.
func clusterName(d api.Destination) string {
	switch {
	case d.Name == "in-cluster" || d.Name == "" && d.Server == "":
		return api.InClusterServer
	case d.Name != "":
		return d.Name
	}
	return strings.TrimRight(d.Server, "/")
}

// filledBy says of which objects an Application leaves data to others.
func filledBy(app *api.Application) func(*manifest.Object) bool {
	var ignored []api.IgnoreDifference
	for _, d := range app.Spec.IgnoreDifferences {
		if len(d.ManagedFieldsManagers) > 0 || slices.ContainsFunc(slices.Concat(d.JSONPointers, d.JQPathExpressions), aboutData) {
			ignored = append(ignored, d)
		}
	}
	return func(o *manifest.Object) bool {
		return slices.ContainsFunc(ignored, func(d api.IgnoreDifference) bool {
			kind, err := path.Match(d.Kind, o.Key.Kind)
			return kind && err == nil && (d.Name == "" || d.Name == o.Key.Name)
		})
	}
}

func aboutData(path string) bool {
	return strings.HasPrefix(path, "/data") || strings.HasPrefix(path, "/stringData") || strings.HasPrefix(path, ".data") || path == "/"
}

// generators are the ApplicationSets that are stated anywhere, but for those all of whose
// Applications are known.
func (v *validation) generators(loose manifest.Set) []*api.ApplicationSet {
	var all []*api.ApplicationSet
	sets := []manifest.Set{loose}
	for _, r := range v.rendered {
		if r.result != nil {
			sets = append(sets, r.result.Set)
		}
	}
	for _, o := range slices.Concat(sets...) {
		set := &api.ApplicationSet{}
		if o.Key.Group == api.Group && o.Key.Kind == "ApplicationSet" && json.Unmarshal(o.JSON(), set) == nil && !v.expanded(o) {
			all = append(all, set)
		}
	}
	return all
}

// unseenOf is what an ApplicationSet brings from elsewhere. What it takes from this
// repository is among its directories.
func (v *validation) unseenOf(set *api.ApplicationSet) []references.Part {
	spec := set.Spec.Template.Spec
	elsewhere := set.Spec.TemplatePatch != nil || slices.ContainsFunc(spec.AllSources(), func(s api.Source) bool {
		_, here := v.input.checkout(s.RepoURL)
		return s.IsChart() || s.IsOCI() || strings.Contains(s.RepoURL, "{{") || !here
	})
	if !elsewhere {
		return nil
	}
	part := references.Part{Cluster: clusterName(spec.Destination), Namespace: spec.Destination.Namespace, Unseen: true}
	if strings.Contains(spec.Destination.Name+spec.Destination.Server, "{{") {
		part.Cluster = ""
	}
	if strings.Contains(part.Namespace, "{{") {
		part.Namespace = ""
	}
	return []references.Part{part}
}

// encrypted are the Secrets of files that SOPS has encrypted and nothing renders:
// their names and keys are in clear.
func (v *validation) encrypted() manifest.Set {
	var all manifest.Set
	for _, at := range slices.Sorted(maps.Keys(v.files.texts)) {
		text := v.files.texts[at]
		if v.covers(at) || v.files.belongs(at) || !bytes.Contains(text, []byte("Secret")) || sops.Encrypted(at, text) == "" {
			continue
		}
		for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var s encryptedSecret
			if in.Decode(&s) != nil {
				break
			}
			if o := s.object(at); o != nil {
				all = append(all, o)
			}
		}
	}
	return all
}

// An encryptedSecret is what can be read of one.
type encryptedSecret struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]any
	Strings  map[string]any `yaml:"stringData"`
}

// object is a Secret of the same keys, which holds nothing.
func (s *encryptedSecret) object(file string) *manifest.Object {
	keys := map[string]any{}
	for _, data := range []map[string]any{s.Data, s.Strings} {
		for key := range data {
			keys[key] = ""
		}
	}
	o, err := manifest.New(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "stringData": keys,
		"metadata": map[string]any{"name": s.Metadata.Name, "namespace": s.Metadata.Namespace},
	}, manifest.Origin{File: file})
	if s.Kind != "Secret" || err != nil {
		return nil
	}
	return o
}
