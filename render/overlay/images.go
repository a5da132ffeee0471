package overlay

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	sigsyaml "sigs.k8s.io/yaml"
)

// ErrShape is returned for what is written in a way that cannot be edited in
// place: with anchors, tags or block scalars, for one.
var ErrShape = errors.New("it is written in a way that is not edited in place: write it as a plain list of name, newName, newTag and digest")

// fields are those of an image, in the order in which they are written.
var fields = []string{"name", "newName", "newTag", "tagSuffix", "digest"}

func field(image types.Image, name string) string {
	return map[string]string{
		"name": image.Name, "newName": image.NewName, "newTag": image.NewTag, "tagSuffix": image.TagSuffix, "digest": image.Digest,
	}[name]
}

// SetImages makes the images of a kustomization what they are to be; those of
// other names stay. The text is the same if they were so already.
func SetImages(text []byte, images []types.Image) ([]byte, error) {
	listed, err := Images(text)
	if err != nil {
		return nil, err
	}
	was := map[string]types.Image{}
	for _, image := range listed {
		was[image.Name] = image
	}
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	to := map[string]types.Image{}
	var added []types.Image
	for _, image := range unique(images) {
		old, there := was[image.Name]
		to[image.Name] = over(image, old)
		if !there {
			added = append(added, to[image.Name])
		}
	}
	if err := doc.setImages(to, added); err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	changed := doc.spliced()
	if !meant(text, changed, to) {
		return nil, fmt.Errorf("images: %w", ErrShape)
	}
	return changed, nil
}

// unique are the last of each name, which is the one that counts.
func unique(images []types.Image) (list []types.Image) {
	at := map[string]int{}
	for _, image := range images {
		if i, seen := at[image.Name]; seen {
			list[i] = image
			continue
		}
		at[image.Name] = len(list)
		list = append(list, image)
	}
	return list
}

func (d *document) setImages(to map[string]types.Image, added []types.Image) error {
	key, list := lookup(d.root, "images")
	if key != nil && list.Kind == yaml.SequenceNode {
		for _, item := range list.Content {
			_, name := lookup(item, "name")
			if name == nil {
				continue
			}
			if image, ok := to[name.Value]; ok {
				if err := d.setFields(item, image); err != nil {
					return err
				}
			}
		}
	}
	if len(added) == 0 {
		return nil
	}
	return d.addImages(key, list, added)
}

// addImages writes new entries, in the form that the list has.
func (d *document) addImages(key, list *yaml.Node, added []types.Image) error {
	switch {
	case key == nil && d.root.Style&yaml.FlowStyle != 0:
		text := `"images": [` + flow(added, true) + "]"
		if len(d.root.Content) > 0 {
			text += ", "
		}
		d.insert(d.offset(d.root)+1, text)
	case key == nil:
		d.insertLines(len(d.text), "images:"+d.newline+d.block(d.indent(), added))
	case list.Kind == yaml.ScalarNode && list.Tag == "!!null" && list.Value == "" && d.root.Style&yaml.FlowStyle == 0:
		d.insertLines(d.lineEnd(d.offset(key)), d.block(d.indent(), added))
	case list.Kind != yaml.SequenceNode || list.Anchor != "":
		return ErrShape
	case list.Style&yaml.FlowStyle != 0:
		text := flow(added, d.text[d.offset(d.root)] == '{')
		if len(list.Content) > 0 {
			text += ", "
		}
		d.insert(d.offset(list)+1, text)
	default:
		return d.appendImages(list, added)
	}
	return nil
}

// appendImages writes new entries below the last one of a list.
func (d *document) appendImages(list *yaml.Node, added []types.Image) error {
	last := list.Content[len(list.Content)-1]
	end, err := d.end(last)
	if err != nil {
		return err
	}
	indent := strings.Repeat(" ", list.Column-1)
	if last.Style&yaml.FlowStyle == 0 {
		d.insertLines(d.lineEnd(end), d.block(indent, added))
		return nil
	}
	var text strings.Builder
	for _, image := range added {
		text.WriteString(indent + "- " + flow([]types.Image{image}, false) + d.newline)
	}
	d.insertLines(d.lineEnd(end), text.String())
	return nil
}

// block writes entries on lines of their own.
func (d *document) block(indent string, images []types.Image) string {
	var text strings.Builder
	for _, image := range images {
		dash := "- "
		for _, name := range fields {
			if value := field(image, name); value != "" {
				text.WriteString(indent + dash + name + ": " + written(value, 0, false) + d.newline)
				dash = "  "
			}
		}
	}
	return text.String()
}

// flow writes entries within braces.
func flow(images []types.Image, json bool) string {
	quote := quotes(json)
	var all []string
	for _, image := range images {
		var pairs []string
		for _, name := range fields {
			if value := field(image, name); value != "" {
				pairs = append(pairs, written(name, quote, true)+": "+written(value, quote, true))
			}
		}
		all = append(all, "{"+strings.Join(pairs, ", ")+"}")
	}
	return strings.Join(all, ", ")
}

// meant says that a text is the old one but for the images that were to change.
func meant(old, text []byte, to map[string]types.Image) bool {
	was, before, err := meaning(old)
	if err != nil {
		return false
	}
	is, after, err := meaning(text)
	if err != nil {
		return false
	}
	for name, image := range to {
		before[name] = image
	}
	return reflect.DeepEqual(was, is) && reflect.DeepEqual(before, after)
}

// meaning is what a kustomization says, and its images by name.
func meaning(text []byte) (map[string]any, map[string]types.Image, error) {
	rest := map[string]any{}
	if err := sigsyaml.UnmarshalStrict(text, &rest); err != nil {
		return nil, nil, err
	}
	delete(rest, "images")
	images, err := Images(text)
	if err != nil {
		return nil, nil, err
	}
	named := map[string]types.Image{}
	for _, image := range images {
		named[image.Name] = image
	}
	return rest, named, nil
}
