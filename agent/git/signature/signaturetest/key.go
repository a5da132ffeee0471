// Package signaturetest makes keys, and lets the real git sign with them without
// a GnuPG on the machine: the test binary takes its place.
//
// Call [Main] first in TestMain, and give git the configuration of [Key.Config].
package signaturetest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// signingKey names the file of the key that the process is to sign with.
const signingKey = "TIDELOCK_TEST_SIGNING_KEY"

// A Key signs. Its entity may be changed, as by RevokeKey.
type Key struct {
	Entity *openpgp.Entity
	config *packet.Config
}

// Made is when keys are made if nothing else is said.
var Made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes a key of Ed25519, that lives for a time; 0 is for ever.
func New(name string, made time.Time, lifetime time.Duration) (*Key, error) {
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: uint32(lifetime / time.Second), //nolint:gosec // some days
		Time: func() time.Time { return made },
	}
	entity, err := openpgp.NewEntity(name, "", name+"@example.com", config)
	return &Key{entity, config}, err
}

// ID is the key's long id.
func (k *Key) ID() string { return fmt.Sprintf("%016X", k.Entity.PrimaryKey.KeyId) }

// Public is the public key in armor.
func (k *Key) Public() (string, error) { return armored(openpgp.PublicKeyType, k.Entity.Serialize) }

func armored(kind string, write func(io.Writer) error) (string, error) {
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		return "", err
	}
	if err := write(w); err != nil {
		return "", err
	}
	err = w.Close()
	return b.String() + "\n", err
}

// Sign returns an armored signature, made at a time.
func (k *Key) Sign(text []byte, at time.Time) (string, error) {
	config := *k.config
	config.Time = func() time.Time { return at }
	var b bytes.Buffer
	err := openpgp.ArmoredDetachSign(&b, k.Entity, bytes.NewReader(text), &config)
	return b.String() + "\n", err
}

// Config is the configuration with which git signs with the key: git commit -S,
// git tag -s. Its files are in dir.
func (k *Key) Config(dir string) (map[string]string, error) {
	private, err := armored(openpgp.PrivateKeyType, func(w io.Writer) error { return k.Entity.SerializePrivate(w, k.config) })
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, program := filepath.Join(dir, k.ID()+".key"), filepath.Join(dir, k.ID()+".sh")
	script := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s' \"$@\"\n", signingKey, file, self)
	if err := os.WriteFile(file, []byte(private), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		return nil, err
	}
	return map[string]string{"gpg.program": program, "user.signingKey": k.ID()}, nil
}

// Main is gpg, as git calls it to sign, if the process was started so. It does
// not return then.
func Main() {
	file := os.Getenv(signingKey)
	if file == "" || !strings.Contains(strings.Join(os.Args[1:], " "), "-bsau") {
		return
	}
	if err := signStdin(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func signStdin(file string) error {
	private, err := os.Open(file)
	if err != nil {
		return err
	}
	defer private.Close()
	list, err := openpgp.ReadArmoredKeyRing(private)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	k := &Key{list[0], &packet.Config{}}
	signature, err := k.Sign(text, time.Now())
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString(signature); err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stderr, "\n[GNUPG:] SIG_CREATED D")
	return err
}
