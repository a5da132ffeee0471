package leak

import (
	"bytes"
	"encoding/base64"
	"hash/maphash"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// MinLength is the length in bytes from which a value is looked for. Shorter ones
// are part of too many words.
const MinLength = 8

// A Secret knows a value again, and holds nothing that it could be read from:
// keyed hashes, whose key is this process' own. It may be kept and shared.
type Secret struct {
	// Where names the file or object that holds the value: "web/db.yaml".
	Where string
	// Path are the keys that lead to it there, list items as "[0]"; none if the
	// value is the whole file.
	Path []string

	needles []needle
}

// A needle is one form of a value, as hashes of its first bytes and of all.
type needle struct {
	slot      uint64 // of the first bytes, see [slotOf]
	head, sum uint64
	length    int
	form      form
}

// seed keys the hashes of this process.
var seed = maphash.MakeSeed()

// New returns how to know a value again, space around it aside: as it is, and if
// it is base64 itself, as what that decodes to, for that is how manifests of
// Secrets write. It returns false if it is too short to be looked for.
func New(where string, keys []string, value secrets.Value) (Secret, bool) {
	s := Secret{Where: where, Path: keys}
	text := bytes.TrimSpace(value.Reveal())
	s.know(text)
	if plain, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		s.know(bytes.TrimSpace(plain))
	}
	return s, len(s.needles) > 0
}

func (s *Secret) know(text []byte) {
	if len(text) < MinLength {
		return
	}
	for _, w := range forms(text) {
		s.needles = append(s.needles, needle{
			slotOf(w.text), maphash.Bytes(seed, w.text[:window]), maphash.Bytes(seed, w.text), len(w.text), w.form,
		})
	}
}

// Key is the path as text: "data.password", "hosts[0]".
func (s Secret) Key() string {
	var b strings.Builder
	for i, step := range s.Path {
		if i > 0 && !isIndex(step) {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// Name is the last key of the path; of a whole file the file's name.
func (s Secret) Name() string {
	for _, step := range slices.Backward(s.Path) {
		if !isIndex(step) {
			return step
		}
	}
	return path.Base(s.Where)
}

// named says whether a person means it by a name.
func (s Secret) named(name string) bool {
	return name == s.Name() || name == s.Key() || name == s.Where
}

// String says what the value is of: "data.password of web/db.yaml".
func (s Secret) String() string {
	if len(s.Path) == 0 {
		return s.Where
	}
	return s.Key() + " of " + s.Where
}

// Size is about how many bytes it takes.
func (s Secret) Size() int { return 64 + len(s.Where) + 16*len(s.Path) + 56*len(s.needles) }

func isIndex(step string) bool { return strings.HasPrefix(step, "[") && strings.HasSuffix(step, "]") }
