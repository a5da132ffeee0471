// Package signature proves who signed a commit or an annotated tag, from its raw
// bytes and the keys that a project accepts. It is pure: no store, no clock.
//
// Start with [ReadKeyring], choose the keys that are accepted with
// [Keyring.Accept], and ask [Keys.Verify]. Whatever is not proven is an error,
// which is ErrUnproven: a missing, damaged, expired or foreign signature counts
// the same as none.
//
// Only OpenPGP is understood, for projects can name no other keys.
package signature
