package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// maxKeys bounds a keyring. One ConfigMap holds far fewer.
const maxKeys = 10_000

// A Keyring is the keys that are known, of which a project accepts some. The nil
// one knows none.
type Keyring struct {
	entities openpgp.EntityList
	digest   string // of all entries
}

// ReadKeyring reads public keys by the names of their entries, each of which is
// an armored or a binary block. The error names all entries that cannot be read;
// the keyring holds the others.
func ReadKeyring(entries map[string]string) (*Keyring, error) {
	k := &Keyring{}
	var errs []error
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		fmt.Fprintf(sum, "%q %q\n", name, entries[name])
		list, err := readKeys(entries[name])
		if err == nil && len(k.entities)+len(list) > maxKeys {
			err = fmt.Errorf("more than %d keys", maxKeys)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("key %.40q: %w", name, err))
			continue
		}
		k.entities = append(k.entities, list...)
	}
	k.digest = hex.EncodeToString(sum.Sum(nil))
	return k, errors.Join(errs...)
}

func readKeys(block string) (list openpgp.EntityList, err error) {
	read := openpgp.ReadKeyRing
	if strings.Contains(block, "-----BEGIN PGP") {
		read = openpgp.ReadArmoredKeyRing
	}
	list, err = read(bytes.NewReader([]byte(block)))
	if err == nil && len(list) == 0 {
		err = errors.New("no key in it")
	}
	return list, err
}

// Keys are those that are accepted, and how they were named.
type Keys struct {
	named []string
	known openpgp.EntityList
	ids   map[uint64]bool // of the primary keys and subkeys that may sign
	from  string          // digest of the keyring
}

// Fingerprint is equal for equal keys, named alike: what one proves, the other
// proves.
func (keys *Keys) Fingerprint() string { return fmt.Sprintf("%s %q", keys.from, keys.named) }

// Accept chooses keys by their long ids (16 hex digits) or fingerprints (40 or
// 64), of primary keys or of subkeys. An accepted primary key brings its subkeys
// along, as in Argo CD. A name of another form names nothing.
func (k *Keyring) Accept(names []string) *Keys {
	keys := &Keys{named: names, ids: map[uint64]bool{}}
	if k == nil {
		return keys
	}
	keys.from = k.digest
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[normal(name)] = true // "" is no key's name
	}
	for _, e := range k.entities {
		if keys.choose(e, wanted) {
			keys.known = append(keys.known, e)
		}
	}
	return keys
}

func (keys *Keys) choose(e *openpgp.Entity, wanted map[string]bool) bool {
	whole := wanted[longID(e.PrimaryKey.KeyId)] || wanted[fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)]
	if whole {
		keys.ids[e.PrimaryKey.KeyId] = true
	}
	chosen := whole
	for _, sub := range e.Subkeys {
		if whole || wanted[longID(sub.PublicKey.KeyId)] || wanted[fmt.Sprintf("%X", sub.PublicKey.Fingerprint)] {
			keys.ids[sub.PublicKey.KeyId] = true
			chosen = true
		}
	}
	return chosen
}

// normal is one spelling of a name. Short ids (8 digits) are none: anybody can
// make a key with a given one.
func normal(name string) string {
	name = strings.ToUpper(strings.ReplaceAll(name, " ", ""))
	name = strings.TrimPrefix(name, "0X")
	if len(name) != 16 && len(name) != 40 && len(name) != 64 {
		return ""
	}
	return name
}

func longID(id uint64) string { return fmt.Sprintf("%016X", id) }

// maxShown is how many keys a message names.
const maxShown = 20

// String names the keys that are accepted, and which of them are not known.
func (keys *Keys) String() string {
	if len(keys.named) == 0 {
		return "none"
	}
	var list []string
	for _, name := range keys.named[:min(maxShown, len(keys.named))] {
		text := fmt.Sprintf("%.64s", name)
		switch {
		case normal(name) == "":
			text = fmt.Sprintf("%.64q (not a key id of 16 digits or a fingerprint)", name)
		case !keys.knows(normal(name)):
			text += " (not known)"
		}
		list = append(list, text)
	}
	if more := len(keys.named) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}

func (keys *Keys) knows(name string) bool {
	for _, e := range keys.known {
		if (&Keys{ids: map[uint64]bool{}}).choose(e, map[string]bool{name: true}) {
			return true
		}
	}
	return false
}
