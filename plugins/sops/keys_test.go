package sops_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/getsops/sops/v3/pgp"
	"golang.org/x/crypto/ssh"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// A pair is a key, and for whom files are encrypted that it opens.
type pair struct {
	key       sdk.Key
	recipient string
	home      string // gpg's
}

// newSSH makes what ssh-keygen makes.
func newSSH(t testing.TB, kind string, passphrase ...byte) pair {
	t.Helper()
	var private crypto.Signer
	var err error
	if kind == "rsa" {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if len(passphrase) > 0 {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", passphrase)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		key:       sdk.Key{Kind: open.Age, Name: "ssh.agekey", Material: pem.EncodeToMemory(block)},
		recipient: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))),
	}
}

// newQuantum makes what age-keygen -pq makes.
func newQuantum(t testing.TB) pair {
	t.Helper()
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return pair{sdk.Key{Kind: open.Age, Name: "pq.agekey", Material: []byte(identity.String())}, identity.Recipient().String(), ""}
}

// newPGP makes a key with gpg where there is one, else with its like in Go.
func newPGP(t testing.TB) pair {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		return newPGPInGo(t, "")
	}
	return newGPG(t, "")
}

// newGPG makes a key with gpg.
func newGPG(t testing.TB, passphrase string) pair {
	t.Helper()
	home, err := os.MkdirTemp("/tmp", "gpg") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	gpg := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase}, args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %s: %v", args, err)
		}
		return string(out)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // it ends by itself when its home is gone
		os.RemoveAll(home)
	})
	gpg("--quick-gen-key", "Shop <shop@example.com>", "default", "default", "never")
	recipient := ""
	for line := range strings.Lines(gpg("--list-keys", "--with-colons")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" && recipient == "" {
			recipient = fields[9]
		}
	}
	return pair{sdk.Key{Kind: open.PGP, Name: "gpg.asc", Material: []byte(gpg("--armor", "--export-secret-keys"))}, recipient, home}
}

// newPGPInGo makes a key, and a home of gpg's old form that sops reads.
func newPGPInGo(t testing.TB, passphrase string) pair {
	t.Helper()
	entity, err := openpgp.NewEntity("Shop", "", "shop@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var public, private bytes.Buffer
	if err := entity.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	out, err := armor.Encode(&private, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := entity.SerializePrivate(out, nil); err != nil {
		t.Fatal(err)
	}
	if passphrase != "" {
		private.Reset()
		if out, err = armor.Encode(&private, openpgp.PrivateKeyType, nil); err != nil {
			t.Fatal(err)
		}
		if err := entity.EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
			t.Fatal(err)
		}
		if err := entity.SerializePrivateWithoutSigning(out, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "pubring.gpg"), public.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return pair{sdk.Key{Kind: open.PGP, Name: "go.asc", Material: private.Bytes()}, strings.ToUpper(hexOf(entity.PrimaryKey.Fingerprint)), home}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// TestKeys opens one file for all keys with each alone, and tells of those that
// cannot be used why.
func TestKeys(t *testing.T) {
	x, recipient := newKey(t, "demo.agekey")
	ed, r, pq, inGo := newSSH(t, "ed25519"), newSSH(t, "rsa"), newQuantum(t), newPGPInGo(t, "")
	s := newTool(t, "GNUPGHOME="+inGo.home)
	data := s.encrypt(t, "a.yaml", "a: "+canary+"\n", map[string]any{
		"age": strings.Join([]string{recipient, ed.recipient, r.recipient, pq.recipient}, ","), "pgp": inGo.recipient,
	})
	h := newHost(t)
	of := func(kind, name string, material []byte) sdk.Key {
		return sdk.Key{Kind: kind, Name: name, Material: material}
	}
	several := bytes.Join([][]byte{[]byte("# other\n" + string(newQuantum(t).key.Material) + "\n"), x.Material}, []byte("\n"))
	for name, key := range map[string]sdk.Key{
		"X25519": x, "ed25519": ed.key, "rsa": r.key, "hybrid": pq.key, "PGP": inGo.key,
		"one of several": of(open.Age, "several", several),
		"a keyring":      of(open.PGP, "ring", bytes.Join([][]byte{newPGPInGo(t, "").key.Material, inGo.key.Material}, []byte("\n"))),
	} {
		t.Run(name, func(t *testing.T) {
			broken := of(open.Age, "broken.agekey", []byte("x"))
			if got, err := decrypt(h, "a.yaml", data, broken, key); err != nil || got != "a: "+canary+"\n" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	public := bytes.ReplaceAll(inGo.key.Material, []byte("PRIVATE"), []byte("PUBLIC"))
	for _, tt := range []struct {
		name string
		key  sdk.Key
		says string
	}{
		{"no age key", of(open.Age, "a.agekey", []byte(canary)), "a.agekey: not an age key: expected lines that begin with AGE-SECRET-KEY-1"},
		{"an age file with a passphrase", of(open.Age, "a.agekey", []byte("-----BEGIN AGE ENCRYPTED FILE-----\n"+canary)), "protected by a passphrase"},
		{"a plugin's", of(open.Age, "a.agekey", []byte("AGE-PLUGIN-YUBIKEY-1"+canary)), "an age plugin"},
		{"an SSH key with a passphrase", newSSH(t, "ed25519", []byte(canary)...).key, "ssh.agekey: an SSH key protected by a passphrase"},
		{"another SSH key", of(open.Age, "a", []byte("-----BEGIN EC PRIVATE KEY-----\n"+canary)), "ed25519 or rsa"},
		{"no PGP key", of(open.PGP, "a.asc", []byte(canary)), "a.asc: not an armored PGP key"},
		{"a PGP key with a passphrase", newPGPInGo(t, canary).key, "is protected by a passphrase, which nobody is there to type: take it off"},
		{"a broken PGP key", of(open.PGP, "a.asc", public[:len(public)/2]), "a.asc: not an armored PGP key"},
		{"an unknown kind", of("pkcs11", "a", []byte(canary)), `a: keys of kind "pkcs11" are not known`},
		{"another age key", newQuantum(t).key, "none of these keys opens it: pq.agekey (age1pq1"},
		{"another PGP key", newPGPInGo(t, "").key, "none of these keys opens it: go.asc (PGP "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decrypt(h, "a.yaml", data, tt.key)
			if !errors.Is(err, sdk.ErrNoKey) {
				t.Fatalf("got %v, want %v", err, sdk.ErrNoKey)
			}
			for _, part := range []string{tt.says, recipient, "PGP " + inGo.recipient, "ssh-ed25519 SHA256:", "age1pq1"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want it to say %q", err, part)
				}
			}
			if text := err.Error(); strings.Contains(text, canary) || strings.Contains(text, "SECRET-KEY-1Q") {
				t.Errorf("the error tells too much: %s", text)
			}
		})
	}
}

// TestGPG opens what gpg encrypted, with a key that gpg exported.
func TestGPG(t *testing.T) {
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("there is no gpg")
	}
	key, locked := newGPG(t, ""), newGPG(t, canary)
	h := newHost(t)
	for _, k := range []pair{key, locked} {
		s := newTool(t, "GNUPGHOME="+k.home)
		data := s.encrypt(t, "a.yaml", "a: b\n", map[string]any{"pgp": k.recipient})
		got, err := decrypt(h, "a.yaml", data, k.key)
		if k.home == key.home && (err != nil || got != "a: b\n") {
			t.Errorf("got %q, %v", got, err)
		}
		if k.home == locked.home && (err == nil || !strings.Contains(err.Error(), "PGP "+k.recipient+" is protected by a passphrase")) {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestExpiredPGP opens what was encrypted before a key expired, as gpg does.
func TestExpiredPGP(t *testing.T) {
	then := &packet.Config{Time: func() time.Time { return time.Unix(1e9, 0) }, KeyLifetimeSecs: 3600}
	entity, err := openpgp.NewEntity("Shop", "", "shop@example.com", then)
	if err != nil {
		t.Fatal(err)
	}
	armored := func(kind string, write func(io.Writer) error) string {
		t.Helper()
		var out bytes.Buffer
		in, err := armor.Encode(&out, kind, nil)
		if err == nil {
			err = errors.Join(write(in), in.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	dataKey := []byte(strings.Repeat("k", 32))
	message := armored("PGP MESSAGE", func(w io.Writer) error {
		plain, err := openpgp.Encrypt(w, []*openpgp.Entity{entity}, nil, nil, then)
		if err != nil {
			return err
		}
		_, err = plain.Write(dataKey)
		return errors.Join(err, plain.Close())
	})
	key := armored(openpgp.PrivateKeyType, func(w io.Writer) error { return entity.SerializePrivateWithoutSigning(w, then) })
	data := encryptFor(t, "a: b\n", dataKey, &pgp.MasterKey{Fingerprint: strings.ToUpper(hexOf(entity.PrimaryKey.Fingerprint)), EncryptedKey: message})
	got, err := decrypt(newHost(t), "a.yaml", data, sdk.Key{Kind: open.PGP, Name: "old.asc", Material: []byte(key)})
	if err != nil || got != "a: b\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
