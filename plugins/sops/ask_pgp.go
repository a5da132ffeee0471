package sops

import (
	"encoding/json"

	"github.com/getsops/sops/v3/pgp"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// AskPGP has what a file is encrypted for PGP opened by a function: on a machine
// where gpg keeps the keys. It returns an open.Answers key, or false if the file is
// for no PGP key.
func AskPGP(req *sdk.DecryptRequest, decrypt func(message string) ([]byte, error)) (key sdk.Key, any bool, err error) {
	var all answers
	err = guarded(req, func() error {
		f, err := load(req)
		if err != nil {
			return err
		}
		for _, group := range f.tree.Metadata.KeyGroups {
			for _, recipient := range group {
				if recipient, ok := recipient.(*pgp.MasterKey); ok {
					any = true
					if all.askPGP(recipient, decrypt) {
						break
					}
				}
			}
		}
		return nil
	})
	if err != nil || !any {
		return sdk.Key{}, false, err
	}
	material, err := json.Marshal(all)
	return sdk.Key{Kind: open.Answers, Name: "gpg", Material: material}, true, err
}

func (a *answers) askPGP(recipient *pgp.MasterKey, decrypt func(string) ([]byte, error)) (opened bool) {
	part, err := decrypt(recipient.EncryptedKey)
	if err != nil {
		a.Refused = append(a.Refused, refusal{Recipient: nameOf(recipient), Why: "gpg: " + err.Error()})
		return false
	}
	a.Opened = append(a.Opened, answer{string(recipient.EncryptedDataKey()), part})
	return true
}
