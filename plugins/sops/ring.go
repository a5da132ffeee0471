package sops

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/shamir"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// maxDataKey bounds what a recipient's part may hold: a key of 32 bytes, or a part
// of one.
const maxDataKey = 4 << 10

// errOther says that a key is not the one that a recipient's part is encrypted for.
var errOther = errors.New("another key")

// A key opens data keys that are encrypted for its recipient.
type key interface {
	// open returns errOther if it is not the one.
	open(part keys.MasterKey) ([]byte, error)
	// names are its recipients, as nameOf names them.
	names() []string
}

// A ring holds the keys of one request.
type ring struct {
	keys    []held
	broken  []string // keys that cannot be used, and why
	answers answers
	used    []string // recipients whose parts were opened
}

// held is a key, and where it came from.
type held struct {
	key
	name string
}

// newRing reads keys. One that cannot be used does no harm to files that others
// open.
func newRing(given []sdk.Key) (*ring, error) {
	r := &ring{}
	for _, k := range given {
		var read []key
		var err error
		switch k.Kind {
		case open.Age:
			read, err = readAge(k.Material)
		case open.PGP:
			read, err = readPGP(k.Material)
		case open.Answers:
			err = r.answers.add(k.Material)
			if err != nil {
				return nil, err
			}
		default:
			err = fmt.Errorf("keys of kind %q are not known", k.Kind)
		}
		if err != nil {
			r.broken = append(r.broken, k.Name+": "+err.Error())
		}
		for _, one := range read {
			r.keys = append(r.keys, held{one, k.Name})
		}
	}
	return r, nil
}

// dataKey recovers the key of a file's values.
func (r *ring) dataKey(m *sops.Metadata) ([]byte, error) {
	var parts [][]byte
	var damaged error
	opened := make([]bool, len(m.KeyGroups))
	for i, group := range m.KeyGroups {
		part, err := r.part(group)
		if part != nil {
			parts, opened[i] = append(parts, part), true
		}
		damaged = cmp.Or(damaged, err)
	}
	switch missing := len(parts) < quorum(m); {
	case missing && damaged != nil:
		return nil, damaged
	case missing:
		return nil, r.verdict(m, opened)
	}
	if len(m.KeyGroups) == 1 {
		return parts[0], nil
	}
	whole, err := shamir.Combine(parts)
	if err != nil {
		return nil, fmt.Errorf("%w: the parts of its data key (sops.key_groups) do not fit together", ErrDamaged)
	}
	return whole, nil
}

// quorum is how many groups have to be opened.
func quorum(m *sops.Metadata) int {
	switch {
	case len(m.KeyGroups) == 1:
		return 1
	case m.ShamirThreshold == 0:
		return len(m.KeyGroups)
	}
	return max(m.ShamirThreshold, 2)
}

// part opens a group's part of the data key, nil if no key does.
func (r *ring) part(group sops.KeyGroup) ([]byte, error) {
	var damaged error
	for _, recipient := range group {
		if part := r.answers.opened(recipient); part != nil {
			r.used = append(r.used, nameOf(recipient))
			return part, nil
		}
		for _, key := range r.keys {
			part, err := key.open(recipient)
			if err == nil && len(part) > 0 {
				r.used = append(r.used, nameOf(recipient))
				return part, nil
			}
			if !errors.Is(err, errOther) {
				damaged = fmt.Errorf("%w: its data key for %s (sops.%s)", ErrDamaged, nameOf(recipient), recipient.TypeToIdentifier())
			}
		}
	}
	return nil, damaged
}
