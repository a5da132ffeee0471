package diff

import (
	"maps"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// Respect returns desired with what is ignored in it as it is live, as
// RespectIgnoreDifferences=true asks for (SEMANTICS.md 1.5). It adds nothing that
// desired does not state: that stays as it is without being applied, and is
// another's to own. What an object is known by as ours stays, too.
func (i *Ignore) Respect(desired *manifest.Object, live map[string]any) (*manifest.Object, error) {
	at := i.Places(desired.Key, live, nil)
	stated := i.Places(desired.Key, shown(desired), nil)
	if at == nil && stated == nil {
		return desired, nil
	}
	claims := anonymous(claimsOf(live))
	respected, err := desired.Edit(func(body map[string]any) {
		if stated != nil {
			stated.drop(body, live, claims)
		}
		if at != nil {
			at.copy(body, live, claims)
		}
		for name := range desired.Data() {
			if value, ok := at.item(live, name); ok {
				put(body, "data", name, value)
			}
		}
		keepMarks(body, desired)
	})
	if err != nil || stated == nil {
		return respected, err
	}
	return stated.dropItems(respected, live)
}

// keepMarks states again what an object is known by as ours.
func keepMarks(body map[string]any, desired *manifest.Object) {
	meta, _ := body["metadata"].(map[string]any)
	if label := desired.Labels[api.LabelApp]; label != "" {
		put(meta, "labels", api.LabelApp, label)
	}
	if id := desired.Annotations[api.AnnotationTrackingID]; id != "" {
		put(meta, "annotations", api.AnnotationTrackingID, id)
	}
}

// shown is the body of an object in which the values of a Secret are empty: the
// places of it depend on names only.
func shown(o *manifest.Object) map[string]any {
	body := o.Body()
	for name := range o.Data() {
		put(body, "data", name, "")
	}
	return body
}

func put(body map[string]any, field, name string, value any) {
	m, _ := body[field].(map[string]any)
	if m == nil {
		m = map[string]any{}
		body[field] = m
	}
	m[name] = value
}

// hides says that an item of a Secret is ignored.
func (p *Places) hides(name string) bool {
	if p == nil || p.members["data"] == nil {
		return false
	}
	data := p.members["data"]
	return data.whole || data.members[name] != nil && data.members[name].whole
}

// item returns a Secret's live item, if it is ignored.
func (p *Places) item(live map[string]any, name string) (any, bool) {
	items, _ := live["data"].(map[string]any)
	value, ok := items[name]
	return value, ok && p.hides(name)
}

// dropItems removes from a Secret the items that are ignored and not there.
func (p *Places) dropItems(o *manifest.Object, live map[string]any) (*manifest.Object, error) {
	items, _ := live["data"].(map[string]any)
	data := maps.Clone(o.Data())
	maps.DeleteFunc(data, func(name string, _ secrets.Value) bool {
		_, exists := items[name]
		return !exists && p.hides(name)
	})
	if len(data) == len(o.Data()) {
		return o, nil
	}
	return o.WithData(data)
}

// copy sets what is ignored in live, as far as to states it, to what it is live.
func (p *Places) copy(to, live any, claims []claim) {
	switch live := live.(type) {
	case map[string]any:
		object, _ := to.(map[string]any)
		for name, at := range p.members {
			mine, stated := object[name]
			theirs, exists := live[name]
			switch {
			case !stated || !exists:
			case at.whole:
				object[name] = theirs
			default:
				at.copy(mine, theirs, under(claims, "f:"+name))
			}
		}
	case []any:
		list, _ := to.([]any)
		same, inside := pairs(live, list, claims)
		for i, at := range p.at(live) {
			j, stated := same[i]
			switch {
			case !stated:
			case at.whole:
				list[j] = live[i]
			default:
				at.copy(list[j], live[i], inside[i])
			}
		}
	}
}

// drop removes from body the members that are ignored and not there in live. The
// places are those of body. Where a parent or an item is not there, nothing can
// be respected.
func (p *Places) drop(body, live any, claims []claim) {
	switch body := body.(type) {
	case map[string]any:
		other, ok := live.(map[string]any)
		for name, at := range p.members {
			theirs, exists := other[name]
			switch {
			case at.whole && ok && !exists:
				delete(body, name)
			case !at.whole && exists:
				at.drop(body[name], theirs, under(claims, "f:"+name))
			}
		}
	case []any:
		list, _ := live.([]any)
		same, inside := pairs(body, list, claims)
		for i, at := range p.at(body) {
			if j, exists := same[i]; exists && !at.whole {
				at.drop(body[i], list[j], inside[i])
			}
		}
	}
}

// pairs finds for each item of a list the index of the same item in another: by
// its merge keys, or by its index in a list that has none. Inside are the claims
// of the items.
func pairs(list, other []any, claims []claim) (same map[int]int, inside map[int][]claim) {
	same, inside = map[int]int{}, map[int][]claim{}
	keys, keyed := keysAt(claims)
	if !keyed {
		for i := range min(len(list), len(other)) {
			same[i], inside[i] = i, claims
		}
		return same, inside
	}
	index := map[string]int{}
	for j, item := range other {
		index[identity(item, keys)] = j
	}
	items := underItems(claims, keys)
	for i, item := range list {
		id := identity(item, keys)
		if j, ok := index[id]; ok {
			same[i], inside[i] = j, items[id]
		}
	}
	return same, inside
}
