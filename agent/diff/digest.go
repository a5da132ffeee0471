package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Manager is the field manager of all our applies (DESIGN.md D6).
const Manager = "tidelock"

// Digest returns a keyed hash of the fields of a live object that we own: those
// of our Apply entry in managedFields, over live values (DRIFT.md rule 1). Two
// equal digests mean that no field we state has changed. It is "" if the object
// has no entry of ours, or one of another apiVersion than the one it was read
// in, which would digest differently (rule 6). Key is random and of this
// process, since Secrets are digested too.
func Digest(key []byte, apiVersion string, object map[string]any) (string, error) {
	ours, others := entries(object, apiVersion)
	if ours == nil {
		return "", nil
	}
	d := digester{sum: sha256.New(), others: others}
	d.sum.Write(key)
	if err := d.walk(ours, object, nil); err != nil {
		return "", fmt.Errorf("read managedFields: %w", err)
	}
	return hex.EncodeToString(d.sum.Sum(nil)[:16]), nil
}

// entries finds our Apply entry, and those of all others that state spec.
func entries(object map[string]any, apiVersion string) (ours map[string]any, others []map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		fields, _ := entry["fieldsV1"].(map[string]any)
		switch {
		case entry["subresource"] != nil && entry["subresource"] != "":
		case entry["manager"] == Manager && entry["operation"] == "Apply":
			if entry["apiVersion"] == apiVersion {
				ours = fields
			}
		default:
			others = append(others, fields)
		}
	}
	return ours, others
}

// A digester walks fieldsV1 and the object side by side. Others holds what
// other managers own; path leads to the current place in it.
type digester struct {
	sum    hash.Hash
	others []map[string]any
}

func (d *digester) token(kind byte, text string) {
	fmt.Fprintf(d.sum, "%c%d:%s", kind, len(text), text)
}

// walk hashes the members of value that fields owns.
func (d *digester) walk(fields map[string]any, value any, path []string) error {
	if err := d.items(fields, value, path); err != nil {
		return err
	}
	object, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		member, ok := strings.CutPrefix(name, "f:")
		if !ok {
			continue
		}
		child, exists := object[member]
		if err := d.member(name, fields[name], child, exists, path); err != nil {
			return err
		}
	}
	return nil
}

// member hashes one owned field or list item: its deep value if it is a leaf,
// else that it is there, and what of it is owned.
func (d *digester) member(name string, sub any, value any, exists bool, path []string) error {
	d.token('m', name)
	if !exists {
		d.token('-', "")
		return nil
	}
	children, _ := sub.(map[string]any)
	path = append(path, name)
	if len(children) == 0 || len(children) == 1 && children["."] != nil {
		d.leaf(value, path)
		return nil
	}
	d.token('+', "")
	return d.walk(children, value, path)
}

// items hashes the owned items of a list in the order in which they live, for
// apply restores the order (rule 1); then those that are gone.
func (d *digester) items(fields map[string]any, value any, path []string) error {
	owned, names, err := itemKeys(fields)
	if err != nil || len(owned) == 0 {
		return err
	}
	list, _ := value.([]any)
	for _, item := range list {
		field, ok := owned[itemKey(item, names)]
		if !ok {
			continue
		}
		delete(owned, itemKey(item, names))
		if err := d.member(field, fields[field], item, true, path); err != nil {
			return err
		}
	}
	for _, field := range slices.Sorted(maps.Values(owned)) {
		d.token('m', field)
		d.token('-', "")
	}
	return nil
}

// itemKeys maps the identity of each owned "k:" and "v:" item to its name in
// fieldsV1, and returns the names of the merge keys; none for a set.
func itemKeys(fields map[string]any) (owned map[string]string, names []string, err error) {
	for name := range fields {
		kind, text, ok := strings.Cut(name, ":")
		if !ok || kind != "k" && kind != "v" {
			continue
		}
		var identity any
		if err := utiljson.Unmarshal([]byte(text), &identity); err != nil {
			return nil, nil, fmt.Errorf("%q: %w", name, err)
		}
		if keys, isMap := identity.(map[string]any); isMap && kind == "k" {
			names = slices.Sorted(maps.Keys(keys))
		}
		if owned == nil {
			owned = map[string]string{}
		}
		owned[itemKey(identity, names)] = name
	}
	return owned, names, nil
}

// itemKey is the identity of a list item: the values of its merge keys, or, of
// a set, itself.
func itemKey(item any, names []string) string {
	var b bytes.Buffer
	if len(names) == 0 {
		canonical(&b, item)
		return b.String()
	}
	object, _ := item.(map[string]any)
	for _, name := range names {
		canonical(&b, object[name])
		b.WriteByte(',')
	}
	return b.String()
}

// leaf hashes a deep value, without what other managers own inside it: we own
// `emptyDir: {}`, somebody else may own its medium.
func (d *digester) leaf(value any, path []string) {
	if object, ok := value.(map[string]any); ok && len(object) > 0 {
		value = d.withoutForeign(object, path)
	}
	var b bytes.Buffer
	canonical(&b, value)
	d.token('l', b.String())
}

func (d *digester) withoutForeign(object map[string]any, path []string) map[string]any {
	for _, other := range d.others {
		foreign := descend(other, path)
		for name := range foreign {
			if member, ok := strings.CutPrefix(name, "f:"); ok && object[member] != nil {
				object = maps.Clone(object)
				delete(object, member)
			}
		}
	}
	return object
}

func descend(fields map[string]any, path []string) map[string]any {
	for _, name := range path {
		fields, _ = fields[name].(map[string]any)
	}
	return fields
}

// canonical writes a value as JSON with sorted keys and one form per number.
func canonical(b *bytes.Buffer, value any) {
	switch v := value.(type) {
	case map[string]any:
		b.WriteByte('{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(strconv.Quote(key))
			b.WriteByte(':')
			canonical(b, v[key])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, item := range v {
			canonical(b, item)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case string:
		b.WriteString(strconv.Quote(v))
	case float64:
		if v == float64(int64(v)) {
			canonical(b, int64(v))
			return
		}
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	default:
		fmt.Fprint(b, v)
	}
}
