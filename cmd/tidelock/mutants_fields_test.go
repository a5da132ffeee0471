package main

import (
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// mutationClasses are all classes.
func mutationClasses() []*class {
	return slices.Concat(fieldClasses(), referenceClasses(), renderClasses(), platformClasses(), secretClasses(), harmlessClasses())
}

// fieldClasses break fields of objects: what an API server says of them is known.
func fieldClasses() []*class {
	return []*class{
		{name: "required key deleted", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return f.required }, "deleted", drop)},
		{name: "key deleted", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return f.key != "" }, "deleted", drop)},
		{name: "retyped", floor: 0.95, of: inObjects(func(fieldSpot) bool { return true }, "retyped", retype)},
		{name: "field misspelt", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return f.key != "" && !f.free }, "name misspelt", misspellKey)},
		{name: "value misspelt", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return len(f.enum) > 0 && f.isText() }, "misspelt", misspellValue)},
		{name: "number out of range", floor: 0.9, of: inObjects(fieldSpot.isNumber, "out of range", outOfRange)},
		{name: "text emptied", floor: 0.95, of: inObjects(fieldSpot.isText, "emptied", func(s *specimen, p spot, _ *rand.Rand) map[string]string {
			return s.put(p, scalar("", yaml.DoubleQuotedStyle))
		})},
		{name: "list emptied", floor: 0.95, of: inObjects(fieldSpot.isList, "emptied", func(s *specimen, p spot, _ *rand.Rand) map[string]string {
			return s.put(p, &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle})
		})},
		{name: "item repeated", floor: 0.95, of: inObjects(fieldSpot.isList, "an item repeated", repeatItem)},
		{name: "name broken", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return f.key == "name" && f.isText() }, "broken", breakName)},
		{name: "label broken", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return isLabel(f.path) }, "broken", breakLabel)},
		{name: "quantity broken", floor: 0.95, of: inObjects(func(f fieldSpot) bool { return f.quantity }, "broken", oneOf("12Mb", "1 Gi", "-1", "lots", "1,5", "100mi", "0.5.1"))},
		{name: "API version removed", floor: 0.95, of: removedVersions},
		{name: "kind misspelt", truth: wrong, floor: 0.9, of: fieldsOfRoot("kind", misspellValue)},
		{name: "API version misspelt", truth: wrong, floor: 0.9, of: fieldsOfRoot("apiVersion", misspellValue)},
		{name: "key repeated", truth: wrong, floor: 0.9, files: true, of: repeatedKeys},
		{name: "image broken", truth: wrong, floor: 0.95, of: inObjects(func(f fieldSpot) bool {
			return f.key == "image" && f.isText() && strings.Contains(f.path, "ontainers[]")
		}, "broken", breakImage)},
		{name: "line shifted", floor: 0.95, of: lines("shifted", func(rows []string, i int, r *rand.Rand) []string {
			if r.IntN(2) == 0 && strings.HasPrefix(rows[i], " ") {
				rows[i] = rows[i][1:]
			} else {
				rows[i] = " " + rows[i]
			}
			return rows
		})},
		{name: "line deleted", floor: 0.95, of: lines("deleted", func(rows []string, i int, _ *rand.Rand) []string { return slices.Delete(rows, i, i+1) })},
	}
}

// A fieldSpot is a field of an object, and what its schema says of it.
type fieldSpot struct {
	spot
	required, quantity bool
	free               bool // a key that anyone may choose
	enum               []string
}

func (f fieldSpot) isNumber() bool { return f.value.Tag == "!!int" }
func (f fieldSpot) isList() bool {
	return f.value.Kind == yaml.SequenceNode && len(f.value.Content) > 0
}

func isLabel(path string) bool { return strings.Contains(path, "abels.") }

const quantityDefinition = "io.k8s.apimachinery.pkg.api.resource.Quantity"

// fieldsOf are the fields of an object, with what Kubernetes' schemas say of them.
func fieldsOf(d *document) []fieldSpot {
	version, err := openapi.Of(minor(defaultKubeVersion))
	if err != nil {
		panic(err)
	}
	schemas := map[string]*openapi.Schema{} // by path
	kind, known := version.Kind(schema.FromAPIVersionAndKind(d.field("apiVersion"), d.field("kind")))
	if known {
		if schemas[""], err = version.Schema(kind); err != nil {
			panic(err)
		}
	}
	var all []fieldSpot
	for _, p := range d.spots() {
		f := fieldSpot{spot: p}
		parent := schemas[strings.TrimSuffix(strings.TrimSuffix(p.path, "."+p.key), p.key)]
		if p.key == "" {
			parent = schemas[strings.TrimSuffix(p.path, "[]")]
		}
		if parent != nil {
			f.take(version, parent, schemas)
		}
		all = append(all, f)
	}
	return all
}

func (f *fieldSpot) take(version *openapi.Version, parent *openapi.Schema, schemas map[string]*openapi.Schema) {
	own := parent.Items
	if f.key != "" {
		f.required, f.free = slices.Contains(parent.Required, f.key), parent.Properties[f.key] == nil
		if own = parent.Properties[f.key]; own == nil {
			own = parent.Values
		}
	}
	if own == nil {
		return
	}
	f.enum, f.quantity = own.Enum, own.Ref == quantityDefinition
	if own.Ref != "" {
		named, err := version.Named(own.Ref)
		if err != nil {
			panic(err)
		}
		own = named
	}
	f.enum = slices.Concat(f.enum, own.Enum)
	schemas[f.path] = own
}

// A maker makes a mutant by one change at a spot; nil if that cannot be done there.
type maker = func(*specimen, spot, *rand.Rand) map[string]string

// inObjects are the fields of all objects that are to be broken.
func inObjects(wanted func(fieldSpot) bool, how string, make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			if !d.isManifest() || d.isKustomization() {
				continue
			}
			for _, f := range fieldsOf(d) {
				if f.path != "apiVersion" && f.path != "kind" && wanted(f) {
					all = append(all, s.mutation(f.spot, how, make))
				}
			}
		}
		return all
	}
}

func fieldsOfRoot(name string, make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for _, d := range s.docs {
			for _, p := range d.spots() {
				if p.path == name && d.isManifest() && !d.isKustomization() {
					all = append(all, s.mutation(p, "misspelt", make))
				}
			}
		}
		return all
	}
}

func (s *specimen) mutation(p spot, how string, make maker) mutation {
	return mutation{what: p.String() + ": " + how, make: func(r *rand.Rand) map[string]string { return make(s, p, r) }}
}

func drop(s *specimen, p spot, _ *rand.Rand) map[string]string { return s.dropped(p) }

func scalar(text string, style yaml.Style) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	n.Style = style
	return n
}

func retype(s *specimen, p spot, r *rand.Rand) map[string]string {
	mapping := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{scalar("a", 0), scalar("b", 0)}}
	switch {
	case p.value.Kind != yaml.ScalarNode:
		return s.put(p, scalar("text", 0))
	case p.value.Tag == "!!int":
		return s.put(p, []*yaml.Node{scalar("many", 0), mapping, scalar(p.value.Value, yaml.DoubleQuotedStyle)}[r.IntN(3)])
	case p.value.Tag == "!!bool":
		return s.put(p, []*yaml.Node{scalar("maybe", 0), mapping, scalar(p.value.Value, yaml.DoubleQuotedStyle)}[r.IntN(3)])
	}
	number := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "7"}
	boolean := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
	return s.put(p, []*yaml.Node{mapping, number, boolean}[r.IntN(3)])
}

// slip makes a slip of the pen: a letter left out, doubled, swapped with the next, or
// in the other case.
func slip(word string, r *rand.Rand) string {
	var at []int
	for i, c := range word {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			at = append(at, i)
		}
	}
	if len(at) < 2 {
		return word + "x"
	}
	for range 20 {
		i := at[r.IntN(len(at))]
		letter := word[i : i+1]
		out := word
		switch r.IntN(4) {
		case 0:
			out = word[:i] + word[i+1:]
		case 1:
			out = word[:i] + letter + word[i:]
		case 2:
			if i+1 < len(word) {
				out = word[:i] + word[i+1:i+2] + letter + word[i+2:]
			}
		case 3:
			if out = word[:i] + strings.ToUpper(letter) + word[i+1:]; out == word {
				out = word[:i] + strings.ToLower(letter) + word[i+1:]
			}
		}
		if out != word {
			return out
		}
	}
	return word + "x"
}

func misspellKey(s *specimen, p spot, r *rand.Rand) map[string]string {
	return s.at(p, func(parent *yaml.Node, i int) { parent.Content[i-1].Value = slip(p.key, r) })
}

func misspellValue(s *specimen, p spot, r *rand.Rand) map[string]string {
	return s.set(p, slip(p.value.Value, r))
}

func outOfRange(s *specimen, p spot, r *rand.Rand) map[string]string {
	n := []int64{-1, 0, 70000, 1 << 40}[r.IntN(4)]
	return s.put(p, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(n, 10)})
}

func repeatItem(s *specimen, p spot, r *rand.Rand) map[string]string {
	return s.at(p, func(parent *yaml.Node, i int) {
		list := parent.Content[i]
		list.Content = append(list.Content, list.Content[r.IntN(len(list.Content))])
	})
}

func oneOf(values ...string) maker {
	return func(s *specimen, p spot, r *rand.Rand) map[string]string {
		return s.set(p, values[r.IntN(len(values))])
	}
}

func breakName(s *specimen, p spot, r *rand.Rand) map[string]string {
	name := p.value.Value
	return s.set(p, []string{name + "_", strings.ToUpper(name[:1]) + name[1:], "-" + name, name + " x", name + strings.Repeat("x", 254), name + "."}[r.IntN(6)])
}

func breakLabel(s *specimen, p spot, r *rand.Rand) map[string]string {
	if p.value.Kind != yaml.ScalarNode {
		return nil
	}
	text := p.value.Value
	if r.IntN(3) == 0 {
		return s.at(p, func(parent *yaml.Node, i int) {
			parent.Content[i-1].Value = []string{"-" + p.key, p.key + " x", "a/b/" + p.key}[r.IntN(3)]
		})
	}
	return s.set(p, []string{text + " x", "-" + text, text + strings.Repeat("x", 64), text + "/x", text + ":"}[r.IntN(5)])
}

func breakImage(s *specimen, p spot, r *rand.Rand) map[string]string {
	image := p.value.Value
	name := image
	if i := strings.LastIndexAny(image, ":@"); i > strings.LastIndexByte(image, '/') {
		name = image[:i]
	}
	return s.set(p, []string{
		name + ":", name + "::1.0", " " + image, name + "/" + strings.ToUpper(path.Base(name)) + ":1", name + ":1.0 ", name + ":v1.0+build", name + "@sha256:123", "https://" + image, name + ":-1",
	}[r.IntN(9)])
}

// repeatedKeys are maps that have one of their keys twice.
func repeatedKeys(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() && !d.isKustomization() {
			continue
		}
		for _, p := range d.spots() {
			if p.key == "" || valueOf(d.root, "sops") != nil {
				continue
			}
			all = append(all, s.mutation(p, "repeated", func(s *specimen, p spot, _ *rand.Rand) map[string]string {
				return s.at(p, func(parent *yaml.Node, i int) {
					parent.Content = slices.Insert(parent.Content, i+1, parent.Content[i-1], parent.Content[i])
				})
			}))
		}
	}
	return all
}

// removed are API versions that Kubernetes had once.
var removed = map[string][]string{
	"apps/v1": {"apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"}, "networking.k8s.io/v1": {"networking.k8s.io/v1beta1", "extensions/v1beta1"},
	"batch/v1": {"batch/v1beta1", "batch/v2alpha1"}, "policy/v1": {"policy/v1beta1"}, "autoscaling/v2": {"autoscaling/v2beta1", "autoscaling/v2beta2"},
	"rbac.authorization.k8s.io/v1": {"rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"}, "apiextensions.k8s.io/v1": {"apiextensions.k8s.io/v1beta1"},
	"admissionregistration.k8s.io/v1": {"admissionregistration.k8s.io/v1beta1"}, "storage.k8s.io/v1": {"storage.k8s.io/v1beta1"},
	"scheduling.k8s.io/v1": {"scheduling.k8s.io/v1beta1"}, "node.k8s.io/v1": {"node.k8s.io/v1beta1"}, "coordination.k8s.io/v1": {"coordination.k8s.io/v1beta1"},
	"discovery.k8s.io/v1": {"discovery.k8s.io/v1beta1"}, "apiregistration.k8s.io/v1": {"apiregistration.k8s.io/v1beta1"},
	"flowcontrol.apiserver.k8s.io/v1": {"flowcontrol.apiserver.k8s.io/v1beta2"}, "argoproj.io/v1alpha1": {"argoproj.io/v1", "argoproj.io/v1beta1"},
	"v1": {"v1beta1", "core/v1"},
}

func removedVersions(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			versions := removed[p.value.Value]
			if p.path != "apiVersion" || !d.isManifest() || d.isKustomization() || len(versions) == 0 {
				continue
			}
			all = append(all, s.mutation(p, "removed", oneOf(versions...)))
		}
	}
	return all
}

// lines are those of files that say what is deployed, templates too.
func lines(how string, edit func(rows []string, i int, r *rand.Rand) []string) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		var all []mutation
		for file, text := range s.files {
			if !isYAML(file) || strings.Contains(text, "ENC[") || path.Base(file) == ".tidelock.yaml" || path.Base(file) == ".sops.yaml" {
				continue
			}
			rows := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
			for i, row := range rows {
				if trimmed := strings.TrimSpace(row); trimmed == "" || trimmed[0] == '#' || trimmed == "---" {
					continue
				}
				all = append(all, mutation{what: file + ":" + strconv.Itoa(i+1) + ": " + how, make: func(r *rand.Rand) map[string]string {
					return map[string]string{file: strings.Join(edit(slices.Clone(rows), i, r), "")}
				}})
			}
		}
		slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.what, b.what) })
		return all
	}
}
