package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/resolve"
)

// crowd is how many ExternalSecrets share one store of a real Vault.
const crowd = 1000

// A crowded is an Application of many ExternalSecrets.
type crowded struct {
	vault *testenv.Vault
	front *vaultFront
	stage *resolve.Stage
	app   resolve.Application
	set   manifest.Set
	now   time.Time
	kept  manifest.Set // of the last run
}

func newCrowded(t testing.TB) *crowded {
	t.Helper()
	ctx := t.Context()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	tool, err := testenv.VaultTool(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	c := &crowded{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	c.app = resolve.Application{Name: "shop", Permit: func(*manifest.Object) error { return nil }}
	if c.vault, err = testenv.StartVault(ctx, testenv.VaultOptions{Binary: tool, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.vault.Stop(); err != nil {
			t.Error(err)
		}
	})
	if c.front, err = startVaultFront(c.vault.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.front.Close)
	c.fill(ctx, t)

	h, err := host.New(host.Config{Logger: slog.New(slog.DiscardHandler), Plugins: builtinSpecs(bin.Tidelock, surroundings{}), Scratch: filepath.Join(t.TempDir(), "scratch")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	c.stage = &resolve.Stage{Resolver: external.NewResolver(source{h, externalPlugin}, func() time.Time { return c.now })}
	return c
}

// fill writes the values and what refers to them.
func (c *crowded) fill(ctx context.Context, t testing.TB) {
	t.Helper()
	if err := c.vault.Policy(ctx, "web", `path "secret/data/shop/*" { capabilities = ["read"] }`); err != nil {
		t.Fatal(err)
	}
	role, secret, err := c.vault.AppRole(ctx, testenv.VaultRole{Name: "web", Policies: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, `
{apiVersion: v1, kind: Secret, metadata: {name: login, namespace: shop}, stringData: {secret-id: %q}}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec:
  retrySettings: {maxRetries: 0}
  provider: {vault: {server: %q, path: secret, auth: {appRole: {roleId: %q, secretRef: {name: login, key: secret-id}}}}}
`, secret, c.front.URL, role)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range crowd {
		fmt.Fprintf(&text, `---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: s%d, namespace: shop}
spec: {secretStoreRef: {name: vault}, data: [{secretKey: password, remoteRef: {key: shop/s%[1]d, property: password}}]}
`, i)
		g.Go(func() error {
			_, err := c.vault.Put(ctx, fmt.Sprintf("shop/s%d", i), map[string]any{"password": fmt.Sprintf("first of %d", i)})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if c.set, err = manifest.Parse([]byte(text.String()), manifest.Origin{File: "shop.yaml"}); err != nil {
		t.Fatal(err)
	}
}

// run resolves all, as the pipeline does, and returns the Secrets by name.
func (c *crowded) run(t testing.TB) (made map[string]*manifest.Object, stale resolve.Failures) {
	t.Helper()
	result, err := c.stage.Run(t.Context(), c.app, c.set, func(schema.GroupKind) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	c.kept = result.Set.Keep(c.kept)
	made = map[string]*manifest.Object{}
	for _, o := range c.kept {
		if o.Key.Kind == "Secret" && o.Key.Name != "login" {
			made[o.Key.Name] = o
		}
	}
	return made, result.Stale
}

// asked counts what Vault was asked since last time.
func (c *crowded) asked(t *testing.T, before *testenv.Requests) (logins, reads int) {
	t.Helper()
	now, err := c.vault.Requests()
	if err != nil {
		t.Fatal(err)
	}
	was := *before
	*before = now
	return now.Matching("approle/login") - was.Matching("approle/login"), now.Matching("read secret/data") - was.Matching("read secret/data")
}

// TestThousandExternalSecrets: one login and one read each; what is not due is not
// asked for; what has not changed is the same object; and a Vault that is sealed
// is not tried for each.
func TestThousandExternalSecrets(t *testing.T) {
	t.Parallel()
	whole(t)
	c := newCrowded(t)
	requests := testenv.Requests{}
	want := func(when string, wantLogins, wantReads int) {
		t.Helper()
		if logins, reads := c.asked(t, &requests); logins != wantLogins || reads != wantReads {
			t.Errorf("%s: %d logins and %d reads, want %d and %d", when, logins, reads, wantLogins, wantReads)
		}
	}
	first, _ := c.run(t)
	if len(first) != crowd {
		t.Fatalf("%d Secrets, want %d", len(first), crowd)
	}
	want("at first", 1, crowd)
	c.now = c.now.Add(30 * time.Minute)
	_, _ = c.run(t)
	want("not due", 0, 0)

	if _, err := c.vault.Put(t.Context(), "shop/s7", map[string]any{"password": "another"}); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(30 * time.Minute)
	second, _ := c.run(t)
	want("due", 0, crowd)
	for name, o := range second {
		if (o == first[name]) == (name == "s7") {
			t.Errorf("%s is the same object: %t", name, o == first[name])
		}
	}

	if err := c.vault.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	tries := c.front.asked.Load()
	c.now = c.now.Add(time.Hour)
	third, stale := c.run(t)
	if len(third) != crowd || len(stale) != crowd {
		t.Errorf("sealed: %d Secrets, %d of them stale; want %d", len(third), len(stale), crowd)
	}
	if tries = c.front.asked.Load() - tries; tries > crowd/50 {
		t.Errorf("a sealed Vault was asked %d times", tries)
	}
	if err := c.vault.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkExternalSecrets refreshes all of them.
func BenchmarkExternalSecrets(b *testing.B) {
	c := newCrowded(b)
	c.app.Fresh = true
	_, _ = c.run(b)
	for b.Loop() {
		_, _ = c.run(b)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/1000, "s/1000-secrets")
}
