package sops

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// A file is one that is being decrypted.
type file struct {
	store  common.Store
	format string
	tree   sops.Tree
}

// load parses a file and checks what can be checked without a key.
func load(req *sdk.DecryptRequest) (*file, error) {
	f := &file{format: format(req)}
	switch f.format {
	case "yaml", "json", "dotenv", "ini", "binary":
	default:
		return nil, fmt.Errorf("unknown format %q", f.format)
	}
	f.store = common.StoreForFormat(formats.FormatFromString(f.format), config.NewStoresConfig())
	tree, err := f.store.LoadEncryptedFile(req.Data)
	if err != nil {
		return nil, f.unreadable(req.Data, err)
	}
	f.tree = tree
	if err := f.duplicates(req.Data); err != nil {
		return nil, err
	}
	return f, f.checkMetadata()
}

// container reads the encrypted file as it stands: what is binary lies in JSON.
func (f *file) container() common.Store {
	if f.format == "binary" {
		return common.StoreForFormat(formats.Json, config.NewStoresConfig())
	}
	return f.store
}

// unreadable says what is wrong with a file that SOPS does not read. SOPS' own
// error may quote it.
func (f *file) unreadable(data []byte, err error) error {
	if errors.Is(err, sops.MetadataNotFound) {
		if detect.IsEncrypted(data, f.format) {
			return fmt.Errorf("%w: its first document has no SOPS metadata: was one put before it?", ErrMalformed)
		}
		return ErrNotEncrypted
	}
	if err := f.duplicates(data); err != nil {
		return err
	}
	if branches, err := f.container().LoadPlainFile(data); err != nil || len(branches) == 0 {
		name := map[string]string{"yaml": "YAML", "json": "JSON", "binary": "JSON, as SOPS writes of binary files", "dotenv": "dotenv", "ini": "INI"}[f.format]
		return fmt.Errorf("%w: it is not %s: cut off, or merged by hand?", ErrMalformed, name)
	}
	return fmt.Errorf("%w: its SOPS metadata cannot be read: %s", ErrMalformed, metadataFault(err))
}

// metadataFault says why, in words that quote nothing.
func metadataFault(err error) string {
	text := err.Error()
	var stamp *time.ParseError
	switch {
	case errors.As(err, &stamp):
		return "a time (lastmodified, created_at) is none"
	case strings.Contains(text, "No keys found"):
		return "it names no recipient"
	case strings.Contains(text, "more than one of"):
		return "it has more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex and those of comments"
	}
	return "a field is missing, or of another type than SOPS writes"
}

// checkMetadata refuses what SOPS would let pass or panic at.
func (f *file) checkMetadata() error {
	m := &f.tree.Metadata
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: its SOPS metadata: "+format, append([]any{ErrMalformed}, args...)...)
	}
	if m.MessageAuthenticationCode == "" {
		return wrong("mac is missing: cut off?")
	}
	if emptyTree(m.KeyGroups) {
		return wrong("it names no recipient")
	}
	if n := len(m.KeyGroups); m.ShamirThreshold < 0 || n > 1 && m.ShamirThreshold > n {
		return wrong("shamir_threshold is %d, of %d key groups", m.ShamirThreshold, n)
	}
	for name, pattern := range map[string]string{
		"encrypted_regex": m.EncryptedRegex, "unencrypted_regex": m.UnencryptedRegex,
		"encrypted_comment_regex": m.EncryptedCommentRegex, "unencrypted_comment_regex": m.UnencryptedCommentRegex,
	} {
		if _, err := regexp.Compile(pattern); err != nil {
			return wrong("%s is no regular expression", name)
		}
	}
	return nil
}

// decrypt decrypts the tree in place, and checks its authentication code.
func (f *file) decrypt(key []byte) error {
	cipher := &watched{Cipher: aes.NewCipher(), key: key}
	computed, err := f.tree.Decrypt(key, cipher)
	if err != nil {
		return cipher.verdict(f.tree.Branches)
	}
	m := &f.tree.Metadata
	stated, err := aes.NewCipher().Decrypt(m.MessageAuthenticationCode, key, m.LastModified.Format(time.RFC3339))
	if err != nil {
		return fmt.Errorf("%w: its authentication code (sops.mac) or its time (sops.lastmodified) was edited", ErrDamaged)
	}
	if stated != computed {
		return fmt.Errorf("%w: its authentication code (sops.mac) is not that of its content: something was added, taken out, reordered or edited without sops", ErrDamaged)
	}
	return nil
}
