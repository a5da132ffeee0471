// Package file is what people do with SOPS files at a keyboard: tell for whom
// one is encrypted, encrypt, edit, and change recipients. It reads and writes
// bytes, with SOPS' own code, so that what it makes is what sops makes.
//
// Start with [Read], whose [File] knows its recipients without opening anything;
// [Encrypt] makes one. [Rules] are those of a .sops.yaml. No error quotes what a
// file holds.
package file

import (
	"errors"
	"fmt"
	"sync"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// Errors of files, for errors.Is.
var (
	ErrNotEncrypted     = errors.New("it is not encrypted with SOPS")
	ErrAlreadyEncrypted = errors.New("it is encrypted already")
	ErrMalformed        = errors.New("malformed")
	// ErrNoKey says that no key here opens the file.
	ErrNoKey = errors.New("no key here opens it")
	// ErrDamaged says that the authentication code does not fit.
	ErrDamaged = errors.New("it was changed after it was encrypted, or is damaged")
)

// A Recipient is a key that a file is encrypted for, as SOPS names it: age, pgp,
// kms, gcp_kms, azure_kv, hc_vault or hckms, and its public name.
type Recipient struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	// Group is the key group, from 1, if there are several.
	Group int `json:"group,omitempty"`
}

func (r Recipient) String() string {
	if r.Group > 0 {
		return fmt.Sprintf("%s %s (group %d)", r.Kind, r.ID, r.Group)
	}
	return r.Kind + " " + r.ID
}

// A File is a file that SOPS encrypted.
type File struct {
	Path   string
	Format string // yaml, json, dotenv, ini or binary

	data  []byte
	tree  sops.Tree
	store common.Store
}

// silence turns off SOPS' log, which prints comments of files.
var silence = sync.OnceFunc(func() { logging.SetLevel(logrus.PanicLevel) })

// Read reads a file's metadata, and opens nothing. The rules, of the file's
// .sops.yaml, say how it is laid out when written; nil means SOPS' default. The
// format is known by the path, and by the content where that names none.
func Read(path string, data []byte, rules *Rules) (*File, error) {
	format := Format(path, data)
	if format == "" {
		return nil, fmt.Errorf("%s: %w", path, ErrNotEncrypted)
	}
	f := &File{Path: path, Format: format, data: data, store: storeFor(format, rules)}
	err := guarded(func() (err error) {
		f.tree, err = f.store.LoadEncryptedFile(data)
		return err
	})
	switch {
	case errors.Is(err, sops.MetadataNotFound):
		return nil, fmt.Errorf("%s: %w", path, ErrNotEncrypted)
	case err != nil:
		return nil, fmt.Errorf("%s: %w %s, or malformed metadata", path, ErrMalformed, format)
	}
	return f, nil
}

// Format returns the format in which SOPS encrypted a file, "" if it did not.
func Format(path string, data []byte) string { return detect.Encrypted(path, data) }

func storeFor(format string, rules *Rules) common.Store {
	silence()
	return common.StoreForFormat(formats.FormatFromString(format), rules.layout())
}

// guarded runs SOPS' parsers, which panic on some malformed input.
func guarded(run func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = ErrMalformed
		}
	}()
	return run()
}

// Recipients lists whom the file is encrypted for.
func (f *File) Recipients() []Recipient { return recipients(f.tree.Metadata.KeyGroups) }

func recipients(groups []sops.KeyGroup) []Recipient {
	var all []Recipient
	for i, group := range groups {
		for _, key := range group {
			r := Recipient{Kind: key.TypeToIdentifier(), ID: key.ToString()}
			if len(groups) > 1 {
				r.Group = i + 1
			}
			all = append(all, r)
		}
	}
	return all
}

// Threshold is how many key groups must be opened: 0 if there is but one.
func (f *File) Threshold() int {
	groups := len(f.tree.Metadata.KeyGroups)
	if groups < 2 {
		return 0
	}
	if f.tree.Metadata.ShamirThreshold == 0 {
		return groups
	}
	return f.tree.Metadata.ShamirThreshold
}

// Part says which values of the file are encrypted.
func (f *File) Part() Part { return partOf(f.tree.Metadata) }

// A Part says which values are encrypted: by the names of their keys, or by
// comments. The zero Part is the whole file.
type Part struct {
	Rule    string `json:"rule,omitempty"` // encrypted_regex and so on; "" for all
	Pattern string `json:"pattern,omitempty"`
	// MACOnlyEncrypted leaves what is in clear out of the authentication code.
	MACOnlyEncrypted bool `json:"macOnlyEncrypted,omitempty"`
}

func (p Part) String() string {
	text := "whole"
	if p.Rule != "" {
		text = p.Rule + " " + p.Pattern
	}
	if p.MACOnlyEncrypted {
		text += ", mac_only_encrypted"
	}
	return text
}

func partOf(m sops.Metadata) Part {
	p := Part{MACOnlyEncrypted: m.MACOnlyEncrypted}
	for _, rule := range []Part{
		{Rule: "unencrypted_suffix", Pattern: m.UnencryptedSuffix},
		{Rule: "encrypted_suffix", Pattern: m.EncryptedSuffix},
		{Rule: "unencrypted_regex", Pattern: m.UnencryptedRegex},
		{Rule: "encrypted_regex", Pattern: m.EncryptedRegex},
		{Rule: "unencrypted_comment_regex", Pattern: m.UnencryptedCommentRegex},
		{Rule: "encrypted_comment_regex", Pattern: m.EncryptedCommentRegex},
	} {
		// SOPS states its default suffix in every file.
		if rule.Pattern != "" && rule.Pattern != sops.DefaultUnencryptedSuffix {
			p.Rule, p.Pattern = rule.Rule, rule.Pattern
		}
	}
	return p
}

// apply is the opposite of partOf.
func (p Part) apply(m *sops.Metadata) {
	m.MACOnlyEncrypted = p.MACOnlyEncrypted
	for rule, field := range map[string]*string{
		"unencrypted_suffix": &m.UnencryptedSuffix, "encrypted_suffix": &m.EncryptedSuffix,
		"unencrypted_regex": &m.UnencryptedRegex, "encrypted_regex": &m.EncryptedRegex,
		"unencrypted_comment_regex": &m.UnencryptedCommentRegex, "encrypted_comment_regex": &m.EncryptedCommentRegex,
	} {
		if rule == p.Rule {
			*field = p.Pattern
		}
	}
	if p.Rule == "" {
		m.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
	}
}

// defaultLayout is how SOPS writes without a .sops.yaml.
var defaultLayout = config.NewStoresConfig()
