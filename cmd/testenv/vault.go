package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// vaultReady bounds the start of a Vault, which takes a fraction of a second on a
// machine that has nothing else to do.
const vaultReady = 3 * time.Minute

// VaultTool brings bin/devvault up to date and returns its path. [Build] leaves it
// out, for few need it and the first time takes minutes.
func VaultTool(ctx context.Context, say Say) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := build(ctx, root, "devvault", "a whole HashiCorp Vault: some minutes the first time", say); err != nil {
		return "", err
	}
	return filepath.Join(root, "bin", "devvault"), nil
}

// VaultOptions say how to run a Vault.
type VaultOptions struct {
	Binary string
	// Dir keeps its data from one start to the next.
	Dir string
	// TLS has it serve HTTPS, with a certificate made at each start.
	TLS bool
}

// A Vault is a HashiCorp Vault with kv version 2 at secret, transit at transit,
// and the methods approle and kubernetes at paths of their names.
type Vault struct {
	URL string
	Log string // path of the file with what all its runs printed

	options VaultOptions
	keys    struct {
		RootToken string `json:"root_token"`
		UnsealKey string `json:"unseal_key"`
	}
	client  *api.Client
	process *process.Process
}

// StartVault runs a Vault, unsealed.
func StartVault(ctx context.Context, o VaultOptions) (*Vault, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	v := &Vault{URL: "http://" + address, Log: filepath.Join(o.Dir, "devvault.log"), options: o}
	if o.TLS {
		v.URL = "https://" + address
	}
	return v, v.Start(ctx)
}

// Start runs it again, at the same address and with the same data, after it
// ended. With the flag --sealed it stays sealed.
func (v *Vault) Start(ctx context.Context, flags ...string) error {
	ready := filepath.Join(v.options.Dir, "address")
	if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
		return err
	}
	_, address, _ := strings.Cut(v.URL, "://")
	flags = append(flags, "--dir", v.options.Dir, "--listen", address, fmt.Sprintf("--tls=%t", v.options.TLS))
	var err error
	v.process, err = start("devvault", exec.CommandContext(context.WithoutCancel(ctx), v.options.Binary, flags...), v.Log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, vaultReady)
	defer cancel()
	err = v.process.AwaitUp(ctx, func(context.Context) bool {
		_, err := os.Stat(ready)
		return err == nil
	})
	if err == nil {
		err = v.connect()
	}
	if err != nil {
		v.process.Kill()
	}
	return err
}

func (v *Vault) connect() error {
	text, err := os.ReadFile(filepath.Join(v.options.Dir, "keys.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &v.keys); err != nil {
		return err
	}
	config := api.DefaultConfig()
	config.Address = v.URL
	if v.options.TLS {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: v.caPath()}); err != nil {
			return err
		}
	}
	if v.client, err = api.NewClient(config); err != nil {
		return err
	}
	v.client.SetToken(v.keys.RootToken)
	return nil
}

func (v *Vault) caPath() string { return filepath.Join(v.options.Dir, "ca.crt") }

// CA is the certificate that vouches for the present run, with TLS.
func (v *Vault) CA() ([]byte, error) { return os.ReadFile(v.caPath()) }

// RootToken may do everything.
func (v *Vault) RootToken() string { return v.keys.RootToken }

// Stop ends the Vault. Its data stays in Dir.
func (v *Vault) Stop() error { return v.process.Stop() }

// Kill ends it as the kernel does when memory is short, by SIGKILL.
func (v *Vault) Kill() { v.process.Kill() }

// Seal makes it answer nothing but that it is sealed.
func (v *Vault) Seal(ctx context.Context) error { return v.client.Sys().SealWithContext(ctx) }

// Unseal ends that.
func (v *Vault) Unseal(ctx context.Context) error {
	status, err := v.client.Sys().UnsealWithContext(ctx, v.keys.UnsealKey)
	if err == nil && status.Sealed {
		err = errors.New("vault is still sealed")
	}
	return err
}

// Put writes a new version of what lies at a path of the kv engine, and returns
// its number.
func (v *Vault) Put(ctx context.Context, path string, data map[string]any) (version int, err error) {
	secret, err := v.client.KVv2("secret").Put(ctx, path, data)
	if err != nil {
		return 0, err
	}
	return secret.VersionMetadata.Version, nil
}

// Remove deletes what lies at a path of the kv engine, with all versions.
func (v *Vault) Remove(ctx context.Context, path string) error {
	return v.client.KVv2("secret").DeleteMetadata(ctx, path)
}

// Policy writes a policy.
func (v *Vault) Policy(ctx context.Context, name, rules string) error {
	return v.client.Sys().PutPolicyWithContext(ctx, name, rules)
}

// A VaultRole is what someone who logs in gets.
type VaultRole struct {
	Name     string
	Policies []string
	// TTL is how long a token lives, MaxTTL how long if it is renewed; 0 is
	// Vault's default.
	TTL, MaxTTL time.Duration
}

func (r VaultRole) fields(more map[string]any) map[string]any {
	more["token_policies"], more["token_ttl"], more["token_max_ttl"] = r.Policies, r.TTL.String(), r.MaxTTL.String()
	return more
}

// AppRole makes a role of the method approle and returns what logs in with it.
func (v *Vault) AppRole(ctx context.Context, r VaultRole) (roleID, secretID string, err error) {
	at := "auth/approle/role/" + r.Name
	if err := v.write(ctx, at, r.fields(map[string]any{})); err != nil {
		return "", "", err
	}
	role, err := v.client.Logical().ReadWithContext(ctx, at+"/role-id")
	if err != nil {
		return "", "", err
	}
	id, err := v.SecretID(ctx, r.Name)
	return fmt.Sprint(role.Data["role_id"]), id, err
}

// SecretID makes another secret id of a role. Those from before stay.
func (v *Vault) SecretID(ctx context.Context, role string) (string, error) {
	made, err := v.client.Logical().WriteWithContext(ctx, "auth/approle/role/"+role+"/secret-id", nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(made.Data["secret_id"]), nil
}

// KubernetesAuth has the method kubernetes ask a cluster's API server whose a
// token is, by a ServiceAccount in namespace vault that may do nothing else.
func (v *Vault) KubernetesAuth(ctx context.Context, c *Cluster) error {
	token, err := c.tokenReviewer(ctx, "vault", "vault")
	if err != nil {
		return err
	}
	ca, err := c.ca()
	if err != nil {
		return err
	}
	return v.write(ctx, "auth/kubernetes/config", map[string]any{
		"kubernetes_host": c.Config.Host, "kubernetes_ca_cert": string(ca), "token_reviewer_jwt": token,
	})
}

// KubernetesRole makes a role of the method kubernetes for a ServiceAccount.
func (v *Vault) KubernetesRole(ctx context.Context, r VaultRole, namespace, serviceAccount string) error {
	return v.write(ctx, "auth/kubernetes/role/"+r.Name, r.fields(map[string]any{
		"bound_service_account_names": serviceAccount, "bound_service_account_namespaces": namespace,
	}))
}

// TransitKey makes a key of the engine transit.
func (v *Vault) TransitKey(ctx context.Context, name string) error {
	return v.write(ctx, "transit/keys/"+name, map[string]any{})
}

// Token makes a token with policies, for those who do not log in.
func (v *Vault) Token(ctx context.Context, ttl time.Duration, policies ...string) (string, error) {
	made, err := v.client.Auth().Token().CreateWithContext(ctx, &api.TokenCreateRequest{Policies: policies, TTL: ttl.String()})
	if err != nil {
		return "", err
	}
	return made.Auth.ClientToken, nil
}

// RevokeLogins ends all tokens that a method gave.
func (v *Vault) RevokeLogins(ctx context.Context, method string) error {
	return v.client.Sys().RevokePrefixWithContext(ctx, "auth/"+method)
}

func (v *Vault) write(ctx context.Context, path string, data map[string]any) error {
	_, err := v.client.Logical().WriteWithContext(ctx, path, data)
	return err
}
