package signature

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/tidelock-io/tidelock/agent/git/signature/signaturetest"
)

var made = signaturetest.Made

const (
	day  = 24 * time.Hour
	tree = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
	who  = "author A <a@example.com> 1767225600 +0000\ncommitter A <a@example.com> 1767225600 +0000\n"
)

func newKey(t testing.TB, name string, lifetime time.Duration) *signaturetest.Key {
	t.Helper()
	k, err := signaturetest.New(name, made, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, k *signaturetest.Key, text string, at time.Time) string {
	t.Helper()
	s, err := k.Sign([]byte(text), at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// commit is a raw commit with a signature in its header.
func commit(signature, message string) string {
	if signature != "" {
		signature = "gpgsig " + strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n ") + "\n"
	}
	return tree + who + signature + "\n" + message
}

func ring(t testing.TB, keys ...*signaturetest.Key) *Keyring {
	t.Helper()
	entries := map[string]string{}
	for _, k := range keys {
		block, err := k.Public()
		if err != nil {
			t.Fatal(err)
		}
		entries[k.ID()] = block
	}
	r, err := ReadKeyring(entries)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The verification matrix: whatever is not a good signature of an accepted key
// that is good today is refused (SECURITY.md C21).
func TestVerifyCommit(t *testing.T) {
	alice, bob, brief, gone := newKey(t, "alice", 0), newKey(t, "bob", 0), newKey(t, "brief", 10*day), newKey(t, "gone", 0)
	good := sign(t, alice, commit("", "change\n"), made.Add(day))
	byGone := sign(t, gone, commit("", "change\n"), made.Add(day))
	if err := gone.Entity.RevokeKey(packet.KeyRetired, "", &packet.Config{Time: func() time.Time { return made.Add(2 * day) }}); err != nil {
		t.Fatal(err)
	}
	all := ring(t, alice, brief, gone)
	accept := func(keys ...*signaturetest.Key) *Keys {
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.ID())
		}
		return all.Accept(ids)
	}
	for _, tt := range []struct {
		name string
		raw  string
		keys *Keys
		at   time.Time
		want error
	}{
		{"good", commit(good, "change\n"), accept(alice), made.Add(2 * day), nil},
		{"one of several keys", commit(good, "change\n"), accept(gone, brief, alice), made.Add(2 * day), nil},
		{"missing", commit("", "change\n"), accept(alice), made, ErrUnsigned},
		{"empty", commit("\n", "change\n"), accept(alice), made, ErrUnsigned},
		{"blank", commit(" \n", "change\n"), accept(alice), made, ErrUnsigned},
		{"another message", commit(good, "changed\n"), accept(alice), made.Add(2 * day), ErrInvalid},
		{"another tree", strings.Replace(commit(good, "change\n"), "4b825", "4b826", 1), accept(alice), made.Add(2 * day), ErrInvalid},
		{"a parent added", strings.Replace(commit(good, "change\n"), "author", "parent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor", 1), accept(alice), made.Add(2 * day), ErrInvalid},
		{"a header added", strings.Replace(commit(good, "change\n"), "\n\nchange", "\nencoding x\n\nchange", 1), accept(alice), made.Add(2 * day), ErrInvalid},
		{"another's signature", commit(sign(t, bob, commit("", "change\n"), made.Add(day)), "change\n"), accept(alice), made.Add(2 * day), ErrKey},
		{"a known key that is not accepted", commit(good, "change\n"), accept(brief), made.Add(2 * day), ErrKey},
		{"an accepted key that is not known", commit(good, "change\n"), all.Accept([]string{bob.ID()}), made.Add(2 * day), ErrNoKeys},
		{"no key accepted", commit(good, "change\n"), all.Accept(nil), made.Add(2 * day), ErrNoKeys},
		{"a short id accepts nothing", commit(good, "change\n"), all.Accept([]string{alice.ID()[8:]}), made.Add(2 * day), ErrNoKeys},
		{"an empty id accepts nothing", commit(good, "change\n"), all.Accept([]string{""}), made.Add(2 * day), ErrNoKeys},
		{"no keyring", commit(good, "change\n"), (*Keyring)(nil).Accept([]string{alice.ID()}), made.Add(2 * day), ErrNoKeys},
		{"the key has expired since", commit(sign(t, brief, commit("", "change\n"), made.Add(day)), "change\n"), accept(brief), made.Add(11 * day), ErrExpired},
		{"the key expires later", commit(sign(t, brief, commit("", "change\n"), made.Add(day)), "change\n"), accept(brief), made.Add(9 * day), nil},
		{"the key was revoked since", commit(byGone, "change\n"), accept(gone), made.Add(3 * day), ErrRevoked},
		{"of SSH", commit("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n", "change\n"), accept(alice), made, ErrFormat},
		{"of X.509", commit("-----BEGIN SIGNED MESSAGE-----\nMII=\n-----END SIGNED MESSAGE-----\n", "change\n"), accept(alice), made, ErrFormat},
		{"text before the armor", commit("x\n"+good, "change\n"), accept(alice), made.Add(2 * day), ErrFormat},
		{"armor cut short", commit(good[:len(good)/2], "change\n"), accept(alice), made.Add(2 * day), ErrInvalid},
		{"an empty armor", commit("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", "change\n"), accept(alice), made, ErrInvalid},
		{"a key for a signature", commit(strings.ReplaceAll(public(t, alice), "PUBLIC KEY BLOCK", "SIGNATURE"), "change\n"), accept(alice), made, ErrInvalid},
		{"two signatures in one", commit(twice(t, good), "change\n"), accept(alice), made.Add(2 * day), ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := ParseCommit([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			_, err = tt.keys.Verify(o, tt.at)
			if !errors.Is(err, tt.want) || errors.Is(err, ErrUnproven) != (tt.want != nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func public(t testing.TB, k *signaturetest.Key) string {
	t.Helper()
	block, err := k.Public()
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// twice has the packet of a signature two times in one armor.
func twice(t testing.TB, good string) string {
	t.Helper()
	s, err := readSignature(good)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(append(bytes.Clone(s.raw), s.raw...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// read returns a file that real GnuPG and real git made.
func read(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// realKeys are those that the files in testdata are signed with.
func realKeys(t testing.TB) *Keys {
	t.Helper()
	known, err := ReadKeyring(map[string]string{"gnupg": read(t, "gnupg.asc")})
	if err != nil {
		t.Fatal(err)
	}
	return known.Accept(strings.Fields(read(t, "ids")))
}

var today = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func TestVerifyOfGnuPG(t *testing.T) {
	for _, tt := range []struct {
		file  string
		parse func([]byte) (*Object, error)
		want  error
	}{
		{"commit", ParseCommit, nil},
		{"commit-rsa", ParseCommit, nil},
		{"commit-subkey", ParseCommit, nil}, // the id of the primary key is accepted
		{"tag", ParseTag, nil},
		{"commit-sha1", ParseCommit, ErrWeak},
	} {
		o, err := tt.parse([]byte(read(t, tt.file)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := realKeys(t).Verify(o, today); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.file, err, tt.want)
		}
		o.Payload[len(o.Payload)-2] ^= 1
		if _, err := realKeys(t).Verify(o, today); !errors.Is(err, ErrUnproven) {
			t.Errorf("%s, changed: got %v", tt.file, err)
		}
	}
}

// A subkey may be accepted alone; its siblings are not, then.
func TestAccept(t *testing.T) {
	known, err := ReadKeyring(map[string]string{"gnupg": read(t, "gnupg.asc")})
	if err != nil {
		t.Fatal(err)
	}
	var primary, sub string
	for _, e := range known.entities {
		if len(e.Subkeys) > 0 {
			primary, sub = fmt.Sprintf("%X", e.PrimaryKey.Fingerprint), longID(e.Subkeys[0].PublicKey.KeyId)
		}
	}
	for _, tt := range []struct{ name, shown string }{
		{primary, primary},
		{"0x" + strings.ToLower(primary), "0x" + strings.ToLower(primary)},
		{sub, sub},
		{sub[8:], strconv.Quote(sub[8:]) + " (not a key id of 16 digits or a fingerprint)"},
		{"0123456789ABCDEF", "0123456789ABCDEF (not known)"},
		{"\x1b[31m", `"\x1b[31m" (not a key id of 16 digits or a fingerprint)`},
	} {
		keys := known.Accept([]string{tt.name})
		if got := keys.String(); got != tt.shown {
			t.Errorf("got %s, want %s", got, tt.shown)
		}
		o, err := ParseCommit([]byte(read(t, "commit-subkey")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Verify(o, today); (err == nil) != (tt.name == tt.shown && !strings.Contains(tt.shown, "0123")) {
			t.Errorf("%s: %v", tt.shown, err)
		}
	}
	if got := known.Accept(nil).String(); got != "none" {
		t.Errorf("got %s", got)
	}
}

// A block that cannot be read is named and left out; the others serve.
func TestReadKeyring(t *testing.T) {
	alice := newKey(t, "alice", 0)
	known, err := ReadKeyring(map[string]string{"good": public(t, alice), "bad": "-----BEGIN PGP PUBLIC KEY BLOCK-----", "empty": ""})
	if err == nil || !strings.Contains(err.Error(), `key "bad"`) || !strings.Contains(err.Error(), `key "empty"`) || strings.Contains(err.Error(), "good") {
		t.Errorf("got %v", err)
	}
	if got := known.Accept([]string{alice.ID()}).String(); got != alice.ID() {
		t.Errorf("got %s", got)
	}
}

// What was proven holds until the first of the keys expires.
func TestUntil(t *testing.T) {
	forever, brief, briefer := newKey(t, "a", 0), newKey(t, "b", 10*day), newKey(t, "c", 5*day)
	known := ring(t, forever, brief, briefer)
	for _, tt := range []struct {
		keys []string
		now  time.Time
		want time.Time
	}{
		{[]string{forever.ID()}, made, time.Time{}},
		{[]string{forever.ID(), brief.ID(), briefer.ID()}, made, made.Add(5 * day)},
		{[]string{forever.ID(), brief.ID(), briefer.ID()}, made.Add(6 * day), made.Add(10 * day)},
		{[]string{brief.ID()}, made.Add(20 * day), time.Time{}},
	} {
		if got := known.Accept(tt.keys).Until(tt.now); !got.Equal(tt.want) {
			t.Errorf("%v at %s: got %s, want %s", tt.keys, tt.now, got, tt.want)
		}
	}
}
