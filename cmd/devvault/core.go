package main

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	authkubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/helper/metricsutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/vault"
)

// newCore returns a Vault that keeps its (encrypted) data below dir. It is sealed.
func newCore(dir, address string, log hclog.Logger) (*vault.Core, error) {
	storage, err := file.NewFileBackend(map[string]string{"path": filepath.Join(dir, "data")}, log.Named("storage"))
	if err != nil {
		return nil, fmt.Errorf("storage in %s: %w", dir, err)
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		StorageType:        "file",
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory, "transit": transit.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory, "kubernetes": authkubernetes.Factory},
		AuditBackends:      map[string]audit.Factory{"file": audit.NewFileBackend},
		BuiltinRegistry:    builtins{},
		RedirectAddr:       address,
		DisableMlock:       true, // it takes privileges, and these secrets are invented
		Logger:             log,
		MetricsHelper:      metricsutil.NewMetricsHelper(nil, false),
		MetricSink:         metricsutil.BlackholeSink(),
	})
	if err != nil {
		return nil, fmt.Errorf("create the core: %w", err)
	}
	return core, nil
}

// builtins are the engines and methods that are compiled in. Vault's own list
// brings a client of every database there is.
type builtins struct{}

var compiledIn = map[consts.PluginType]map[string]logical.Factory{
	consts.PluginTypeSecrets:    {"kv": kv.Factory, "transit": transit.Factory},
	consts.PluginTypeCredential: {"approle": approle.Factory, "kubernetes": authkubernetes.Factory},
}

// Contains says whether there is one of that name.
func (builtins) Contains(name string, kind consts.PluginType) bool {
	_, ok := compiledIn[kind][name]
	return ok
}

// Get returns what makes one.
func (builtins) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factory, ok := compiledIn[kind][name]
	return func() (any, error) { return factory, nil }, ok
}

// Keys are the names of a kind.
func (builtins) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range compiledIn[kind] {
		names = append(names, name)
	}
	return names
}

// DeprecationStatus is that all of them are in use.
func (b builtins) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, kind)
}

// IsBuiltinEntPlugin is that none is of the enterprise edition.
func (builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
