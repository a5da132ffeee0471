package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A bomb panics with a secret wherever it is told to.
type bomb struct {
	*world
	at string
}

func (b bomb) explode(at string) {
	if b.at == at {
		panic(errors.New("no way to use hunter2-canary"))
	}
}

func (b bomb) Tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error) {
	b.explode("revision")
	return b.world.Tree(ctx, repo, sha)
}

func (b bomb) Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	b.explode("render")
	return b.world.Render(ctx, plugin, req)
}

func (b bomb) Decrypt(ctx context.Context, req *sdk.DecryptRequest) ([]byte, error) {
	b.explode("decrypt")
	return opener{b.world}.Decrypt(ctx, req)
}

func (b bomb) Keys(context.Context) (sealed.Keys, error) {
	b.explode("open")
	return sealed.Keys{}, nil
}

func (b bomb) Fetch(context.Context, *sdk.SecretRequest) (*sdk.SecretResult, error) {
	b.explode("fetch")
	return nil, errors.New("nothing there")
}

const unresolved = `apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: token}
spec: {encryptedData: {a: AAAA}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: demo}
spec: {provider: {fake: {data: []}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api}
spec:
  secretStoreRef: {name: demo}
  data: [{secretKey: a, remoteRef: {key: x}}]
`

// A panic in any stage is an error of the Application, which says in which
// function, and nothing of what the panic says.
func TestPanicsAreErrors(t *testing.T) {
	for _, at := range []string{"revision", "render", "decrypt", "open", "fetch", "permit"} {
		t.Run(at, func(t *testing.T) {
			w, p, app := newLeaking(t)
			b := bomb{w, at}
			w.write(t, "shop/objects.yaml", unresolved)
			p.Git, p.Render = b, render.New(render.Config{Plugins: b})
			p.Secrets.Keyring, p.Secrets.Resolver = b, external.NewResolver(b, p.Now)
			p.Permit = func(*api.Application) func(*manifest.Object) error {
				return func(*manifest.Object) error { b.explode("permit"); return nil }
			}
			_, err := p.Desired(t.Context(), app, nil)
			var crashed *crash.Error
			if !errors.As(err, &crashed) || !strings.Contains(err.Error(), "panic with a *errors.errorString in ") {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error()+strings.Join(crashed.Frames, ""), "hunter2") {
				t.Errorf("it says %v", err)
			}
		})
	}
}
