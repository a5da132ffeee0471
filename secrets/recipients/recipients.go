// Package recipients tells the public halves of decryption keys: what may be
// shown, published, and compared with the recipients that encrypted files name.
//
// Start with [Of], and with [Match], which says whether a key opens a file
// without either of them being opened.
package recipients

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"golang.org/x/crypto/ssh"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Kinds of recipients, as SOPS names them in its files.
const (
	Age    = "age"
	PGP    = "pgp"
	AWS    = "kms"
	Google = "gcp_kms"
	Azure  = "azure_kv"
	Vault  = "hc_vault"
)

// maxPerKey bounds the public names of one key Secret's entry.
const maxPerKey = 1000

// A Recipient is the public half of a key, and who holds the other. An empty ID
// stands for credentials: which keys they open, only their service knows.
type Recipient struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
	// Project is the only one whose Applications may use the key, if any is.
	Project string `json:"project,omitempty"`
	// Key names where the private half is: a Secret and its entry, or a file.
	Key string `json:"key"`
}

// credentials are the kinds of keys that log in to a service.
var credentials = map[string]string{
	"vault-token": Vault, "aws-kms": AWS, "azure-kv": Azure, "gcp-kms": Google,
}

// ErrUnreadable says that a key's public half cannot be told.
var ErrUnreadable = errors.New("it is no key whose public half can be told")

// Of returns the public halves of a key. Errors quote nothing of it.
func Of(key sdk.Key) ([]Recipient, error) {
	if kind := credentials[key.Kind]; kind != "" {
		return []Recipient{{Kind: kind, Key: key.Name}}, nil
	}
	var ids []string
	var err error
	switch key.Kind {
	case "age":
		ids, err = ofAge(key.Material)
	case "pgp":
		ids, err = ofPGP(key.Material)
	default:
		err = fmt.Errorf("kind %q: %w", key.Kind, ErrUnreadable)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key.Name, err)
	}
	all := make([]Recipient, len(ids))
	for i, id := range ids {
		all[i] = Recipient{Kind: key.Kind, ID: id, Key: key.Name}
	}
	return all, nil
}

// ofAge reads the lines of age-keygen, or a key of SSH. Lines that age's plugins
// are for name no recipient, and are passed over.
func ofAge(material []byte) ([]string, error) {
	if bytes.Contains(material, []byte("-----BEGIN")) {
		private, err := ssh.ParsePrivateKey(material)
		if err != nil {
			return nil, ErrUnreadable
		}
		return []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(private.PublicKey())))}, nil
	}
	identities, err := age.ParseIdentities(bytes.NewReader(material))
	if err != nil {
		return nil, ErrUnreadable
	}
	var ids []string
	for _, identity := range identities {
		switch identity := identity.(type) {
		case *age.X25519Identity:
			ids = append(ids, identity.Recipient().String())
		case *age.HybridIdentity:
			ids = append(ids, identity.Recipient().String())
		}
	}
	return ids, nil
}

// ofPGP returns fingerprints: of primary keys and of those below, either of
// which SOPS may name.
func ofPGP(material []byte) ([]string, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(material))
	if err != nil {
		return nil, ErrUnreadable
	}
	var ids []string
	for _, entity := range ring {
		ids = append(ids, fingerprint(entity.PrimaryKey.Fingerprint))
		for _, below := range entity.Subkeys {
			ids = append(ids, fingerprint(below.PublicKey.Fingerprint))
		}
		if len(ids) > maxPerKey {
			return nil, fmt.Errorf("more than %d keys in one", maxPerKey)
		}
	}
	return ids, nil
}

func fingerprint(of []byte) string { return strings.ToUpper(hex.EncodeToString(of)) }

// An Answer says whether keys open what is encrypted for a recipient.
type Answer int

// Answers. Perhaps: there are credentials for its service, which must be asked.
const (
	No Answer = iota
	Perhaps
	Yes
)

// Match says whether one of held opens what is encrypted for a recipient, and
// which one.
func Match(kind, id string, held []Recipient) (Answer, Recipient) {
	answer, by := No, Recipient{}
	for _, r := range held {
		switch {
		case r.Kind != kind:
		case r.ID == "" && answer == No:
			answer, by = Perhaps, r
		case r.ID != "" && same(kind, r.ID, id):
			return Yes, r
		}
	}
	return answer, by
}

func same(kind, a, b string) bool {
	switch kind {
	case Age: // keys of SSH may have a comment
		x, y := strings.Fields(a), strings.Fields(b)
		return slices.Equal(x[:min(2, len(x))], y[:min(2, len(y))])
	case PGP: // gpg takes the last digits for the whole
		a, b = strings.ToUpper(a), strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(b, "!"), "0x"), " ", ""))
		return len(b) >= 16 && strings.HasSuffix(a, b)
	}
	return a == b
}

// Short shortens a public name for tables. That of an SSH key, which begins like
// any other, becomes its fingerprint.
func Short(id string) string {
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(id)); err == nil {
		return ssh.FingerprintSHA256(key)
	}
	const first, last = 12, 6
	if len(id) <= first+last+1 || strings.ContainsAny(id, "/:") {
		return id
	}
	return id[:first] + "…" + id[len(id)-last:]
}
