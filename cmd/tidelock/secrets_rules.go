package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	gogit "github.com/go-git/go-git/v5"
	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"sigs.k8s.io/yaml"
)

// recipientFlags say for whom and which part to encrypt, in the place of a
// .sops.yaml. Their names are those of sops.
type recipientFlags struct {
	lists map[string]*[]string // by their name in a .sops.yaml
	texts map[string]*string
	whole bool
	macIs bool
}

func (r *recipientFlags) add(f *pflag.FlagSet) {
	r.lists, r.texts = map[string]*[]string{}, map[string]*string{}
	for _, flag := range []struct{ name, field, help string }{
		{"age", "age", "age `RECIPIENT`, in the place of .sops.yaml; may be given several times, as may those below"},
		{"pgp", "pgp", "`FINGERPRINT` of a PGP key"},
		{"kms", "kms", "`ARN` of a key of AWS KMS"},
		{"gcp-kms", "gcp_kms", "resource `ID` of a key of GCP KMS"},
		{"azure-kv", "azure_keyvault", "`URL` of a key of Azure Key Vault"},
		{"hc-vault-transit", "hc_vault_transit_uri", "`URI` of a key of Vault's transit engine"},
	} {
		r.lists[flag.field] = f.StringSlice(flag.name, nil, flag.help)
	}
	for _, flag := range []struct{ name, field, help string }{
		{"encrypted-regex", "encrypted_regex", "encrypt only what is below keys that match `REGEX`"},
		{"unencrypted-regex", "unencrypted_regex", "encrypt all but what is below keys that match `REGEX`"},
		{"encrypted-suffix", "encrypted_suffix", "encrypt only what is below keys that end with `SUFFIX`"},
		{"unencrypted-suffix", "unencrypted_suffix", "encrypt all but what is below keys that end with `SUFFIX`"},
	} {
		r.texts[flag.field] = f.String(flag.name, "", flag.help)
	}
	f.BoolVar(&r.macIs, "mac-only-encrypted", false, "authenticate what is encrypted only")
	f.BoolVar(&r.whole, "whole", false, "encrypt all of a Secret's manifest, not its data only")
}

// stated is the creation rule that the flags make: nil if they name nobody.
func (r *recipientFlags) stated() (*file.Rules, error) {
	rule, named := map[string]any{}, false
	for field, list := range r.lists {
		if len(*list) > 0 {
			rule[field], named = *list, true
		}
	}
	if !named {
		return nil, nil
	}
	text, err := yaml.Marshal(map[string]any{"creation_rules": []any{rule}})
	if err != nil {
		return nil, err
	}
	rules, err := file.ParseRules("", text)
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return rules, nil
}

// rule returns for whom to encrypt a file: what flags say, else its .sops.yaml.
// The latter says how files are laid out, too.
func (r *recipientFlags) rule(p *subtree, at string) (*file.Rule, *file.Rules, error) {
	found, err := rulesAbove(p.tree, path.Dir(at))
	if err != nil {
		return nil, nil, err
	}
	from := found
	if stated, err := r.stated(); err != nil {
		return nil, nil, err
	} else if stated != nil {
		from = stated
	}
	rule, err := from.For(at)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (hint: add one, or say for whom with --age, --pgp and so on)", err)
	}
	r.part(&rule.Part)
	return rule, found, nil
}

// part overrides a part by what flags say.
func (r *recipientFlags) part(of *file.Part) {
	for field, text := range r.texts {
		if *text != "" {
			of.Rule, of.Pattern = field, *text
		}
	}
	of.MACOnlyEncrypted = of.MACOnlyEncrypted || r.macIs
}

// check refuses two ways to say which part.
func (r *recipientFlags) check() error {
	said := 0
	for _, text := range r.texts {
		if *text != "" {
			said++
		}
	}
	if r.whole {
		said++
	}
	if said > 1 {
		return fmt.Errorf("give one of --whole, --encrypted-regex, --unencrypted-regex, --encrypted-suffix and --unencrypted-suffix")
	}
	return nil
}

// rulesAbove finds the .sops.yaml of a directory, or of the next one above that
// has any, in the tree: nil if none has.
func rulesAbove(tree fs.FS, dir string) (*file.Rules, error) {
	for {
		rules, err := inventory.LoadRules(tree, dir)
		if rules != nil || err != nil || dir == "." {
			return rules, err
		}
		dir = path.Dir(dir)
	}
}

// replaceFile writes a file's new content at once, or not at all. It refuses if
// the file is no longer what was read.
func replaceFile(name string, read, data []byte) error {
	now, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if string(now) != string(read) {
		return errors.New("it was changed by somebody else meanwhile")
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return writeFile(name, data, info.Mode().Perm())
}

// writeFile writes beside a file, and then puts it in its place.
func writeFile(name string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is gone if all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// committed says whether the last commit has a file.
func committed(p *subtree, at string) bool {
	repo, err := gogit.PlainOpen(p.dir)
	if err != nil {
		return false
	}
	head, err := repo.Head()
	if err != nil {
		return false
	}
	commit, err := repo.CommitObject(head.Hash())
	if err != nil {
		return false
	}
	_, err = commit.File(at)
	return err == nil
}
