package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
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
	return DigestBut(nil, key, apiVersion, object)
}

// DigestBut is Digest without the places that are ignored, if there are any.
func DigestBut(ignored *Places, key []byte, apiVersion string, object map[string]any) (string, error) {
	ours, others := entries(object, apiVersion)
	if ours == nil {
		return "", nil
	}
	if ignored != nil {
		ours = ignored.prune(ours, object)
		object, _ = ignored.cut(object).(map[string]any)
	}
	d := digester{hasher: hasher{sum: sha256.New()}, others: others}
	d.sum.Write(key)
	if err := d.walk(ours, object); err != nil {
		return "", fmt.Errorf("read managedFields: %w", err)
	}
	return hex.EncodeToString(d.finish()[:16]), nil
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

// A digester walks fieldsV1 and the object side by side.
type digester struct {
	hasher
	others []map[string]any // what other managers own
	path   []string         // the current place in them
}

// walk hashes the members of value that fields owns.
func (d *digester) walk(fields map[string]any, value any) error {
	if err := d.items(fields, value); err != nil {
		return err
	}
	object, _ := value.(map[string]any)
	from, to := d.sorted(fields)
	defer d.release(from)
	for i := from; i < to; i++ {
		name := d.names[i]
		member, ok := strings.CutPrefix(name, "f:")
		if !ok {
			continue
		}
		child, exists := object[member]
		if err := d.member(name, fields[name], child, exists); err != nil {
			return err
		}
	}
	return nil
}

// member hashes one owned field or list item: its deep value if it is a leaf,
// else that it is there, and what of it is owned.
func (d *digester) member(name string, sub, value any, exists bool) error {
	d.text('m', name)
	if !exists {
		d.mark('-')
		return nil
	}
	d.path = append(d.path, name)
	defer func() { d.path = d.path[:len(d.path)-1] }()
	children, _ := sub.(map[string]any)
	if len(children) == 0 || len(children) == 1 && children["."] != nil {
		d.leaf(value)
		return nil
	}
	d.mark('+')
	err := d.walk(children, value)
	d.mark('.')
	return err
}

// leaf hashes a deep value, without what other managers own inside it: we own
// `emptyDir: {}`, somebody else may own its medium.
func (d *digester) leaf(value any) {
	if object, ok := value.(map[string]any); ok && len(object) > 0 {
		d.object(object, d.foreign())
		return
	}
	d.value(value)
}

// foreign returns what other managers own inside the current place.
func (d *digester) foreign() (inside []map[string]any) {
	for _, other := range d.others {
		for _, name := range d.path {
			other, _ = other[name].(map[string]any)
		}
		if len(other) > 0 {
			inside = append(inside, other)
		}
	}
	return inside
}
