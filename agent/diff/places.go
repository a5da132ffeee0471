package diff

import (
	"cmp"
	"maps"
)

// Places are the parts of one object that differences are ignored in: a tree of
// members and items, down to those that are ignored as a whole.
type Places struct {
	whole   bool
	members map[string]*Places
	items   map[int]*Places
}

// add ignores what a path of member names (string) and indices (int) leads to.
func (p *Places) add(path []any) {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			if p.members == nil {
				p.members = map[string]*Places{}
			}
			if p.members[step] == nil {
				p.members[step] = &Places{}
			}
			p = p.members[step]
		case int:
			if p.items == nil {
				p.items = map[int]*Places{}
			}
			if p.items[step] == nil {
				p.items[step] = &Places{}
			}
			p = p.items[step]
		}
	}
	p.whole = true
}

// join adds all of q.
func (p *Places) join(q *Places) *Places {
	if p == nil || q == nil {
		return cmp.Or(p, q)
	}
	out := &Places{whole: p.whole || q.whole, members: maps.Clone(p.members), items: maps.Clone(p.items)}
	if out.members == nil && q.members != nil {
		out.members = map[string]*Places{}
	}
	for name, at := range q.members {
		out.members[name] = out.members[name].join(at)
	}
	if out.items == nil && q.items != nil {
		out.items = map[int]*Places{}
	}
	for i, at := range q.items {
		out.items[i] = out.items[i].join(at)
	}
	return out
}

func (p *Places) empty() bool { return !p.whole && len(p.members) == 0 && len(p.items) == 0 }

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
		out := make([]any, 0, len(v))
		for i, item := range v {
			if at := p.items[i]; at == nil {
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
	for i, at := range p.items {
		if i < len(list) {
			if name, ok := nameOf(fields, list[i]); ok {
				at.pruneAt(out, name, list[i])
			}
		}
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

// owned adds all that fieldsV1 names, down to its leaves.
func (p *Places) owned(fields map[string]any, value any, path []any) {
	object, _ := value.(map[string]any)
	list, _ := value.([]any)
	for name, sub := range fields {
		if len(name) < 2 {
			continue // ".", which only says that the parent is there
		}
		var step, child any
		if name[:2] == "f:" {
			step, child = name[2:], object[name[2:]]
		} else if i, ok := indexOf(name, list); ok {
			step, child = i, list[i]
		} else {
			continue
		}
		next := append(path[:len(path):len(path)], step)
		if children, _ := sub.(map[string]any); len(children) > 0 {
			p.owned(children, child, next)
			continue
		}
		p.add(next)
	}
}

// indexOf finds the list item that fieldsV1 calls name.
func indexOf(name string, list []any) (int, bool) {
	for i, item := range list {
		if found, ok := nameOf(map[string]any{name: map[string]any{}}, item); ok && found == name {
			return i, true
		}
	}
	return 0, false
}
