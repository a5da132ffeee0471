package blast

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// generatedName is a name with a hash of the content at its end, as kustomize's
// generators make it: ten characters of an alphabet that spells no words.
var generatedName = regexp.MustCompile(`^(.+)-[2456789bcdfghkmt]{10}$`)

// A stem is what is the same in the names of a generated object whatever it holds.
type stem struct {
	kind, namespace, name string
}

func stemOf(key manifest.Key) (stem, bool) {
	if key.Group != "" || key.Kind != "ConfigMap" && key.Kind != "Secret" {
		return stem{}, false
	}
	parts := generatedName.FindStringSubmatch(key.Name)
	if parts == nil {
		return stem{}, false
	}
	return stem{key.Kind, key.Namespace, parts[1]}, true
}

// pairGenerated finds the generated objects that go, and what comes in their place.
func (c *comparison) pairGenerated() {
	olds := map[stem][]manifest.Key{}
	for key := range c.before {
		if s, ok := stemOf(key); ok && c.after[key] == nil {
			olds[s] = append(olds[s], key)
		}
	}
	news := map[stem][]manifest.Key{}
	for key := range c.after {
		if s, ok := stemOf(key); ok && c.before[key] == nil {
			news[s] = append(news[s], key)
		}
	}
	for s, list := range news {
		if len(list) == 1 && len(olds[s]) == 1 {
			c.pairUp(olds[s][0], list[0])
			c.generated[list[0]] = true
			c.names[olds[s][0].Name] = list[0].Name
		}
	}
}

// pairUp takes one object for the successor of another.
func (c *comparison) pairUp(from, to manifest.Key) {
	c.renamed[to], c.replaced[from] = c.before[from], true
}

// pairRenamed finds objects that go and come with the same content, of the same kind,
// under another name or in another namespace, if there is no doubt which is which.
// What another Application gives, or takes, is none of them.
func (c *comparison) pairRenamed() {
	type content struct{ kind, body string }
	olds, news := map[content][]manifest.Key{}, map[content][]manifest.Key{}
	for key, o := range c.before {
		if c.after[key] == nil && !c.replaced[key] && c.moves.taker(c.pair, key) == "" && !isHook(o) {
			at := content{o.Key.GroupKind().String(), nameless(o)}
			olds[at] = append(olds[at], key)
		}
	}
	for key, o := range c.after {
		if c.before[key] == nil && c.renamed[key] == nil && c.moves.giver(c.pair, key) == nil && !isHook(o) {
			at := content{o.Key.GroupKind().String(), nameless(o)}
			news[at] = append(news[at], key)
		}
	}
	for at, list := range news {
		if len(list) == 1 && len(olds[at]) == 1 && c.stays(c.before[olds[at][0]]) == "" {
			c.pairUp(olds[at][0], list[0])
		}
	}
}

// fields are those in which an object differs but for the names of generated objects
// that it refers to; refers says that it does.
func (c *comparison) fields(was, is *manifest.Object) (fields []Field, refers bool) {
	if same(was, is) {
		return nil, false
	}
	body := was.Body()
	refers = len(c.referred(body)) > 0
	c.follow(body)
	if meta, ok := body["metadata"].(map[string]any); ok && was.Key.Name != is.Key.Name {
		meta["name"] = is.Key.Name // the rename is told of already
	}
	if meta, ok := body["metadata"].(map[string]any); ok && was.Key.Namespace != is.Key.Namespace {
		meta["namespace"] = is.Key.Namespace
	}
	return fieldsOf(diff.StatedAs(was, body, is)), refers
}

// follow puts the new names of generated objects into the places of the old ones.
func (c *comparison) follow(value any) any {
	switch v := value.(type) {
	case string:
		return cmp.Or(c.names[v], v)
	case []any:
		for i := range v {
			v[i] = c.follow(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = c.follow(v[name])
		}
	}
	return value
}

// referred are the generated objects that a value refers to by their old names, in
// order, each once.
func (c *comparison) referred(value any) (names []string) {
	switch v := value.(type) {
	case string:
		if c.names[v] != "" {
			return []string{v}
		}
	case []any:
		for i := range v {
			names = append(names, c.referred(v[i])...)
		}
	case map[string]any:
		for _, item := range v {
			names = append(names, c.referred(item)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
