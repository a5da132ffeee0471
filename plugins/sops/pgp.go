package sops

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/pgp"
)

// pgpKey is a key with its subkeys, as gpg --export-secret-keys --armor wrote it.
type pgpKey struct{ entity *openpgp.Entity }

// readPGP reads one armored keyring or several. Of those that a passphrase
// protects it says so, and of those without a secret key.
func readPGP(material []byte) ([]key, error) {
	const begin = "-----BEGIN "
	var read []key
	var unusable []string
	blocks := bytes.Split(material, []byte(begin))
	for _, block := range blocks[1:] {
		ring, err := readRing(append([]byte(begin), block...))
		if err != nil {
			return nil, errors.New("not an armored PGP key: expected what gpg --export-secret-keys --armor prints")
		}
		for _, entity := range ring {
			if why := locked(entity); why != "" {
				unusable = append(unusable, fmt.Sprintf("PGP %s %s", fingerprint(entity), why))
				continue
			}
			read = append(read, pgpKey{entity})
		}
	}
	switch {
	case len(blocks) == 1:
		return nil, errors.New("not an armored PGP key: expected what gpg --export-secret-keys --armor prints")
	case unusable != nil:
		return read, errors.New(strings.Join(unusable, "; "))
	}
	return read, nil
}

func readRing(block []byte) (ring openpgp.EntityList, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("not a key")
		}
	}()
	decoded, err := armor.Decode(bufio.NewReader(bytes.NewReader(block)))
	if err != nil {
		return nil, err
	}
	return openpgp.ReadKeyRing(decoded.Body)
}

// locked says why a key cannot decrypt, "" if a part of it can.
func locked(entity *openpgp.Entity) string {
	secret, free := false, false
	note := func(has, encrypted bool) {
		secret = secret || has
		free = free || has && !encrypted
	}
	if k := entity.PrivateKey; k != nil && !k.Dummy() {
		note(true, k.Encrypted)
	}
	for _, sub := range entity.Subkeys {
		if k := sub.PrivateKey; k != nil && !k.Dummy() {
			note(true, k.Encrypted)
		}
	}
	switch {
	case !secret:
		return "is a public key only: export the secret one, with gpg --export-secret-keys --armor"
	case !free:
		return "is protected by a passphrase, which nobody is there to type: take it off (gpg --edit-key, passwd) and export it again"
	}
	return ""
}

func fingerprint(entity *openpgp.Entity) string {
	return fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)
}

func (k pgpKey) names() []string { return []string{"PGP " + fingerprint(k.entity)} }

func (k pgpKey) open(part keys.MasterKey) (plain []byte, err error) {
	recipient, ok := part.(*pgp.MasterKey)
	if !ok {
		return nil, errOther
	}
	defer func() {
		if recover() != nil {
			plain, err = nil, errors.New("not a message")
		}
	}()
	block, err := armor.Decode(strings.NewReader(recipient.EncryptedKey))
	if err != nil {
		return nil, err
	}
	message, err := openpgp.ReadMessage(block.Body, openpgp.EntityList{k.entity}, nil, nil)
	if errors.Is(err, pgperrors.ErrKeyIncorrect) {
		return nil, errOther
	}
	if err != nil {
		return nil, err
	}
	// Only at the end it is known that nothing was altered.
	return io.ReadAll(io.LimitReader(message.UnverifiedBody, maxDataKey))
}
