package resolve

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/secrets/audit"
)

// What is opened and fetched is told of, with the key's fingerprint and the stores;
// what a provider gave and still counts is not fetched.
func TestUsesAreAudited(t *testing.T) {
	w := newWorld(t)
	set := parse(t, w.sealed(t, "shop", "db", "s3aled"), storeShop, esShop)
	run := func() (told []string) {
		ctx := audit.With(t.Context(), func(e audit.Event) {
			if e.Err == nil && e.Version == "" {
				t.Errorf("%s has no version", e.What)
			}
			told = append(told, fmt.Sprintf("%s %s %s %s %s %t", e.Application, e.Kind, e.What, e.Stores, e.Keys, e.Err == nil))
		})
		_, _ = w.stage.Run(ctx, Application{Name: "shop", Permit: permitAll}, set, serves())
		slices.Sort(told)
		return told
	}
	fetched := "shop external-secret external-secrets.io/ExternalSecret shop/api [SecretStore demo] [] true"
	told := run()
	if len(told) != 2 || told[0] != fetched || !strings.HasPrefix(told[1], "shop sealed-secret bitnami.com/SealedSecret shop/db [] [SHA256:") {
		t.Errorf("told %q", told)
	}
	if told = run(); slices.Contains(told, fetched) {
		t.Errorf("nothing was fetched, and told %q", told)
	}
	w.now = w.now.Add(time.Hour)
	if told = run(); !slices.Contains(told, fetched) {
		t.Errorf("an hour later: told %q", told)
	}
	set = parse(t, strings.ReplaceAll(storeShop, "value: \"from the render\"", "fail: \"no such path\""), esShop)
	w.now = w.now.Add(time.Hour)
	if told = run(); len(told) != 1 || !strings.HasSuffix(told[0], "false") {
		t.Errorf("an outage: told %q", told)
	}
}
