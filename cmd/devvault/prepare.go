package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/vault/api"
)

// keysFile has what the first start made. Who reads it owns the Vault.
const keysFile = "keys.json"

// auditFile has a line for each request and each answer, values hashed.
const auditFile = "audit.log"

// keys open the Vault.
type keys struct {
	RootToken string `json:"root_token"`
	UnsealKey string `json:"unseal_key"`
}

// prepare brings Vault, by its own API, to where it can be used, and says so by
// the ready file.
func prepare(ctx context.Context, o options, address string) error {
	client, err := dial(o, address)
	if err != nil {
		return err
	}
	k, fresh, err := initialise(ctx, client, filepath.Join(o.dir, keysFile))
	if err != nil {
		return err
	}
	if fresh || !o.sealed {
		if _, err := client.Sys().UnsealWithContext(ctx, k.UnsealKey); err != nil {
			return fmt.Errorf("unseal: %w", err)
		}
	}
	if fresh {
		client.SetToken(k.RootToken)
		if err := mount(ctx, client.Sys(), filepath.Join(o.dir, auditFile)); err != nil {
			return err
		}
		if o.sealed {
			if err := client.Sys().SealWithContext(ctx); err != nil {
				return fmt.Errorf("seal: %w", err)
			}
		}
	}
	return writeWhole(filepath.Join(o.dir, readyFile), []byte(address))
}

// dial returns a client that trusts the Vault of the directory.
func dial(o options, address string) (*api.Client, error) {
	config := api.DefaultConfig()
	config.Address = address
	if o.tls {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: filepath.Join(o.dir, caFile)}); err != nil {
			return nil, err
		}
	}
	return api.NewClient(config)
}

// initialise returns the keys of the directory, made now if this is its first start.
func initialise(ctx context.Context, client *api.Client, path string) (k keys, fresh bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return k, false, json.Unmarshal(text, &k)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return k, false, err
	}
	made, err := client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return k, false, fmt.Errorf("initialise: %w", err)
	}
	k = keys{RootToken: made.RootToken, UnsealKey: made.KeysB64[0]}
	if text, err = json.MarshalIndent(k, "", "  "); err != nil {
		return k, false, err
	}
	return k, true, writeWhole(path, text)
}

// mount turns on what there is, at the paths where people have it.
func mount(ctx context.Context, sys *api.Sys, audit string) error {
	if err := sys.EnableAuditWithOptionsWithContext(ctx, "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": audit},
	}); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	for path, engine := range map[string]*api.MountInput{
		"secret":  {Type: "kv", Options: map[string]string{"version": "2"}},
		"transit": {Type: "transit"},
	} {
		if err := sys.MountWithContext(ctx, path, engine); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	for _, method := range []string{"approle", "kubernetes"} {
		if err := sys.EnableAuthWithOptionsWithContext(ctx, method, &api.EnableAuthOptions{Type: method}); err != nil {
			return fmt.Errorf("enable %s: %w", method, err)
		}
	}
	return nil
}

// writeWhole writes a file that is there in full or not at all.
func writeWhole(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
