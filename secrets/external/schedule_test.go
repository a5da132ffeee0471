package external

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// TestDue: never late, at most a tenth early, and not all at once.
func TestDue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, every := range []time.Duration{time.Second, time.Minute, time.Hour, 8760 * time.Hour} {
		slots := map[time.Duration]int{}
		for i := range 1000 {
			early := now.Add(every).Sub(due(fmt.Sprintf("app-%d", i), now, every))
			if early < 0 || early > every/10 {
				t.Fatalf("every %v: app-%d is due %v early", every, i, early)
			}
			slots[early/(every/100)]++
		}
		for slot, n := range slots {
			if n > 200 {
				t.Errorf("every %v: %d of 1000 Applications are due in the hundredth %d", every, n, slot)
			}
		}
		if a, b := due("shop", now, every), due("shop", now, every); !a.Equal(b) {
			t.Errorf("every %v: the same Application is due at %v and at %v", every, a, b)
		}
	}
}

// counter is a plugin that counts what it is asked, and answers with what it is
// set to.
type counter struct {
	asked map[string]int
	value string
	err   error
}

func (c *counter) Fetch(_ context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	c.asked[req.Application]++
	if c.err != nil {
		return nil, c.err
	}
	return &sdk.SecretResult{Labels: map[string]string{managedLabel: "true"}, Data: map[string]sdk.Material{"a": sdk.Material(c.value)}}, nil
}

// TestTogether: of an Application's ExternalSecrets those that fall due soon are
// asked for along with the first, others are not.
func TestTogether(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	plugin := &counter{asked: map[string]int{}, value: "1"}
	r := NewResolver(plugin, func() time.Time { return now })
	live := cluster{"SecretStore shop/demo": "{spec: {provider: {fake: {}}}}"}
	resolve := func(name string) Result {
		t.Helper()
		o, err := externalSecret(t, byStore).Edit(func(body map[string]any) { body["metadata"].(map[string]any)["name"] = name })
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Resolve(t.Context(), Request{Application: "shop", Object: o, Cluster: live})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := resolve("a").Next
	now = now.Add(10 * time.Second)
	resolve("b")
	now = now.Add(10 * time.Second)
	resolve("c")

	now = first
	for _, name := range []string{"a", "b", "c"} {
		resolve(name)
	}
	if plugin.asked["shop"] != 5 {
		t.Errorf("asked %d times, want 5: three at first, then for a and b, but not for c, which was 20 s later", plugin.asked["shop"])
	}
}

// TestUnchanged: the same value is the same object, so that nobody acts on it.
func TestUnchanged(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	plugin := &counter{asked: map[string]int{}, value: "1"}
	r := NewResolver(plugin, func() time.Time { return now })
	req := Request{Application: "shop", Object: externalSecret(t, byStore), Cluster: cluster{"SecretStore shop/demo": "{spec: {provider: {fake: {}}}}"}}
	secrets := map[*manifest.Object]bool{}
	for i, tt := range []struct {
		value string
		want  int
	}{{"1", 1}, {"1", 1}, {"2", 2}, {"2", 2}, {"1", 3}} {
		plugin.value = tt.value
		got, err := r.Resolve(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		secrets[got.Secret] = true
		if len(secrets) != tt.want || plugin.asked["shop"] != i+1 {
			t.Errorf("after %d: %d objects of %d answers, want %d", i, len(secrets), plugin.asked["shop"], tt.want)
		}
		now = got.Next
	}
}
