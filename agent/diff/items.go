package diff

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// A placed is an owned list item: its name in fieldsV1, and the live item.
type placed struct {
	name string
	item any
}

// items hashes the owned items of a list in the order in which they live, for
// apply restores the order (DRIFT.md rule 1); then those that are gone.
func (d *digester) items(fields map[string]any, value any) error {
	count, sample := ownedItems(fields)
	if count == 0 {
		return nil
	}
	list, _ := value.([]any)
	found, err := find(fields, list, count, sample)
	if err != nil {
		return err
	}
	for _, p := range found {
		if err := d.member(p.name, fields[p.name], p.item, true); err != nil {
			return err
		}
	}
	if len(found) < count {
		d.gone(fields, found)
	}
	return nil
}

// gone hashes the names of the owned items that were not found.
func (d *digester) gone(fields map[string]any, found []placed) {
	missing := maps.Clone(fields)
	for _, p := range found {
		delete(missing, p.name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if isItem(name) {
			d.text('m', name)
			d.mark('-')
		}
	}
}

func isItem(name string) bool { return strings.HasPrefix(name, "k:") || strings.HasPrefix(name, "v:") }

// ownedItems counts the "k:" and "v:" items; sample is the last in their order.
func ownedItems(fields map[string]any) (count int, sample string) {
	for name := range fields {
		if isItem(name) {
			count++
			sample = max(sample, name)
		}
	}
	return count, sample
}

// find returns the owned items of a live list, in its order. Usually every one
// is found by the name that the server would give it. If one is missing, or is
// written in another way, all are compared by value.
func find(fields map[string]any, list []any, count int, sample string) ([]placed, error) {
	keys, err := mergeKeys(sample)
	if err != nil {
		return nil, err
	}
	found := make([]placed, 0, count)
	seen := make(map[string]bool, count)
	var buf []byte
	for _, item := range list {
		var plain bool
		if buf, plain = appendName(buf[:0], item, keys); !plain {
			continue
		}
		if fields[string(buf)] != nil && !seen[string(buf)] {
			name := string(buf)
			seen[name] = true
			found = append(found, placed{name, item})
		}
	}
	if len(found) == count {
		return found, nil
	}
	return findByValue(fields, list)
}

// mergeKeys returns the names of the keys in `k:{"name":"web"}`; none of `v:1`.
func mergeKeys(name string) ([]string, error) {
	if !strings.HasPrefix(name, "k:") {
		return nil, nil
	}
	if key, ok := singleKey(name); ok {
		return []string{key}, nil
	}
	identity, err := identityOf(name)
	if err != nil {
		return nil, err
	}
	object, _ := identity.(map[string]any)
	return slices.Sorted(maps.Keys(object)), nil
}

// singleKey reads the most frequent form, `k:{"name":"web"}`, without decoding it.
func singleKey(name string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(name, `k:{"`)
	if !ok || strings.Count(rest, `"`) != 3 || strings.ContainsAny(rest, `\,`) {
		return "", false
	}
	key, value, ok := strings.Cut(rest, `":"`)
	return key, ok && strings.HasSuffix(value, `"}`)
}

// appendName writes the name of a list item as the server does. It is not plain
// if a value has to be escaped, or is no scalar.
func appendName(buf []byte, item any, keys []string) (name []byte, plain bool) {
	if len(keys) == 0 {
		return appendScalar(append(buf, "v:"...), item)
	}
	object, ok := item.(map[string]any)
	if !ok {
		return buf, false
	}
	buf = append(buf, "k:"...)
	separator := byte('{')
	for _, key := range keys {
		value, stated := object[key]
		if !stated {
			continue // an optional key
		}
		buf = append(append(append(buf, separator, '"'), key...), `":`...)
		if buf, plain = appendScalar(buf, value); !plain {
			return buf, false
		}
		separator = ','
	}
	return append(buf, '}'), separator == ','
}

func appendScalar(buf []byte, value any) (out []byte, plain bool) {
	switch v := value.(type) {
	case string:
		for i := range len(v) {
			if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
				return buf, false
			}
		}
		return append(append(append(buf, '"'), v...), '"'), true
	case int64:
		return strconv.AppendInt(buf, v, 10), true
	case bool:
		return strconv.AppendBool(buf, v), true
	}
	return buf, false
}

// findByValue compares the keys of each item, as values.
func findByValue(fields map[string]any, list []any) ([]placed, error) {
	byIdentity, keys, err := identities(fields)
	if err != nil {
		return nil, err
	}
	var found []placed
	for _, item := range list {
		id := identity(item, keys)
		if name, ok := byIdentity[id]; ok {
			delete(byIdentity, id)
			found = append(found, placed{name, item})
		}
	}
	return found, nil
}

// identities maps what each owned item is known by to its name. Keys are the
// merge keys of all; an item need not have every one.
func identities(fields map[string]any) (byIdentity map[string]string, keys []string, err error) {
	decoded := map[string]any{}
	union := map[string]bool{}
	for name := range fields {
		if !isItem(name) {
			continue
		}
		if decoded[name], err = identityOf(name); err != nil {
			return nil, nil, err
		}
		if object, ok := decoded[name].(map[string]any); ok && name[0] == 'k' {
			for key := range object {
				union[key] = true
			}
		}
	}
	keys = slices.Sorted(maps.Keys(union))
	byIdentity = make(map[string]string, len(decoded))
	for _, name := range slices.Sorted(maps.Keys(decoded)) {
		byIdentity[identity(decoded[name], keys)] = name
	}
	return byIdentity, keys, nil
}

func identityOf(name string) (value any, err error) {
	if err := utiljson.Unmarshal([]byte(name[2:]), &value); err != nil {
		return nil, fmt.Errorf("%.80q: %w", name, err)
	}
	return value, nil
}

// identity is what an item is known by: the values of its merge keys, or, of a
// set, itself.
func identity(item any, keys []string) string {
	var h hasher
	if len(keys) == 0 {
		h.value(item)
		return string(h.pending)
	}
	object, _ := item.(map[string]any)
	for _, key := range keys {
		h.value(object[key])
	}
	return string(h.pending)
}
