package manifest

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v2"
)

// A Set is all the objects of one Application, in the order of rendering.
type Set []*Object

// Find returns the object with this key, or nil.
func (s Set) Find(key Key) *Object {
	for _, o := range s {
		if o.Key == key {
			return o
		}
	}
	return nil
}

// A Duplicate is an object that is stated twice. The last one wins, as in
// Argo CD (RepeatedResourceWarning).
type Duplicate struct {
	Key           Key
	Dropped, Kept Origin
}

// String prints as "ConfigMap a/b: stated at x.yaml:1 and at y.yaml:7; the last one counts".
func (d Duplicate) String() string {
	return fmt.Sprintf("%s: stated at %s and at %s; the last one counts", d.Key, d.Dropped, d.Kept)
}

// Unique returns the set with the last of each key, and what it dropped.
// Objects with a generateName only are never duplicates.
func (s Set) Unique() (Set, []Duplicate) {
	last := make(map[Key]*Object, len(s))
	for _, o := range s {
		last[o.Key] = o
	}
	var duplicates []Duplicate
	out := slices.DeleteFunc(slices.Clone(s), func(o *Object) bool {
		if kept := last[o.Key]; o.Key.Name != "" && kept != o {
			duplicates = append(duplicates, Duplicate{o.Key, o.Origin, kept.Origin})
			return true
		}
		return false
	})
	return out, duplicates
}

// Keep returns the set with the very objects of before in the places of those that
// are the same, so that whoever has seen these has nothing to do.
func (s Set) Keep(before Set) Set {
	known := make(map[Key]*Object, len(before))
	for _, o := range before {
		known[o.Key] = o
	}
	kept := make(Set, len(s))
	for i, o := range s {
		if kept[i] = o; known[o.Key] != nil && known[o.Key].hash == o.hash && known[o.Key].Origin == o.Origin {
			kept[i] = known[o.Key]
		}
	}
	return kept
}

// Place gives namespace to every namespaced object that states none, and takes
// it from those that live in no namespace. A kind that namespaced does not know
// is taken as namespaced.
func (s Set) Place(namespace string, namespaced func(*Object) (namespaced, known bool)) (Set, error) {
	out := make(Set, len(s))
	for i, o := range s {
		inNamespace, known := namespaced(o)
		want := o.Key.Namespace
		switch {
		case known && !inNamespace:
			want = ""
		case want == "":
			want = namespace
		}
		placed, err := o.inNamespace(want)
		if err != nil {
			return nil, err
		}
		out[i] = placed
	}
	return out, nil
}

func (o *Object) inNamespace(namespace string) (*Object, error) {
	if o.Key.Namespace == namespace {
		return o, nil
	}
	return o.Edit(func(body map[string]any) {
		meta := body["metadata"].(map[string]any)
		if namespace == "" {
			delete(meta, "namespace")
			return
		}
		meta["namespace"] = namespace
	})
}

// YAML prints the objects as YAML documents, with secret values masked unless
// reveal is set.
func (s Set) YAML(reveal bool) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range s {
		text, err := yaml.Marshal(o.printed(reveal))
		if err != nil {
			return nil, fmt.Errorf("print %s: %w", o.Key, err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}

func (o *Object) printed(reveal bool) map[string]any {
	body := o.Body()
	switch {
	case len(o.data) == 0:
	case reveal:
		body["data"] = o.encoded()
	default:
		body["data"] = o.data
	}
	return body
}
