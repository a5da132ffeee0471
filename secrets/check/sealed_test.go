package check_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// shaped has the shape of what kubeseal makes: the length of a key, it, and a text of 16
// bytes more than it has.
var shaped = base64.StdEncoding.EncodeToString(append([]byte{0, 2, 'k', 'k'}, make([]byte, 20)...))

// sealedSecret has an item, and what else its metadata says.
func sealedSecret(metadata, item string) string {
	return fmt.Sprintf("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {%s}\nspec: {encryptedData: {password: %q}}\n", metadata, item)
}

func TestSealed(t *testing.T) {
	short := base64.StdEncoding.EncodeToString([]byte{1, 0, 'k'})
	fails := func(err error) check.Keys {
		return check.Keys{OpenSealed: func(context.Context, *manifest.Object) error { return err }}
	}
	for _, tt := range []struct {
		name, text string
		keys       check.Keys
		want       string
		unsure     bool
	}{
		{"it opens", sealedSecret("name: db, namespace: shop", shaped), fails(nil), "", false},
		{"nobody says whether it opens", sealedSecret("name: db, namespace: shop", shaped), check.Keys{}, "", true},
		{"of a namespace that only an Application knows", sealedSecret("name: db", shaped), fails(errors.New("x")), "", true},
		{"for all namespaces", sealedSecret("name: db, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}", shaped), fails(errors.New("no key fits")), "no-key a.yaml:1 db: no key fits\n", false},
		{"no key", sealedSecret("name: db, namespace: shop", shaped), fails(errors.New("no key fits")), "no-key a.yaml:1 shop/db: no key fits\n", false},
		{"for another scope", sealedSecret("name: db, namespace: shop", shaped), fails(fmt.Errorf("sealed for b: %w", sealed.ErrScope)), "scope a.yaml:1 shop/db: sealed for b: " + sealed.ErrScope.Error() + "\n", false},
		{"it was changed", sealedSecret("name: db, namespace: shop", shaped), fails(sealed.ErrBroken), "damaged a.yaml:1 shop/db: " + sealed.ErrBroken.Error() + "\n", false},
		{"cut off", sealedSecret("name: db, namespace: shop", short), fails(nil), "malformed a.yaml:1 shop/db: item \"password\" is cut off, or is not what kubeseal makes\n", false},
		{"nothing at all", sealedSecret("name: db, namespace: shop", ""), fails(nil), "malformed a.yaml:1 shop/db: item \"password\" is cut off, or is not what kubeseal makes\n", false},
		{"no base64", sealedSecret("name: db, namespace: shop", "s3cr3t marker!"), fails(nil), "malformed a.yaml:1 shop/db: item \"password\" is cut off, or is not what kubeseal makes\n", false},
		{"without items", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {}\n", fails(nil), "malformed a.yaml:1 shop/db: it has nothing in spec.encryptedData\n", false},
		{"of another type", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {encryptedData: [1]}\n", fails(nil), "malformed a.yaml:1 shop/db: its spec cannot be read: a field is of another type than its kind has\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := check.Tree(t.Context(), treeOf(map[string]string{"a.yaml": tt.text}), ".", walk.Options{}, tt.keys)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if unsure := len(r.Unsure) > 0; unsure != tt.unsure {
				t.Errorf("unsure of %v", r.Unsure)
			}
		})
	}
}

// As Applications deploy it, it is under other names.
func TestDeployed(t *testing.T) {
	const wide, cluster = "annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}", "annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}"
	for _, tt := range []struct {
		name, git, deployed string
		err                 error // of what opens; nil with opens false is that nothing does
		opens               bool
		want                string
	}{
		{"as it is", "name: db, namespace: shop", "name: db, namespace: shop", nil, false, ""},
		{"into the namespace that it was without", "name: db", "name: db, namespace: shop", nil, false, ""},
		{"into another namespace", "name: db, namespace: shop", "name: db, namespace: web", nil, false, "scope a.yaml:1 shop/db: app deploys it as web/db, and it is sealed (strict) for shop/db\n"},
		{"under another name", "name: db, namespace: shop", "name: prod-db, namespace: shop", nil, false, "scope a.yaml:1 shop/db: app deploys it as shop/prod-db, and it is sealed (strict) for shop/db\n"},
		{"under another name of its namespace", "name: db, namespace: shop, " + wide, "name: prod-db, namespace: shop, " + wide, nil, false, ""},
		{"out of its namespace", "name: db, namespace: shop, " + wide, "name: db, namespace: web, " + wide, nil, false, "scope a.yaml:1 shop/db: app deploys it as web/db, and it is sealed (namespace-wide) for shop/db\n"},
		{"anywhere", "name: db, namespace: shop, " + cluster, "name: x, namespace: web, " + cluster, nil, false, ""},
		{"with a scope that it was not sealed with", "name: db, namespace: shop", "name: db, namespace: shop, " + wide, nil, false, "scope a.yaml:1 shop/db: app deploys it with the scope namespace-wide, and it is sealed with the scope strict\n"},
		{"where it opens", "name: db, namespace: shop", "name: db, namespace: web", nil, true, ""},
		{"where it does not open", "name: db, namespace: shop", "name: db, namespace: web", sealed.ErrScope, true, "scope a.yaml:1 shop/db: as app deploys it, as web/db: " + sealed.ErrScope.Error() + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := check.Tree(t.Context(), treeOf(map[string]string{"a.yaml": sealedSecret(tt.git, shaped)}), ".", walk.Options{}, check.Keys{Unknown: true})
			if err != nil {
				t.Fatal(err)
			}
			set, err := manifest.Parse([]byte(sealedSecret(tt.deployed, shaped)), manifest.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			keys := check.Keys{}
			if tt.opens {
				keys.OpenSealed = func(context.Context, *manifest.Object) error { return tt.err }
			}
			r.Deployed(t.Context(), "app", set[0], keys)
			if got := told(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What was sealed elsewhere has nothing to do with what is in Git.
func TestDeployedFromElsewhere(t *testing.T) {
	r, err := check.Tree(t.Context(), treeOf(map[string]string{"a.yaml": sealedSecret("name: db, namespace: shop", shaped)}), ".", walk.Options{}, check.Keys{Unknown: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		sealedSecret("name: db, namespace: web", strings.Replace(shaped, "AAAA", "AAAB", 1)),
		"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: web}\nspec: {}\n",
	} {
		set, err := manifest.Parse([]byte(text), manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		r.Deployed(t.Context(), "app", set[0], check.Keys{})
	}
	if got := told(r); got != "" {
		t.Errorf("got %s", got)
	}
}
