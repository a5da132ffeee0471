package secrets

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
)

// markKey keys the marks of this process. Marks of two processes differ, so
// nothing can be learnt from a mark that was written down.
var markKey = func() (key [32]byte) {
	rand.Read(key[:]) // never fails: crypto/rand
	return key
}()

// A Value is the plain text of one item of a Secret. It does not print: every
// way of formatting shows its mark. The zero Value is the empty text.
type Value struct {
	// A closure, for fmt calls no method on what lies in an unexported field of
	// another struct, and prints slices behind pointers too.
	plain func() []byte
}

// New returns a Value that owns plain. The caller must not change plain later.
func New(plain []byte) Value { return Value{func() []byte { return plain }} }

// Reveal returns the plain text. Only agent/apply, and what resolves a template
// over secrets, may call it; a test holds the list of callers.
func (v Value) Reveal() []byte {
	if v.plain == nil {
		return nil
	}
	return v.plain()
}

// Mark returns a short keyed hash. Equal values have equal marks, within one
// process; nothing else follows from a mark.
func (v Value) Mark() string {
	mac := hmac.New(sha256.New, markKey[:])
	mac.Write(v.Reveal())
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// MAC returns a hash of the value under a key that outlives the process. Equal
// values of one use have equal ones; those of another use tell nothing of them.
func (v Value) MAC(key []byte, use string) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d:%s:", len(use), use)
	mac.Write(v.Reveal())
	return mac.Sum(nil)
}

// Len returns how many bytes the value has.
func (v Value) Len() int { return len(v.Reveal()) }

// IsObject says whether the value is a JSON object, as what logs in to registries
// must be.
func (v Value) IsObject() bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(v.Reveal(), &fields) == nil
}

// Equal compares in constant time.
func (v Value) Equal(w Value) bool { return subtle.ConstantTimeCompare(v.Reveal(), w.Reveal()) == 1 }

func (v Value) hidden() string { return "(hidden " + v.Mark() + ")" }

// String, and the methods below, hide the value.
func (v Value) String() string               { return v.hidden() }
func (v Value) GoString() string             { return v.hidden() }
func (v Value) Format(s fmt.State, _ rune)   { fmt.Fprint(s, v.hidden()) }
func (v Value) MarshalText() ([]byte, error) { return []byte(v.hidden()), nil }
func (v Value) LogValue() slog.Value         { return slog.StringValue(v.hidden()) }
