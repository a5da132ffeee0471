package diff

import (
	"maps"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Places are the parts of one object that differences are ignored in: a tree of
// members and items, down to those that are ignored as a whole. An item is known
// by its index, or, if managedFields told of it, by its name there: that holds
// for other states of the object, too.
type Places struct {
	whole   bool
	members map[string]*Places
	items   map[int]*Places
	named   map[itemName]*Places
}

// An itemName is what fieldsV1 calls a list item: `k:{"name":"web"}`.
type itemName string

// add ignores what a path of member names (string), indices (int) and item names
// leads to.
func (p *Places) add(path []any) {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			p = branch(&p.members, step)
		case int:
			p = branch(&p.items, step)
		case itemName:
			p = branch(&p.named, step)
		}
	}
	p.whole = true
}

func branch[K comparable](of *map[K]*Places, step K) *Places {
	if *of == nil {
		*of = map[K]*Places{}
	}
	if (*of)[step] == nil {
		(*of)[step] = &Places{}
	}
	return (*of)[step]
}

// join adds what of q holds for another state of the object: all but indices.
func (p *Places) join(q *Places) *Places {
	if p == nil {
		p = &Places{}
	}
	if q == nil {
		return p
	}
	return &Places{
		whole: p.whole || q.whole, items: p.items,
		members: joined(p.members, q.members), named: joined(p.named, q.named),
	}
}

func joined[K comparable](p, q map[K]*Places) map[K]*Places {
	if len(q) == 0 {
		return p
	}
	out := maps.Clone(p)
	if out == nil {
		out = make(map[K]*Places, len(q))
	}
	for name, at := range q {
		out[name] = out[name].join(at)
	}
	return out
}

func (p *Places) empty() bool {
	return !p.whole && len(p.members) == 0 && len(p.items) == 0 && len(p.named) == 0
}

// at returns the places in the items of a list, by index.
func (p *Places) at(list []any) map[int]*Places {
	if len(p.named) == 0 {
		return p.items
	}
	all := maps.Clone(p.items)
	if all == nil {
		all = map[int]*Places{}
	}
	for i, name := range p.names(list) {
		all[i] = all[i].join(p.named[name])
	}
	return all
}

// names finds the named items in a list.
func (p *Places) names(list []any) map[int]itemName {
	fields := make(map[string]any, len(p.named))
	for name := range p.named {
		fields[string(name)] = nil
	}
	byIdentity, keys, err := identities(fields)
	if err != nil {
		return nil // managedFields that cannot be read, of which the digest tells
	}
	found := map[int]itemName{}
	for i, item := range list {
		if name, ok := byIdentity[identity(item, keys)]; ok {
			found[i] = itemName(name)
		}
	}
	return found
}

// Cut returns an object without what is ignored in it.
func (i *Ignore) Cut(key manifest.Key, object map[string]any) map[string]any {
	at := i.Places(key, object, nil)
	if at == nil {
		return object
	}
	out, _ := at.cut(object).(map[string]any)
	return out
}

// cut returns value without the places. It shares what it does not change.
func (p *Places) cut(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := maps.Clone(v)
		for name, at := range p.members {
			if child, ok := v[name]; !ok {
				continue
			} else if at.whole {
				delete(out, name)
			} else {
				out[name] = at.cut(child)
			}
		}
		return out
	case []any:
		places := p.at(v)
		out := make([]any, 0, len(v))
		for i, item := range v {
			if at := places[i]; at == nil {
				out = append(out, item)
			} else if !at.whole {
				out = append(out, at.cut(item))
			}
		}
		return out
	}
	return value
}

// prune returns fieldsV1 without the places. A field of which nothing is left
// goes too, so that it makes no difference whether another manager has taken
// from us what is ignored.
func (p *Places) prune(fields map[string]any, value any) map[string]any {
	out := maps.Clone(fields)
	object, _ := value.(map[string]any)
	for name, at := range p.members {
		at.pruneAt(out, "f:"+name, object[name])
	}
	list, _ := value.([]any)
	for i, at := range p.at(list) {
		if i < len(list) {
			if name, ok := nameOf(fields, list[i]); ok {
				at.pruneAt(out, name, list[i])
			}
		}
	}
	for name, at := range p.named { // an item that is gone
		at.pruneAt(out, string(name), nil)
	}
	return out
}

func (p *Places) pruneAt(fields map[string]any, name string, value any) {
	child, owned := fields[name].(map[string]any)
	switch {
	case !owned:
	case p.whole:
		delete(fields, name)
	case len(child) > 0: // else a leaf, of which the value is cut
		if child = p.prune(child, value); len(child) == 0 {
			delete(fields, name)
			return
		}
		fields[name] = child
	}
}

// nameOf is what a list item is called in fieldsV1.
func nameOf(fields map[string]any, item any) (string, bool) {
	count, sample := ownedItems(fields)
	if count == 0 {
		return "", false
	}
	found, err := find(fields, []any{item}, count, sample)
	if err != nil || len(found) == 0 {
		return "", false
	}
	return found[0].name, true
}

// owned adds all that fieldsV1 names, down to its leaves, but for the merge keys
// of an item that is not ignored as a whole: without them it is no item. It is
// so if nobody else owns anything of it.
func (p *Places) owned(fields map[string]any, others []map[string]any, path []any) {
	for name, sub := range fields {
		step, ok := stepOf(name)
		if !ok {
			continue // ".", which only says that the parent is there
		}
		next := append(path[:len(path):len(path)], step)
		children, _ := sub.(map[string]any)
		theirs := inside(others, name)
		_, isItem := step.(itemName)
		if len(children) == 0 || isItem && children["."] != nil && len(theirs) == 0 {
			p.add(next)
			continue
		}
		p.owned(withoutKeys(children, name), theirs, next)
	}
}

func stepOf(name string) (step any, ok bool) {
	if field, ok := strings.CutPrefix(name, "f:"); ok {
		return field, true
	}
	return itemName(name), isItem(name)
}

// inside returns what others own inside a field.
func inside(others []map[string]any, name string) (all []map[string]any) {
	for _, fields := range others {
		if child, ok := fields[name].(map[string]any); ok {
			all = append(all, child)
		}
	}
	return all
}

// withoutKeys returns the fields of a list item without its merge keys.
func withoutKeys(fields map[string]any, item string) map[string]any {
	keys, err := mergeKeys(item)
	if err != nil || len(keys) == 0 {
		return fields
	}
	out := maps.Clone(fields)
	for _, key := range keys {
		delete(out, "f:"+key)
	}
	return out
}
