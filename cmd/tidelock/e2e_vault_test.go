package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// vaultVerbs are those of stories in which a Vault has the values.
var vaultVerbs = []verb{
	{"vault [tls]: start a Vault, ${VAULT}; with tls ${VAULT_CA} vouches for it, in base64", 0, 1, (*scene).startVault},
	{"vaultis up|killed|sealed|unsealed|gone|STATUS|silent: kill it and start it again, sealed and with another certificate, seal or unseal it, or let it be reached no more, answer a status or nothing", 1, 1, (*scene).vaultIs},
	{"vaultput PATH KEY=VALUE...: write a new version", 2, -1, (*scene).vaultPut},
	{"vaultremove PATH: delete all versions", 1, 1, (*scene).vaultRemove},
	{"vaultpolicy NAME PATH...: let those who have the policy read what lies at or below", 2, -1, (*scene).vaultPolicy},
	{"transit FILE...: encrypt files with the sops program by the transit engine; ${VAULT_TOKEN} decrypts, and is a canary", 1, -1, (*scene).transit},
	{"approle NAME POLICY [TTL]: make a role, ${ROLE_ID} and ${SECRET_ID}, the latter a canary; its tokens live that long", 2, 3, (*scene).appRole},
	{"kubernetesrole NAME NAMESPACE/ACCOUNT POLICY [TTL]: make a role for a ServiceAccount of this cluster", 3, 4, (*scene).kubernetesRole},
	{"revoke METHOD: end all tokens that a method has given", 1, 1, (*scene).revoke},
	{"asked REQUEST [+N|N+]: remember how often Vault was asked so, as by its audit log; wait until it is N more, and not more than that, or N more at least", 1, 2, (*scene).asked},
	{"apicalls [REGEXP...]: all that the agent has asked the API server for, since the last time, was so; in audited stories", 0, -1, (*scene).apiCalls},
}

// theVault returns the story's, or an error.
func (s *scene) theVault() (*testenv.Vault, error) {
	if s.vault == nil {
		return nil, errors.New("there is no Vault yet")
	}
	return s.vault, nil
}

func (s *scene) startVault(args []string) error {
	binary, err := testenv.VaultTool(s.ctx, func(string, ...any) {})
	if err != nil {
		return err
	}
	s, cancel := s.anew() // the build may have taken the patience
	defer cancel()
	tls := len(args) > 0
	s.vault, err = testenv.StartVault(s.ctx, testenv.VaultOptions{Binary: binary, Dir: filepath.Join(s.dir, ".vault"), TLS: tls})
	if err != nil {
		return err
	}
	s.ts.Defer(func() { s.vault.Kill() })
	s.ts.Setenv("VAULT", s.vault.URL)
	if tls {
		return s.vaultCA()
	}
	if s.vaultFront, err = startVaultFront(s.vault.URL); err != nil {
		return err
	}
	s.ts.Defer(s.vaultFront.Close)
	s.ts.Setenv("VAULT", s.vaultFront.URL)
	return nil
}

func (s *scene) vaultCA() error {
	ca, err := s.vault.CA()
	s.ts.Setenv("VAULT_CA", base64.StdEncoding.EncodeToString(ca))
	return err
}

func (s *scene) vaultIs(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return s.vaultFront.becomes("")
	case "killed":
		v.Kill()
		if err := v.Start(s.ctx, "--sealed"); err != nil || !strings.HasPrefix(v.URL, "https:") {
			return err
		}
		return s.vaultCA()
	case "sealed":
		return v.Seal(s.ctx)
	case "unsealed":
		return v.Unseal(s.ctx)
	}
	return s.vaultFront.becomes(args[0])
}

func (s *scene) vaultPut(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	data := map[string]any{}
	for _, arg := range args[1:] {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%s is not KEY=VALUE", arg)
		}
		data[key] = value
	}
	_, err = v.Put(s.ctx, args[0], data)
	return err
}

func (s *scene) vaultRemove(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	return v.Remove(s.ctx, args[0])
}

func (s *scene) vaultPolicy(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	var rules strings.Builder
	for _, path := range args[1:] {
		for _, part := range []string{"data", "metadata"} {
			fmt.Fprintf(&rules, "path \"secret/%s/%s\" { capabilities = [\"read\", \"list\"] }\n", part, path)
			fmt.Fprintf(&rules, "path \"secret/%s/%s/*\" { capabilities = [\"read\", \"list\"] }\n", part, path)
		}
	}
	return v.Policy(s.ctx, args[0], rules.String())
}

// role reads NAME, POLICY and TTL.
func role(name, policy string, ttl []string) (r testenv.VaultRole, err error) {
	r = testenv.VaultRole{Name: name, Policies: []string{policy}}
	if len(ttl) > 0 {
		if r.TTL, err = time.ParseDuration(ttl[0]); err != nil {
			return r, err
		}
		r.MaxTTL = r.TTL
	}
	return r, nil
}

func (s *scene) appRole(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	r, err := role(args[0], args[1], args[2:])
	if err != nil {
		return err
	}
	roleID, secretID, err := v.AppRole(s.ctx, r)
	if err != nil {
		return err
	}
	s.ts.Setenv("ROLE_ID", roleID)
	s.ts.Setenv("SECRET_ID", secretID)
	s.canaries = append(s.canaries, testenv.Canary{Name: "SECRET_ID", Text: secretID})
	return nil
}

func (s *scene) kubernetesRole(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	r, err := role(args[0], args[2], args[3:])
	if err != nil {
		return err
	}
	namespace, account, _ := strings.Cut(args[1], "/")
	if err := v.KubernetesAuth(s.ctx, s.cluster); err != nil {
		return err
	}
	return v.KubernetesRole(s.ctx, r, namespace, account)
}

func (s *scene) revoke(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	return v.RevokeLogins(s.ctx, args[0])
}

func (s *scene) asked(args []string) error {
	v, err := s.theVault()
	if err != nil {
		return err
	}
	now, err := v.Requests()
	if err != nil {
		return err
	}
	name := "asked " + args[0]
	if len(args) == 1 {
		s.metrics[name] = float64(now.Matching(args[0]))
		return nil
	}
	atLeast := strings.HasSuffix(args[1], "+")
	more, err := strconv.Atoi(strings.Trim(args[1], "+"))
	if err != nil {
		return err
	}
	want := int(s.metrics[name]) + more
	return s.until(name, func() (bool, error) {
		now, err := v.Requests()
		if err != nil {
			return false, err
		}
		n := now.Matching(args[0])
		if n > want && !atLeast {
			return false, fmt.Errorf("it was asked %d times, %d are wanted: %s", n, want, now)
		}
		return n >= want, nil
	})
}

func (s *scene) apiCalls(allowed []string) error {
	asked, err := s.cluster.Audit.Next()
	if err != nil {
		return err
	}
	allowed = append(allowed, "^update leases$") // to be alive takes one, every few seconds
	for request, count := range asked {
		if !slices.ContainsFunc(allowed, func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(request) }) {
			return fmt.Errorf("the agent made %d requests %q; all of them: %s", count, request, asked)
		}
	}
	return nil
}
