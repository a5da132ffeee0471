package file

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/keyservice"

	"github.com/tidelock-io/tidelock/secrets"
)

// Keys open and make data keys.
type Keys = keyservice.KeyServiceClient

// An Opened file is one whose plain text is known.
type Opened struct {
	*File
	tree sops.Tree // decrypted
	// cipher remembers what it has decrypted, so that what is encrypted again
	// unchanged gets the same cipher text.
	cipher aes.Cipher
	key    []byte
}

// Open decrypts the file and checks its authentication code. The error is
// ErrNoKey, ErrDamaged or ErrMalformed.
func (f *File) Open(keys Keys) (*Opened, error) {
	o := &Opened{File: f, cipher: aes.NewCipher()}
	err := guarded(func() (err error) {
		// Decrypting changes the tree, which may be opened again.
		if o.tree, err = f.store.LoadEncryptedFile(f.data); err != nil {
			return ErrMalformed
		}
		return o.decrypt(keys)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return o, nil
}

func (o *Opened) decrypt(keys Keys) error {
	var err error
	if o.key, err = o.tree.Metadata.GetDataKeyWithKeyServices([]Keys{keys}, nil); err != nil {
		return o.noKey(err)
	}
	computed, err := o.tree.Decrypt(o.key, o.cipher)
	if err != nil {
		return ErrDamaged
	}
	m := o.tree.Metadata
	stated, err := o.cipher.Decrypt(m.MessageAuthenticationCode, o.key, m.LastModified.Format(time.RFC3339))
	if err != nil || stated != computed {
		return ErrDamaged
	}
	return nil
}

// noKey says who could open the file. SOPS' own reasons matter where a service
// was asked.
func (o *Opened) noKey(why error) error {
	var names []string
	asked := false
	for _, r := range o.Recipients() {
		names = append(names, r.String())
		asked = asked || r.Kind != "age"
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	err := fmt.Errorf("%w: it is encrypted for %s", ErrNoKey, strings.Join(names, ", "))
	if user := sops.UserError(nil); asked && errors.As(why, &user) {
		err = fmt.Errorf("%w: %s", err, reasons(user.UserError()))
	}
	return err
}

// reasons shortens SOPS' report to the lines that are of a service.
func reasons(report string) string {
	var all []string
	for line := range strings.Lines(report) {
		line = strings.TrimLeft(strings.TrimSpace(line), "-|/ \t")
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	text := strings.Join(all, " ")
	const most = 1000
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// Text returns the plain file, as an editor is shown it.
func (o *Opened) Text() (secrets.Value, error) {
	var plain []byte
	err := guarded(func() (err error) {
		plain, err = o.store.EmitPlainFile(o.tree.Branches)
		return err
	})
	if err != nil {
		return secrets.Value{}, fmt.Errorf("%s: write the plain text: %w", o.Path, ErrMalformed)
	}
	return secrets.New(plain), nil
}
