// Package sops is the built-in decrypter of SOPS files: YAML, JSON, dotenv, INI
// and binary, encrypted for age, PGP, Vault and the clouds' key services.
//
// It is two plugins. [Plugin] decrypts, with the keys that it is given and nothing
// of its surroundings: neither files nor environment nor network. [Services] asks
// key services for the data keys of a file, and never sees anything plain. Package
// open, for callers, uses the one and then, if need be, the other; package detect
// tells what is encrypted.
//
// No error quotes what a file holds, nor SOPS' own errors, some of which print
// unkeyed hashes of plain text.
package sops

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// Errors of files, for errors.Is. A key that is missing is sdk.ErrNoKey.
var (
	ErrNotEncrypted = errors.New("it is not encrypted with SOPS")
	ErrDamaged      = errors.New("it was changed after it was encrypted, or is damaged")
	ErrMalformed    = errors.New("malformed")
	ErrDuplicate    = errors.New("duplicate key")
)

// Plugin returns the plugin that decrypts, to be served.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: open.Local, Version: version, Decrypter: Decrypter{}}
}

// Decrypter decrypts files of SOPS.
type Decrypter struct{}

// silence turns off SOPS' log, which prints comments of files.
var silence = sync.OnceFunc(func() { logging.SetLevel(logrus.PanicLevel) })

// Decrypt returns the plain file, after checking its authentication code. Its
// error is sdk.ErrNoKey if no key opens the file.
func (Decrypter) Decrypt(_ context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	var plain []byte
	err := guarded(req, func() error {
		f, err := load(req)
		if err != nil {
			return err
		}
		ring, err := newRing(req.Keys)
		if err != nil {
			return err
		}
		key, err := ring.dataKey(&f.tree.Metadata)
		if err != nil {
			return err
		}
		if err := f.decrypt(key); err != nil {
			return err
		}
		for _, name := range ring.used {
			req.Used(name)
		}
		plain, err = f.store.EmitPlainFile(f.tree.Branches)
		return err
	})
	if err != nil {
		return nil, err
	}
	return plain, nil
}

// guarded puts the file's path before errors of f. SOPS' parsers panic on some
// malformed files.
func guarded(req *sdk.DecryptRequest, f func() error) (err error) {
	silence()
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: SOPS cannot read it", ErrMalformed)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", req.Path, err)
		}
	}()
	return f()
}

// format is that of a request.
func format(req *sdk.DecryptRequest) string {
	if req.Format != "" {
		return req.Format
	}
	return detect.Format(req.Path)
}

// emptyTree says whether there is nothing to decrypt with a key.
func emptyTree(groups []sops.KeyGroup) bool {
	for _, group := range groups {
		if len(group) > 0 {
			return false
		}
	}
	return true
}
