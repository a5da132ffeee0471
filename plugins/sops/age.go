package sops

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/keys"
	"golang.org/x/crypto/ssh"
)

// ageKey is what age-keygen or ssh-keygen wrote.
type ageKey struct {
	identity age.Identity
	name     string
}

// readAge reads a file of keys. The libraries' errors may quote a line of it.
func readAge(material []byte) ([]key, error) {
	switch {
	case bytes.Contains(material, []byte("-----BEGIN AGE ENCRYPTED FILE")), bytes.HasPrefix(material, []byte("age-encryption.org/")):
		return nil, errors.New("protected by a passphrase, which nobody is there to type: store it without one")
	case bytes.Contains(material, []byte("-----BEGIN")):
		return readSSH(material)
	case bytes.Contains(material, []byte("AGE-PLUGIN-")):
		return nil, errors.New("a key of an age plugin, which is a program of its own, and not supported")
	}
	identities, err := age.ParseIdentities(strings.NewReader(string(material)))
	if err != nil {
		return nil, errors.New("not an age key: expected lines that begin with AGE-SECRET-KEY-1, or with AGE-SECRET-KEY-PQ-1")
	}
	var read []key
	for _, identity := range identities {
		switch identity := identity.(type) {
		case *age.X25519Identity:
			read = append(read, ageKey{identity, identity.Recipient().String()})
		case *age.HybridIdentity:
			read = append(read, ageKey{identity, short(identity.Recipient().String())})
		}
	}
	return read, nil
}

func readSSH(material []byte) ([]key, error) {
	identity, err := agessh.ParseIdentity(material)
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return nil, errors.New("an SSH key protected by a passphrase, which nobody is there to type: store it without one")
	}
	if err != nil {
		return nil, errors.New("not an SSH key that age can use: it has to be of type ed25519 or rsa")
	}
	signer, err := ssh.ParsePrivateKey(material)
	if err != nil {
		return nil, errors.New("not an SSH key")
	}
	return []key{ageKey{identity, sshName(signer.PublicKey())}}, nil
}

func (k ageKey) names() []string { return []string{k.name} }

func (k ageKey) open(part keys.MasterKey) ([]byte, error) {
	recipient, ok := part.(*sopsage.MasterKey)
	if !ok {
		return nil, errOther
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(recipient.EncryptedKey)), k.identity)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, errOther
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, maxDataKey))
}
