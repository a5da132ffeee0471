package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/shelf"
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

// requireSandboxFlag is that of all commands that run plugins for long, or on what
// is not one's own.
const (
	requireSandboxFlag = "require-sandbox"
	requireSandboxHelp = "refuse to work where the kernel lacks a part of the plugins' sandbox (Landlock, seccomp); without it there is a warning, and the rest is in force"
)

// builtinSpecs are the plugins that come with Tidelock.
func builtinSpecs(self string, around surroundings) []host.Spec {
	return []host.Spec{
		{Name: "directory", Rather: companion(self, "directory")},
		{Name: "helm", Rather: companion(self, "helm")},
		{Name: "kustomize", Rather: companion(self, "kustomize")},
		{Name: open.Local, Processes: 1},
		servicesSpec(around, os.Environ()),
		{Name: "sealed", Processes: 1},
		{
			Name: externalPlugin, Command: filepath.Join(filepath.Dir(self), externalProgram),
			Args: storeArgs(around), Grants: sandbox.Grants{Network: true}, Processes: 1,
		},
	}
}

// storeArgs lets the stores of ExternalSecrets be on this machine, unless it is a
// pod, where that would be the agent itself.
func storeArgs(around surroundings) []string {
	if around.pod {
		return nil
	}
	return []string{"--allow-loopback"}
}

// newHost prepares the plugins. None is started before it is needed.
func newHost(log *slog.Logger, o pluginOptions) (*plugins, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	h, err := host.New(host.Config{Logger: log, RequireSandbox: o.requireSandbox, Plugins: builtinSpecs(self, o.surroundings), Scratch: o.scratch})
	if err != nil {
		return nil, err
	}
	p := &plugins{Host: h, calls: h, options: o, self: self, log: log}
	if _, err := p.read(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return p, nil
}

// newRenders makes the engine that calls renderers.
func newRenders(h *plugins, log *slog.Logger) *render.Engine {
	return render.New(render.Config{Plugins: renderers{h}, Custom: h.customs, Logger: log})
}

// keptRenders is newRenders, with what earlier commands have rendered.
func keptRenders(h *plugins, log *slog.Logger, kept *shelf.Shelf) *render.Engine {
	config := render.Config{Plugins: renderers{h}, Custom: h.customs, Logger: log, Build: buildText()}
	if kept != nil {
		config.Shelf = kept
	}
	return render.New(config)
}

// trySandbox starts a plugin, so that what its sandbox lacks is told before there
// is any work. It is an error only if the sandbox is required.
func trySandbox(ctx context.Context, h *host.Host, log *slog.Logger, required bool) error {
	err := h.Warm(ctx, "directory")
	switch {
	case err != nil && required:
		return fmt.Errorf("--%s: %w", requireSandboxFlag, err)
	case err != nil:
		log.WarnContext(ctx, "a plugin does not start, and is tried again when it is needed", "error", err)
	}
	return nil
}

// A caller calls plugins: their host, or, where there are to be no processes, whoever
// has them in its own.
type caller interface {
	Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error)
	Decrypt(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error)
	Fetch(ctx context.Context, plugin string, req *sdk.SecretRequest) (*sdk.SecretResult, error)
}

// renderers calls plugins for package render.
type renderers struct{ *plugins }

// Render has a plugin render.
func (r renderers) Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	return r.calls.Render(ctx, plugin, req)
}

// Decrypt opens a SOPS file with the plugins for that, and on a person's machine
// with gpg.
func (r renderers) Decrypt(ctx context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	var sources []open.Source
	if !r.options.inCluster {
		sources = append(sources, askGPG)
	}
	return open.File(ctx, r.calls.Decrypt, req, sources...)
}

// A source is one plugin as an sdk.SecretSource.
type source struct {
	calls  caller
	plugin string
}

func (s source) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return s.calls.Fetch(ctx, s.plugin, req)
}

// newSecretsStage makes the stage that resolves secrets.
func newSecretsStage(h *plugins, keys resolve.Keyring) *resolve.Stage {
	return &resolve.Stage{
		Keyring:   keys,
		Templates: sealed.Remote{Plugin: source{h.calls, "sealed"}},
		Resolver:  external.NewResolver(source{h.calls, externalPlugin}, time.Now),
	}
}
