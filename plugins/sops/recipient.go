package sops

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/azkv"
	"github.com/getsops/sops/v3/gcpkms"
	"github.com/getsops/sops/v3/hcvault"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/kms"
	"github.com/getsops/sops/v3/pgp"
	"golang.org/x/crypto/ssh"

	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// kindOf returns the kind of keys that open what is encrypted for a recipient, ""
// if none that is supported does.
func kindOf(key keys.MasterKey) string {
	switch key.(type) {
	case *age.MasterKey:
		return open.Age
	case *pgp.MasterKey:
		return open.PGP
	case *hcvault.MasterKey:
		return open.VaultToken
	case *kms.MasterKey:
		return open.AWS
	case *azkv.MasterKey:
		return open.Azure
	case *gcpkms.MasterKey:
		return open.GCP
	}
	return ""
}

// nameOf names a recipient: its type, and its fingerprint, ARN or address.
func nameOf(key keys.MasterKey) string {
	switch key := key.(type) {
	case *age.MasterKey:
		return ageName(key.Recipient)
	case *pgp.MasterKey:
		return "PGP " + short(strings.ToUpper(key.Fingerprint))
	case *hcvault.MasterKey:
		return "Vault " + short(key.ToString())
	case *kms.MasterKey:
		return "AWS KMS " + short(key.Arn)
	case *azkv.MasterKey:
		return "Azure Key Vault " + short(key.ToString())
	case *gcpkms.MasterKey:
		return "GCP KMS " + short(key.ResourceID)
	}
	return short(key.TypeToIdentifier()+" "+key.ToString()) + ", which is not supported"
}

// ageName is an age recipient as it is, for its own name says what it is. SSH
// keys have fingerprints, as ssh-keygen prints them.
func ageName(recipient string) string {
	if !strings.HasPrefix(recipient, "ssh-") {
		return short(recipient)
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(recipient)); err == nil {
		return sshName(key)
	}
	return short(recipient)
}

func sshName(key ssh.PublicKey) string {
	sum := sha256.Sum256(key.Marshal())
	return key.Type() + " SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// short bounds a name: a post-quantum recipient has two thousand characters.
func short(name string) string {
	const longest, ends = 200, 16
	if len(name) <= longest {
		return name
	}
	return name[:longest/4] + "..." + name[len(name)-ends:]
}

// recipients says for whom a file is encrypted.
func recipients(m *sops.Metadata) string {
	var groups []string
	for _, group := range m.KeyGroups {
		var names []string
		for _, key := range group {
			names = append(names, nameOf(key))
		}
		groups = append(groups, list(names))
	}
	if len(groups) == 1 {
		return groups[0]
	}
	return fmt.Sprintf("%d of %d groups: (%s)", quorum(m), len(groups), strings.Join(groups, ") ("))
}

// list prints at most a handful of names.
func list(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
