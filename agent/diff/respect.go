package diff

import (
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Respect returns desired with what is ignored in it as it is live, as
// RespectIgnoreDifferences=true asks for (SEMANTICS.md 1.5). It adds nothing that
// desired does not state: that stays as it is without being applied, and is
// another's to own.
func (i *Ignore) Respect(desired *manifest.Object, live map[string]any) (*manifest.Object, error) {
	at := i.Places(desired.Key, live, nil)
	stated := i.Places(desired.Key, shown(desired), nil)
	if at == nil && stated == nil {
		return desired, nil
	}
	return desired.Edit(func(body map[string]any) {
		if stated != nil {
			stated.drop(body, live)
		}
		if at != nil {
			at.copy(body, live)
		}
		for name := range desired.Data() {
			if value, ok := ignoredItem(at, live, name); ok {
				put(body, "data", name, value)
			}
		}
	})
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

// ignoredItem returns a Secret's live item, if it is ignored.
func ignoredItem(at *Places, live map[string]any, name string) (any, bool) {
	if at == nil || at.members["data"] == nil {
		return nil, false
	}
	data := at.members["data"]
	if !data.whole && (data.members[name] == nil || !data.members[name].whole) {
		return nil, false
	}
	items, _ := live["data"].(map[string]any)
	value, ok := items[name]
	return value, ok
}

// copy sets what is ignored in live, as far as to states it, to what it is live.
func (p *Places) copy(to, live any) {
	switch live := live.(type) {
	case map[string]any:
		object, ok := to.(map[string]any)
		for name, at := range p.members {
			mine, stated := object[name]
			switch {
			case !ok || !stated || name == "status":
			case at.whole:
				object[name] = live[name]
			default:
				at.copy(mine, live[name])
			}
		}
	case []any:
		list, _ := to.([]any)
		for i, at := range p.items {
			j, ok := same(list, live, i)
			switch {
			case !ok:
			case at.whole:
				list[j] = live[i]
			default:
				at.copy(list[j], live[i])
			}
		}
	}
}

// drop removes from body what is ignored and not there in live. The places are
// those of body.
func (p *Places) drop(body, live any) {
	object, ok := body.(map[string]any)
	if !ok {
		return // an item that is only stated is left
	}
	other, _ := live.(map[string]any)
	for name, place := range p.members {
		child, exists := other[name]
		switch {
		case place.whole && !exists && other != nil:
			delete(object, name)
		case !place.whole && exists:
			place.drop(object[name], child)
		}
	}
}

// same finds the item of list that is item i of live: the one of the same name
// or key, else the one at the same place.
func same(list, live []any, i int) (int, bool) {
	if i >= len(live) {
		return 0, false
	}
	theirs, _ := live[i].(map[string]any)
	for _, key := range []string{"name", "key", "containerPort", "port", "mountPath", "ip", "type"} {
		value, ok := theirs[key]
		if !ok {
			continue
		}
		for j, item := range list {
			if mine, _ := item.(map[string]any); mine[key] == value {
				return j, true
			}
		}
		return 0, false
	}
	return i, i < len(list)
}
