package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/shlex"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// localSOPSKeys collects keys from where sops looks for them. PGP keys are not
// among them: gpg keeps those, and is asked when a file needs it.
func localSOPSKeys() ([]sdk.Key, error) {
	age, err := localAgeKeys()
	if err != nil {
		return nil, err
	}
	found := localSOPS{age}
	if err := found.vault(); err != nil {
		return nil, err
	}
	for _, kind := range []string{open.AWS, open.GCP, open.Azure} {
		// Whatever of its login, a person may use.
		found.keys = append(found.keys, sdk.Key{
			Kind: kind, Name: "the login of this machine", Settings: map[string]string{open.Ambient: "true", open.Allow: "*"},
		})
	}
	return found.keys, nil
}

// localAgeKeys are those of age, and of SSH.
func localAgeKeys() ([]sdk.Key, error) {
	var found localSOPS
	for _, from := range []func() error{found.ageVariable, found.ageFiles, found.ageCommand, found.ssh} {
		if err := from(); err != nil {
			return nil, err
		}
	}
	return found.keys, nil
}

// unasked are the keys where nothing may be fetched: no service is asked.
func unasked(keys []sdk.Key) []sdk.Key {
	for i := range keys {
		if open.OfService(keys[i].Kind) {
			keys[i].Settings[open.Unasked] = "--offline"
		}
	}
	return keys
}

type localSOPS struct{ keys []sdk.Key }

func (l *localSOPS) add(name string, material []byte) {
	l.keys = append(l.keys, sdk.Key{Kind: open.Age, Name: name, Material: material})
}

// ageVariable reads keys that may stand in one line.
func (l *localSOPS) ageVariable() error {
	if text := os.Getenv("SOPS_AGE_KEY"); strings.TrimSpace(text) != "" {
		if !strings.Contains(text, "#") {
			text = strings.Join(strings.Fields(text), "\n") + "\n"
		}
		l.add("$SOPS_AGE_KEY", []byte(text))
	}
	return nil
}

func (l *localSOPS) ageFiles() error {
	if file := os.Getenv("SOPS_AGE_KEY_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("$SOPS_AGE_KEY_FILE: %w", err)
		}
		l.add(file, text)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return nil //nolint:nilerr // no home, no file
	}
	return l.file(filepath.Join(config, "sops", "age", "keys.txt"))
}

// file reads a file that need not be there.
func (l *localSOPS) file(path string) error {
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		l.add(path, text)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read age keys: %w", err)
	}
	return nil
}

// ageCommand runs the programs that a person told sops to ask for keys.
func (l *localSOPS) ageCommand() error {
	const patience = time.Minute
	for _, variable := range []string{"SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD"} {
		words, err := shlex.Split(os.Getenv(variable))
		if err != nil {
			return fmt.Errorf("$%s: %w", variable, err)
		}
		if len(words) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the person's own words
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		cancel()
		if err != nil {
			return fmt.Errorf("$%s: %w", variable, err)
		}
		l.add("$"+variable, text)
	}
	return nil
}

// ssh reads the keys that sops tries. One that has a passphrase is said to have
// it if nothing else opens a file.
func (l *localSOPS) ssh() error {
	if file := os.Getenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("$SOPS_AGE_SSH_PRIVATE_KEY_FILE: %w", err)
		}
		l.add(file, text)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil //nolint:nilerr // no home, no file
	}
	for _, name := range []string{"id_ed25519", "id_rsa"} {
		path := filepath.Join(home, ".ssh", name)
		if text, err := os.ReadFile(path); err == nil {
			l.add(path, text)
		}
	}
	return nil
}

// vault reads what the vault command reads. The token goes to $VAULT_ADDR and
// nowhere else, whatever a file says.
func (l *localSOPS) vault() error {
	token, name := os.Getenv("VAULT_TOKEN"), "$VAULT_TOKEN"
	if home, err := os.UserHomeDir(); token == "" && err == nil {
		name = filepath.Join(home, ".vault-token")
		if text, err := os.ReadFile(name); err == nil {
			token = string(text)
		}
	}
	if token = strings.TrimSpace(token); token == "" {
		return nil
	}
	set := map[string]string{}
	for setting, variable := range map[string]string{open.Allow: "VAULT_ADDR", open.Namespace: "VAULT_NAMESPACE"} {
		if text := strings.TrimSpace(os.Getenv(variable)); text != "" {
			set[setting] = text
		}
	}
	if file := os.Getenv("VAULT_CACERT"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("$VAULT_CACERT: %w", err)
		}
		set[open.CA] = string(text)
	}
	l.keys = append(l.keys, sdk.Key{Kind: open.VaultToken, Name: name, Material: sdk.Material(token), Settings: set})
	return nil
}
