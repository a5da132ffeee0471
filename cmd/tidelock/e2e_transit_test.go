package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// transit has the sops program encrypt files of the script with Vault's transit
// engine. The token that the agent gets may only decrypt; it is a canary like
// what is encrypted.
func (s *scene) transit(files []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	if err := v.TransitKey(s.ctx, "shop"); err != nil {
		return err
	}
	if err := v.Policy(s.ctx, "sops", `path "transit/decrypt/shop" { capabilities = ["update"] }`); err != nil {
		return err
	}
	token, err := v.Token(s.ctx, time.Hour, "sops")
	if err != nil {
		return err
	}
	s.canaries = append(s.canaries, testenv.Canary{Name: "VAULT_TOKEN", Text: token})
	s.ts.Setenv("VAULT_TOKEN", token)
	for _, file := range files {
		if err := s.encryptByTransit(v, file); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) encryptByTransit(v *testenv.Vault, file string) error {
	sops, err := testenv.Tool(s.ctx, testenv.SOPSTool)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(s.ctx, sops, "encrypt", "--hc-vault-transit", s.ts.Getenv("VAULT")+"/v1/transit/keys/shop",
		"--encrypted-regex", "^(data|stringData)$", "--filename-override", file)
	cmd.Env = []string{"HOME=" + s.dir, "VAULT_TOKEN=" + v.RootToken()}
	if ca, err := v.CA(); err == nil { // with TLS
		path := filepath.Join(s.dir, ".transit.crt")
		if err := os.WriteFile(path, ca, 0o600); err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, "VAULT_CACERT="+path)
	}
	cmd.Stdin = strings.NewReader(string(s.file(file)))
	var said bytes.Buffer
	cmd.Stderr = &said
	cipher, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("sops encrypt %s: %w: %s", file, err, said.String())
	}
	return os.WriteFile(s.ts.MkAbs(file), cipher, 0o600)
}
