package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/resolve"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// externalPlugin is the plugin that resolves ExternalSecrets, and its program,
// which lies beside this one.
const (
	externalPlugin  = "external-secrets"
	externalProgram = "tidelock-external-secrets"
)

// newHost prepares the built-in plugins. None is started before it is needed.
func newHost(log *slog.Logger) (*host.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return host.New(host.Config{Logger: log, Plugins: []host.Spec{
		{Name: "directory"},
		{Name: "helm"},
		{Name: "kustomize"},
		{Name: "sops", Processes: 1},
		{Name: "sealed", Processes: 1},
		{
			Name: externalPlugin, Command: filepath.Join(filepath.Dir(self), externalProgram),
			Grants: sandbox.Grants{Network: true}, Processes: 1,
		},
	}})
}

// renderers calls plugins for package render.
type renderers struct{ *host.Host }

// Decrypt has the sops plugin decrypt.
func (r renderers) Decrypt(ctx context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	return r.Host.Decrypt(ctx, "sops", req)
}

// A source is one plugin as an sdk.SecretSource.
type source struct {
	host   *host.Host
	plugin string
}

func (s source) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return s.host.Fetch(ctx, s.plugin, req)
}

// newSecretsStage makes the stage that resolves secrets.
func newSecretsStage(h *host.Host, keys resolve.Keyring) *resolve.Stage {
	return &resolve.Stage{
		Keyring:   keys,
		Templates: sealed.Remote{Plugin: source{h, "sealed"}},
		Resolver:  external.NewResolver(source{h, externalPlugin}, time.Now),
	}
}
