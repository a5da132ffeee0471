package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/render/manifest"
	"go.yaml.in/yaml/v3"
)

// A File is a manifest file, in YAML or JSON, whose SealedSecrets may get other
// items. All else in it stays as it is, comments and layout included.
type File struct {
	// Documents are its SealedSecrets, those in lists too, in their order.
	Documents []*Document

	text  []byte
	roots []*yaml.Node
}

// A Document is one SealedSecret of a [File].
type Document struct {
	Object *manifest.Object // as it was read
	node   *yaml.Node
	set    map[string]string // items that are to be other
	anew   bool              // something was added, for which there is no place in the text
}

// ErrUnreadable says that a file is no YAML: it may be a template.
var ErrUnreadable = errors.New("no YAML")

// ReadFile reads the text of a file. A file with no SealedSecret has no Documents.
func ReadFile(text []byte, name string) (*File, error) {
	f := &File{text: text}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		f.roots = append(f.roots, &root)
		if len(root.Content) == 1 {
			if err := f.collect(root.Content[0], name); err != nil {
				return nil, err
			}
		}
	}
}

// collect finds the SealedSecrets in a document: itself, or the items of a list.
func (f *File) collect(node *yaml.Node, name string) error {
	if list := field(node, "items"); list != nil && list.Kind == yaml.SequenceNode {
		for _, item := range list.Content {
			if err := f.collect(item, name); err != nil {
				return err
			}
		}
		return nil
	}
	kind := field(node, "kind")
	if kind == nil || kind.Value != "SealedSecret" {
		return nil
	}
	var body map[string]any
	if err := node.Decode(&body); err != nil {
		return fmt.Errorf("%s:%d: %w: %w", name, node.Line, ErrBroken, err)
	}
	o, err := manifest.New(body, manifest.Origin{File: name, Line: node.Line})
	if err != nil {
		return err
	}
	if IsKind(o) {
		f.Documents = append(f.Documents, &Document{Object: o, node: node, set: map[string]string{}})
	}
	return nil
}

// field returns the value of a key of a mapping, nil if there is none.
func field(node *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		var found *yaml.Node
		for i := 0; node != nil && node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				found = node.Content[i+1]
			}
		}
		node = found
	}
	return node
}

// Set gives an item of encryptedData another value. One that is not there is added.
func (d *Document) Set(item, sealed string) {
	data := field(d.node, "spec", "encryptedData")
	if data == nil || field(data, item) == nil {
		put(d.node, sealed, "spec", "encryptedData", item)
		d.anew = true
		return
	}
	d.set[item] = sealed
}

// Label adds labels and annotations to the Secret that the template states.
func (d *Document) Label(labels, annotations map[string]string) {
	for name, add := range map[string]map[string]string{"labels": labels, "annotations": annotations} {
		for _, key := range slices.Sorted(maps.Keys(add)) {
			known := field(d.node, "spec", "template", "metadata", name, key)
			if known == nil || known.Value != add[key] {
				put(d.node, add[key], "spec", "template", "metadata", name, key)
				d.anew = true
			}
		}
	}
}

// put writes a text into a mapping, and makes the mappings that lead to it.
func put(node *yaml.Node, text string, path ...string) {
	for i, name := range path {
		next := field(node, name)
		last := i == len(path)-1
		if next == nil {
			next = &yaml.Node{}
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, next)
		}
		if last {
			*next = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
		} else if next.Kind != yaml.MappingNode {
			*next = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		}
		node = next
	}
}

// Bytes returns the file with what was set. If nothing was, it is the text itself.
func (f *File) Bytes() ([]byte, error) {
	var edits []edit
	anew := false
	for _, d := range f.Documents {
		anew = anew || d.anew
		for _, item := range slices.Sorted(maps.Keys(d.set)) {
			e, err := d.edit(item)
			if err != nil {
				return nil, err
			}
			edits = append(edits, e)
		}
	}
	if len(edits) == 0 && !anew {
		return f.text, nil
	}
	if !anew {
		if text, ok := splice(f.text, edits); ok {
			return text, nil
		}
	}
	return f.encode(edits)
}

// edit finds the nodes of an item.
func (d *Document) edit(item string) (edit, error) {
	data := field(d.node, "spec", "encryptedData")
	for i := 0; data != nil && data.Kind == yaml.MappingNode && i+1 < len(data.Content); i += 2 {
		if key, value := data.Content[i], data.Content[i+1]; key.Value == item && value.Kind == yaml.ScalarNode {
			return edit{key: key, value: value, flow: data.Style&yaml.FlowStyle != 0, to: d.set[item]}, nil
		}
	}
	return edit{}, fmt.Errorf("%s: %s: %w: item %q cannot be changed in place, for its value is not written there", d.Object.Origin, d.Object.Key, ErrBroken, item)
}

// encode writes the file anew, where its text cannot be edited. Comments stay.
func (f *File) encode(edits []edit) ([]byte, error) {
	for _, e := range edits {
		e.value.Value, e.value.Style = e.to, 0
	}
	if json.Valid(f.text) {
		return f.encodeJSON()
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, root := range f.roots {
		if err := encoder.Encode(root); err != nil {
			return nil, fmt.Errorf("write the file anew: %w", err)
		}
	}
	return out.Bytes(), encoder.Close()
}

func (f *File) encodeJSON() ([]byte, error) {
	var body any
	if err := f.roots[0].Decode(&body); err != nil {
		return nil, fmt.Errorf("write the file anew: %w", err)
	}
	out, err := json.MarshalIndent(body, "", "  ")
	return append(out, '\n'), err
}
