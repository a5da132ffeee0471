package file

import (
	"errors"
	"fmt"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/cmd/sops/common"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// A Change is what differs between a file's recipients and those of its rule.
type Change struct {
	Added     []Recipient `json:"added,omitempty"`
	Removed   []Recipient `json:"removed,omitempty"`
	Threshold *[2]int     `json:"threshold,omitempty"` // before and after
}

// None says that nothing differs.
func (c Change) None() bool { return len(c.Added)+len(c.Removed) == 0 && c.Threshold == nil }

// Against compares the file's recipients with those of a rule, as `sops
// updatekeys` does: group by group.
func (f *File) Against(rule *Rule) Change {
	var c Change
	for i, diff := range common.DiffKeyGroups(f.tree.Metadata.KeyGroups, rule.groups) {
		several := len(f.tree.Metadata.KeyGroups) > 1 || len(rule.groups) > 1
		named := func(keys sops.KeyGroup) []Recipient {
			all := recipients([]sops.KeyGroup{keys})
			for j := range all {
				if several {
					all[j].Group = i + 1
				}
			}
			return all
		}
		c.Added = append(c.Added, named(diff.Added)...)
		c.Removed = append(c.Removed, named(diff.Removed)...)
	}
	if now := f.threshold(rule); now != f.tree.Metadata.ShamirThreshold {
		c.Threshold = &[2]int{f.tree.Metadata.ShamirThreshold, now}
	}
	return c
}

// threshold is the file's own, as far as the rule has groups for it.
func (f *File) threshold(rule *Rule) int {
	return min(f.tree.Metadata.ShamirThreshold, len(rule.groups))
}

// Rekey encrypts the file's data key for the recipients of a rule: what `sops
// updatekeys` does, after checking the authentication code. With rotate the data
// key is a new one, and all values are encrypted anew, so that whoever was a
// recipient cannot read what is written from now on.
func (f *File) Rekey(rule *Rule, keys Keys, rotate bool) ([]byte, error) {
	if len(rule.Recipients()) == 0 {
		return nil, fmt.Errorf("%s: the rule for it names no recipient, so nobody could open it", f.Path)
	}
	o, err := f.Open(keys)
	if err != nil {
		return nil, err
	}
	out, err := o.rekey(rule, keys, rotate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return out, nil
}

func (o *Opened) rekey(rule *Rule, keys Keys, rotate bool) ([]byte, error) {
	threshold := o.threshold(rule)
	if rotate {
		var err error
		m := &o.tree.Metadata
		m.KeyGroups, m.ShamirThreshold = rule.groups, threshold
		if o.key, err = newDataKey(&o.tree, keys); err != nil {
			return nil, err
		}
		return o.emit()
	}
	// The cipher texts stay as they are, so that it is the encrypted tree that is
	// written.
	var out []byte
	err := guarded(func() error {
		tree, err := o.store.LoadEncryptedFile(o.data)
		if err != nil {
			return ErrMalformed
		}
		m := &tree.Metadata
		m.KeyGroups, m.ShamirThreshold = rule.groups, threshold
		if errs := m.UpdateMasterKeysWithKeyServices(o.key, []Keys{keys}); len(errs) > 0 {
			return fmt.Errorf("encrypt its data key: %w", errors.Join(errs...))
		}
		out, err = o.store.EmitEncryptedFile(tree)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, o.verify(out)
}

// OtherPart says whether a rule would encrypt another part of the file than is
// encrypted. A rule that says nothing of it does not.
func (f *File) OtherPart(rule *Rule) bool {
	return rule.Part != (Part{}) && rule.Part != f.Part()
}

// errCounted ends a count early.
var errCounted = errors.New("counted")

// A counter is a cipher that only notes that it was asked to encrypt.
type counter struct{ sops.Cipher }

func (counter) Encrypt(any, []byte, string) (string, error) { return "", errCounted }

// Covers says whether the rule encrypts anything in a plain text.
func (r *Rule) Covers(path string, text []byte, rules *Rules) bool {
	covers := false
	_ = guarded(func() error { // a text that cannot be read is not covered
		store := storeFor(detect.Format(path), rules)
		branches, err := store.LoadPlainFile(text)
		if err != nil {
			return err
		}
		tree := sops.Tree{Branches: branches}
		r.Part.apply(&tree.Metadata)
		_, err = tree.Encrypt(nil, counter{})
		covers = err != nil
		return nil
	})
	return covers
}
