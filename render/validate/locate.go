package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Locator finds the lines that problems are about. It reads each file once, and
// is for one goroutine.
type Locator struct {
	read  func(file string) ([]byte, error)
	files map[string][]*document
}

// NewLocator returns a Locator of files that read returns by their paths.
func NewLocator(read func(file string) ([]byte, error)) *Locator {
	return &Locator{read: read, files: map[string][]*document{}}
}

// A document of a file.
type document struct {
	file  string
	root  *yaml.Node
	start int // line of its first key
	kind  string
	name  string
}

// maxLocated bounds the files that are read for their lines.
const maxLocated = 4 << 20

// documents parses a file, as far as it is YAML.
func (l *Locator) documents(file string) []*document {
	if docs, known := l.files[file]; known {
		return docs
	}
	var docs []*document
	text, err := l.read(file)
	if err == nil && len(text) <= maxLocated {
		if isTemplate(file, text) {
			text = plain(text)
		}
		docs = parseDocuments(file, text)
	}
	l.files[file] = docs
	return docs
}

func parseDocuments(file string, text []byte) []*document {
	var docs []*document
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var node yaml.Node
		err := in.Decode(&node)
		if errors.Is(err, io.EOF) || err != nil {
			return docs
		}
		if len(node.Content) == 0 {
			continue
		}
		root := node.Content[0]
		if root.Kind == yaml.SequenceNode {
			docs = append(docs, &document{file: file, root: root, start: root.Line})
		}
		if root.Kind == yaml.MappingNode {
			docs = append(docs, inlinePatches(file, root)...)
			docs = append(docs, newDocument(file, root))
			if items := entry(root, "items"); items != nil && items.Kind == yaml.SequenceNode {
				for _, item := range items.Content {
					docs = append(docs, newDocument(file, item))
				}
			}
		}
	}
}

func newDocument(file string, root *yaml.Node) *document {
	d := &document{file: file, root: root, start: root.Line}
	if kind := entry(root, "kind"); kind != nil {
		d.kind = kind.Value
	}
	if meta := entry(root, "metadata"); meta != nil {
		if name := entry(meta, "name"); name != nil {
			d.name = name.Value
		}
	}
	return d
}

// entry returns the value of a key, nil if there is none.
func entry(n *yaml.Node, key string) *yaml.Node {
	_, value := pair(n, key)
	return value
}

func pair(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// Finding places a problem. Others are files that the object may come from, too:
// patches and bases. The place is where the very value is written; else the
// nearest that is known around it.
func (l *Locator) Finding(p Problem, others []string) Finding {
	f := Finding{Rule: p.Rule, Severity: severityOf(p.Rule), Field: p.Path, Message: p.Message, Hint: p.Hint}
	if p.Object == nil {
		return f
	}
	f.Object, f.File, f.Line = p.Object.Key.String(), p.Object.Origin.File, p.Object.Origin.Line
	steps, body := split(p.Path), any(p.Object.Body())
	best := -1
	for _, d := range l.candidates(p.Object, others) {
		line, depth, same := d.find(steps, body)
		if p.Object.Key.Kind == "Secret" && len(steps) == 2 && steps[0].name == "data" && depth < 2 {
			line, depth, same = d.find([]step{{"stringData", -1}, steps[1]}, body)
		}
		if same {
			depth += len(steps)
		}
		if depth > best {
			best, f.File, f.Line = depth, d.file, line
		}
	}
	if best < len(steps) && len(steps) > 0 {
		if line := l.template(p.Object.Origin, steps[len(steps)-1].name); line > 0 && best < 0 {
			f.File, f.Line = p.Object.Origin.File, line
		}
	}
	return f
}

// Findings places problems that have the same others.
func (l *Locator) Findings(problems []Problem, others []string) []Finding {
	var all []Finding
	for _, p := range problems {
		all = append(all, l.Finding(p, others))
	}
	return all
}

// candidates are the documents that an object may be made of: its own first.
func (l *Locator) candidates(o *manifest.Object, others []string) []*document {
	var own, rest []*document
	for _, d := range l.documents(o.Origin.File) {
		if d.kind == o.Key.Kind && d.nameFits(o.Key.Name) {
			if d.start == o.Origin.Line {
				own = append([]*document{d}, own...)
			} else if d.name == o.Key.Name || strings.Contains(d.name, templated) {
				own = append(own, d)
			}
		}
	}
	for _, file := range others {
		if file == o.Origin.File {
			continue
		}
		for _, d := range l.documents(file) {
			patch := d.root.Kind == yaml.SequenceNode && (d.kind == "" || d.kind == o.Key.Kind) && strings.Contains(o.Key.Name, d.name)
			if patch || d.kind == o.Key.Kind && d.name != "" && strings.Contains(o.Key.Name, d.name) {
				rest = append(rest, d)
			}
		}
	}
	return append(own, rest...)
}

// find goes down a path as far as the document has it, and says whether what is
// there at its end is what the object has. Items of lists are found by their name:
// a patch has only some of them.
func (d *document) find(steps []step, body any) (line, depth int, same bool) {
	if d.root.Kind == yaml.SequenceNode {
		return d.operation(steps, body)
	}
	node, line := d.root, d.start
	for i, s := range steps {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		var next *yaml.Node
		at := 0
		if s.index >= 0 && node.Kind == yaml.SequenceNode {
			list, _ := body.([]any)
			body = nil
			if s.index < len(list) {
				body = list[s.index]
			}
			if next = item(node, s.index, body, len(list)); next != nil {
				at = next.Line
			}
		} else {
			key, value := pair(node, s.name)
			if next = value; key != nil {
				at = key.Line
			}
			m, _ := body.(map[string]any)
			body = m[s.name]
		}
		if next == nil {
			return line, i, false
		}
		node, line = next, at
	}
	return line, len(steps), agrees(node, body)
}

// item returns that of a list which has the name of an object's item; without
// names the one at the same place.
func item(list *yaml.Node, index int, body any, count int) *yaml.Node {
	m, _ := body.(map[string]any)
	if name, ok := m["name"].(string); ok {
		var found []*yaml.Node
		for _, n := range list.Content {
			if v := entry(n, "name"); v != nil && v.Value == name {
				found = append(found, n)
			}
		}
		switch {
		case len(found) == 1:
			return found[0]
		case len(found) == 0 && onlyPrinted(list) != nil:
			return onlyPrinted(list)
		case len(found) == 0 && len(list.Content) != count:
			return nil
		}
	}
	if index < len(list.Content) {
		return list.Content[index]
	}
	if loops(list) {
		return list.Content[0]
	}
	return nil
}

// agrees compares scalars; of maps and lists it is enough that they are there.
func agrees(n *yaml.Node, body any) bool {
	if n.Kind != yaml.ScalarNode || printed(n) {
		return true
	}
	var v any
	if n.Decode(&v) != nil {
		return false
	}
	a, err := json.Marshal(v)
	b, bad := json.Marshal(body)
	return err == nil && bad == nil && bytes.Equal(a, b)
}

// template finds the one line of a file that is no YAML, such as a template of
// Helm, that sets a field; 0 if there are several, or none.
func (l *Locator) template(at manifest.Origin, name string) int {
	text, err := l.read(at.File)
	if err != nil || len(text) > maxLocated {
		return 0
	}
	found, line := 0, 0
	for row := range bytes.Lines(text) {
		if line++; line < at.Line {
			continue
		}
		if line > at.Line && bytes.HasPrefix(row, []byte("---")) {
			break
		}
		key, _, ok := bytes.Cut(bytes.TrimLeft(row, " -"), []byte(":"))
		if ok && string(key) == name {
			if found > 0 {
				return 0
			}
			found = line
		}
	}
	return found
}
