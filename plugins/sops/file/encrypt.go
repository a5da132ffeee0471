package file

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/version"
	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/secrets"
)

// SecretPart is the part of a Secret's manifest that is encrypted unless a rule
// says otherwise: the rest stays readable, and tools can tell what it is.
var SecretPart = Part{Rule: "encrypted_regex", Pattern: "^(data|stringData)$"}

// Encrypt makes what `sops encrypt` makes of a file, for the recipients of a
// rule. The format is that of the path's ending, if format is empty.
func Encrypt(path, format string, text secrets.Value, rule *Rule, rules *Rules, keys Keys) ([]byte, error) {
	if format == "" {
		format = detect.Format(path)
	}
	f := &File{Path: path, Format: format, store: storeFor(format, rules)}
	out, err := f.make(text, rule, keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func (f *File) make(text secrets.Value, rule *Rule, keys Keys) ([]byte, error) {
	branches, err := f.parse(text)
	if err != nil {
		return nil, err
	}
	if len(rule.Recipients()) == 0 {
		return nil, errors.New("the rule for it names no recipient, so nobody could open it")
	}
	o := &Opened{File: f, cipher: aes.NewCipher(), tree: sops.Tree{Branches: branches, FilePath: f.Path}}
	m := &o.tree.Metadata
	m.KeyGroups, m.ShamirThreshold, m.Version = rule.groups, rule.threshold, version.Version
	rule.Part.apply(m)
	if o.key, err = newDataKey(&o.tree, keys); err != nil {
		return nil, err
	}
	return o.emit()
}

// newDataKey makes a data key, and encrypts it for all recipients.
func newDataKey(tree *sops.Tree, keys Keys) ([]byte, error) {
	key, errs := tree.GenerateDataKeyWithKeyServices([]Keys{keys})
	if len(errs) > 0 {
		return nil, fmt.Errorf("encrypt its data key: %w", errors.Join(errs...))
	}
	return key, nil
}

// parse reads a plain text in the file's format.
func (f *File) parse(text secrets.Value) (sops.TreeBranches, error) {
	var branches sops.TreeBranches
	err := guarded(func() (err error) {
		branches, err = f.store.LoadPlainFile(text.Reveal())
		return err
	})
	switch {
	case err != nil:
		return nil, f.located(text, err)
	case len(branches) == 0:
		return nil, fmt.Errorf("%w %s: it is empty", ErrMalformed, f.Format)
	case f.store.HasSopsTopLevelKey(branches[0]):
		return nil, fmt.Errorf("%w: it has an entry called sops", ErrAlreadyEncrypted)
	}
	return branches, nil
}

var lineOf = regexp.MustCompile(`line (\d+)`)

// located says where a text is malformed. The parsers' own words may quote it.
func (f *File) located(text secrets.Value, err error) error {
	words := err.Error()
	if match := lineOf.FindStringSubmatch(words); match != nil {
		return fmt.Errorf("%w %s: line %s", ErrMalformed, f.Format, match[1])
	}
	if f.Format == "dotenv" || f.Format == "ini" {
		n := 0
		for line := range bytes.Lines(text.Reveal()) {
			n++
			if line := strings.TrimSpace(string(line)); line != "" && strings.HasSuffix(words, line) {
				return fmt.Errorf("%w %s: line %d is no KEY=VALUE", ErrMalformed, f.Format, n)
			}
		}
	}
	if strings.Contains(words, "sequences") || strings.Contains(words, "values are not") || strings.Contains(words, "top-level") {
		return fmt.Errorf("%w %s: SOPS takes documents that are maps only", ErrMalformed, f.Format)
	}
	return fmt.Errorf("%w %s", ErrMalformed, f.Format)
}

// emit encrypts the tree, and makes sure that what comes out opens again.
func (o *Opened) emit() ([]byte, error) {
	var out []byte
	err := guarded(func() error {
		options := common.EncryptTreeOpts{DataKey: o.key, Tree: &o.tree, Cipher: o.cipher}
		if common.EncryptTree(options) != nil {
			return errors.New("a value of it cannot be encrypted")
		}
		var err error
		if out, err = o.store.EmitEncryptedFile(o.tree); err != nil {
			return fmt.Errorf("write %s: %w", o.Format, ErrMalformed)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, o.verify(out)
}

// verify opens what was made with the same data key.
func (o *Opened) verify(made []byte) error {
	return guarded(func() error {
		tree, err := o.store.LoadEncryptedFile(made)
		if err != nil {
			return fmt.Errorf("what came out cannot be read again: %w", ErrMalformed)
		}
		cipher := aes.NewCipher()
		computed, err := tree.Decrypt(o.key, cipher)
		if err != nil {
			return errors.New("what came out cannot be opened again")
		}
		m := tree.Metadata
		stated, err := cipher.Decrypt(m.MessageAuthenticationCode, o.key, m.LastModified.Format(time.RFC3339))
		if err != nil || stated != computed {
			return errors.New("what came out does not hold what went in: SOPS cannot write this text unchanged")
		}
		return nil
	})
}

// IsSecret says whether a text is the manifest of a Kubernetes Secret, or begins
// with one. The format is that of the path's ending, if format is empty.
func IsSecret(path, format string, text secrets.Value) bool {
	if format == "" {
		format = detect.Format(path)
	}
	if format != "yaml" && format != "json" {
		return false
	}
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}
	err := yaml.NewDecoder(bytes.NewReader(text.Reveal())).Decode(&head)
	var typed *yaml.TypeError
	return (err == nil || errors.As(err, &typed)) && head.APIVersion == "v1" && head.Kind == "Secret"
}

// Seal encrypts another text in the place of the opened one, with the same data
// key. Values that are the same keep their cipher text; a text that is the same
// as a whole returns false.
func (o *Opened) Seal(text secrets.Value) (out []byte, changed bool, err error) {
	before, err := o.Text()
	if err != nil {
		return nil, false, err
	}
	if before.Equal(text) {
		return nil, false, nil
	}
	branches, err := o.parse(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", o.Path, err)
	}
	sealed := *o
	sealed.tree.Branches = branches
	m := &sealed.tree.Metadata
	if newer, err := version.AIsNewerThanB(version.Version, m.Version); err == nil && newer {
		m.Version = version.Version
	}
	if out, err = sealed.emit(); err != nil {
		return nil, false, fmt.Errorf("%s: %w", o.Path, err)
	}
	return out, true, nil
}
