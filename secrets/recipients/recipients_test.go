package recipients_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"golang.org/x/crypto/ssh"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/recipients"
)

// keys of each kind, and the public halves of each.
func keys(t *testing.T) map[string]struct {
	key  sdk.Key
	want []string
} {
	t.Helper()
	plain, err := age.GenerateX25519Identity()
	check(t, err)
	hybrid, err := age.GenerateHybridIdentity()
	check(t, err)
	public, private, err := ed25519.GenerateKey(nil)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(private, "me@here")
	check(t, err)
	sshPublic, err := ssh.NewPublicKey(public)
	check(t, err)
	entity, err := openpgp.NewEntity("me", "", "me@example.com", nil)
	check(t, err)
	var armored bytes.Buffer
	w, err := armor.Encode(&armored, openpgp.PrivateKeyType, nil)
	check(t, err)
	check(t, entity.SerializePrivate(w, nil))
	check(t, w.Close())
	fp := func(of []byte) string { return strings.ToUpper(hex.EncodeToString(of)) }
	return map[string]struct {
		key  sdk.Key
		want []string
	}{
		"age":         {sdk.Key{Kind: "age", Material: []byte("# created\n" + plain.String() + "\n" + hybrid.String() + "\n")}, []string{"age " + plain.Recipient().String(), "age " + hybrid.Recipient().String()}},
		"ssh":         {sdk.Key{Kind: "age", Material: pem.EncodeToMemory(block)}, []string{"age " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshPublic)))}},
		"pgp":         {sdk.Key{Kind: "pgp", Material: armored.Bytes()}, []string{"pgp " + fp(entity.PrimaryKey.Fingerprint), "pgp " + fp(entity.Subkeys[0].PublicKey.Fingerprint)}},
		"vault token": {sdk.Key{Kind: "vault-token", Material: []byte("hvs.hunter2")}, []string{"hc_vault "}},
		"none":        {sdk.Key{Kind: "age", Material: []byte("hunter2")}, nil},
		"no PGP":      {sdk.Key{Kind: "pgp", Material: []byte("hunter2")}, nil},
		"unknown":     {sdk.Key{Kind: "rot13", Material: []byte("hunter2")}, nil},
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOf(t *testing.T) {
	for name, tt := range keys(t) {
		t.Run(name, func(t *testing.T) {
			tt.key.Name = "Secret argocd/keys, key " + name
			all, err := recipients.Of(tt.key)
			var got []string
			for _, r := range all {
				got = append(got, r.Kind+" "+r.ID)
				if r.Key != tt.key.Name {
					t.Errorf("the key is called %q", r.Key)
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if (err != nil) != (tt.want == nil) || err != nil && !errors.Is(err, recipients.ErrUnreadable) {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	held := []recipients.Recipient{
		{Kind: "age", ID: "age1aaa", Key: "a"},
		{Kind: "age", ID: "ssh-ed25519 AAAA", Key: "s"},
		{Kind: "pgp", ID: "0123456789ABCDEF0123456789ABCDEF01234567", Key: "p"},
		{Kind: "hc_vault", Key: "v"},
	}
	for _, tt := range []struct {
		kind, id string
		want     recipients.Answer
		by       string
	}{
		{"age", "age1aaa", recipients.Yes, "a"},
		{"age", "age1aa", recipients.No, ""},
		{"age", "ssh-ed25519 AAAA me@here", recipients.Yes, "s"},
		{"age", "ssh-ed25519 AAAB me@here", recipients.No, ""},
		{"pgp", "0123456789ABCDEF0123456789ABCDEF01234567", recipients.Yes, "p"},
		{"pgp", "0x89abcdef01234567!", recipients.Yes, "p"},
		{"pgp", "01234567", recipients.No, ""}, // 32 bits name anybody's key
		{"hc_vault", "https://vault/v1/transit/keys/a", recipients.Perhaps, "v"},
		{"kms", "arn:aws:kms:eu-west-1:1:key/2", recipients.No, ""},
	} {
		got, by := recipients.Match(tt.kind, tt.id, held)
		if got != tt.want || by.Key != tt.by {
			t.Errorf("%s %s: %v by %q, want %v by %q", tt.kind, tt.id, got, by.Key, tt.want, tt.by)
		}
	}
}
