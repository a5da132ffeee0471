package signature

import "errors"

// ErrUnproven is why an object is refused. All errors of Verify are of it, and
// but for the damaged ones of one of those below.
var ErrUnproven = errors.New("signature not proven")

// Why an object is refused. Test with errors.Is.
var (
	// ErrUnsigned: there is no signature.
	ErrUnsigned = errors.New("it is not signed")
	// ErrFormat: there is a signature of another kind than OpenPGP.
	ErrFormat = errors.New("it is not signed by a GPG key")
	// ErrInvalid: the signature is damaged, or of something else.
	ErrInvalid = errors.New("its signature is invalid")
	// ErrWeak: the signature rests on a hash that can be forged.
	ErrWeak = errors.New("its signature uses a hash that is no longer safe")
	// ErrKey: the key is not accepted, or not known.
	ErrKey = errors.New("it is signed by another key")
	// ErrExpired: the signature or its key has expired.
	ErrExpired = errors.New("its signature or the key has expired")
	// ErrRevoked: the key was revoked.
	ErrRevoked = errors.New("its key was revoked")
	// ErrNoKeys: none of the keys that are accepted is known.
	ErrNoKeys = errors.New("none of the accepted keys is known")
)

// A refusal is why one object is not proven.
type refusal struct {
	reason error
	detail string
}

func (r *refusal) Error() string {
	if r.detail == "" {
		return r.reason.Error()
	}
	return r.reason.Error() + ": " + r.detail
}

func (r *refusal) Unwrap() []error { return []error{ErrUnproven, r.reason} }
