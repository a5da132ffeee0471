// Package sops is the built-in decrypter of SOPS files, with age keys: YAML,
// JSON, dotenv, INI and binary.
//
// Start with [Plugin]. It uses the keys that it is given, and nothing of its
// surroundings: neither files nor environment. No error quotes what a file
// holds, nor SOPS' own errors, some of which print unkeyed hashes of plain
// text. Package detect, for callers, tells what is encrypted.
package sops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// Errors of files, for errors.Is. A key that is missing is sdk.ErrNoKey.
var (
	ErrNotEncrypted = errors.New("it is not encrypted with SOPS")
	ErrDamaged      = errors.New("it was changed after it was encrypted, or is damaged")
	ErrMalformed    = errors.New("malformed")
)

// Plugin returns the plugin, to be served.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: "sops", Version: version, Decrypter: Decrypter{}}
}

// Decrypter decrypts files of SOPS.
type Decrypter struct{}

// silence turns off SOPS' log, which prints comments of files.
var silence = sync.OnceFunc(func() { logging.SetLevel(logrus.PanicLevel) })

// Decrypt returns the plain file, after checking its authentication code. Its
// error is sdk.ErrNoKey if no key opens the file.
func (Decrypter) Decrypt(_ context.Context, req *sdk.DecryptRequest) (plain []byte, err error) {
	silence()
	format := req.Format
	if format == "" {
		format = detect.Format(req.Path)
	}
	defer func() {
		// SOPS' parsers panic on some malformed metadata.
		if recover() != nil {
			err = ErrMalformed
		}
		if err != nil {
			plain, err = nil, fmt.Errorf("%s: %w", req.Path, err)
		}
	}()
	switch format {
	case "yaml", "json", "dotenv", "ini", "binary":
	default:
		return nil, fmt.Errorf("unknown format %q", format)
	}
	store := common.StoreForFormat(formats.FormatFromString(format), config.NewStoresConfig())
	tree, err := store.LoadEncryptedFile(req.Data)
	if errors.Is(err, sops.MetadataNotFound) {
		return nil, ErrNotEncrypted
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s, or malformed metadata", ErrMalformed, format)
	}
	if err := open(&tree, req.Keys); err != nil {
		return nil, err
	}
	return store.EmitPlainFile(tree.Branches)
}

// open decrypts the tree in place.
func open(tree *sops.Tree, keys []sdk.Key) error {
	ring, err := newRing(keys)
	if err != nil {
		return err
	}
	key, err := tree.Metadata.GetDataKeyWithKeyServices([]keyservice.KeyServiceClient{ring}, nil)
	if err != nil {
		return ring.verdict(tree)
	}
	cipher := aes.NewCipher()
	computed, err := tree.Decrypt(key, cipher)
	if err != nil {
		return ErrDamaged
	}
	stated, err := cipher.Decrypt(tree.Metadata.MessageAuthenticationCode, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil || stated != computed {
		return ErrDamaged
	}
	return nil
}
