package signature

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Verify proves that an object is signed by one of the keys, and that the
// signature counts at now. Like git, it asks for a key that has not expired and
// was not revoked since. Until is when the signature itself expires, zero if
// never; for its key see Until. Errors: ErrUnproven.
func (keys *Keys) Verify(o *Object, now time.Time) (until time.Time, err error) {
	switch {
	case strings.TrimSpace(o.Signature) == "":
		return until, &refusal{ErrUnsigned, ""}
	case !strings.HasPrefix(o.Signature, pgpBegin):
		return until, &refusal{ErrFormat, ""}
	case len(keys.known) == 0:
		return until, &refusal{ErrNoKeys, ""}
	}
	sig, err := readSignature(o.Signature)
	if err != nil {
		return until, err
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	proven, _, err := openpgp.VerifyDetachedSignature(accepted{keys}, bytes.NewReader(o.Payload), bytes.NewReader(sig.raw), config)
	if err != nil {
		return until, sig.judge(err)
	}
	return expiry(proven.CreationTime, proven.SigLifetimeSecs), nil
}

// expiry is when something ends that lives for so many seconds; none is for ever.
func expiry(made time.Time, seconds *uint32) time.Time {
	if seconds == nil || *seconds == 0 {
		return time.Time{}
	}
	return made.Add(time.Duration(*seconds) * time.Second)
}

// safe are the hashes that a signature may rest on.
var safe = map[crypto.Hash]bool{
	crypto.SHA256: true, crypto.SHA384: true, crypto.SHA512: true,
	crypto.SHA3_256: true, crypto.SHA3_512: true,
}

// A signed is the one signature of a block.
type signed struct {
	raw    []byte
	issuer string // long id of the key, "" if it is not said
}

// readSignature takes the armor off. A block with anything but one signature of
// a document is refused: what is not understood proves nothing.
func readSignature(block string) (*signed, error) {
	invalid := func(detail string) error { return &refusal{ErrInvalid, detail} }
	decoded, err := armor.Decode(strings.NewReader(block))
	if err != nil {
		return nil, invalid("its armor is damaged")
	}
	raw, err := io.ReadAll(io.LimitReader(decoded.Body, maxSignature))
	if err != nil || len(raw) == 0 {
		return nil, invalid("its armor is damaged")
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	first, err := packets.Next()
	if err != nil {
		return nil, invalid("it cannot be read")
	}
	sig, ok := first.(*packet.Signature)
	if !ok || sig.SigType != packet.SigTypeBinary && sig.SigType != packet.SigTypeText {
		return nil, invalid("it is no signature of a document")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, invalid("there is more than one signature")
	}
	if !safe[sig.Hash] {
		return nil, &refusal{ErrWeak, sig.Hash.String()}
	}
	s := &signed{raw: raw}
	if sig.IssuerKeyId != nil {
		s.issuer = longID(*sig.IssuerKeyId)
	}
	return s, nil
}

// judge turns an error of the library into ours. What it does not know stays
// ErrInvalid: nothing is proven.
func (s *signed) judge(err error) error {
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return &refusal{ErrKey, s.issuer}
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired):
		return &refusal{ErrExpired, "key " + s.issuer}
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return &refusal{ErrRevoked, s.issuer}
	}
	return &refusal{ErrInvalid, "it was made over something else, or not by key " + s.issuer}
}

// accepted is a view on the keys that only knows the accepted ones: one subkey
// may be accepted and its siblings not.
type accepted struct{ *Keys }

//nolint:revive // the name is the library's
func (a accepted) KeysById(id uint64) []openpgp.Key {
	if !a.ids[id] {
		return nil
	}
	return a.known.KeysById(id)
}

//nolint:revive // the name is the library's
func (a accepted) KeysByIdUsage(id uint64, usage byte) []openpgp.Key {
	if !a.ids[id] {
		return nil
	}
	return a.known.KeysByIdUsage(id, usage)
}

func (a accepted) DecryptionKeys() []openpgp.Key { return nil }

// Until returns when what was proven before may no longer hold, for a key
// expires; zero if never.
func (keys *Keys) Until(now time.Time) time.Time {
	var first time.Time
	for _, e := range keys.known {
		for _, end := range ends(e) {
			if end.After(now) {
				first = Earlier(first, end)
			}
		}
	}
	return first
}

// Earlier returns the earlier of two times; a zero one is never.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ends are when an entity's keys expire; zero times are never.
func ends(e *openpgp.Entity) []time.Time {
	var list []time.Time
	add := func(key *packet.PublicKey, sig *packet.Signature) {
		if sig != nil {
			list = append(list, expiry(key.CreationTime, sig.KeyLifetimeSecs), expiry(sig.CreationTime, sig.SigLifetimeSecs))
		}
	}
	self, _ := e.PrimarySelfSignature()
	add(e.PrimaryKey, self)
	for _, sub := range e.Subkeys {
		add(sub.PublicKey, sub.Sig)
	}
	return list
}
