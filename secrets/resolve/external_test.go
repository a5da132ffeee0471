package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// town is a cluster whose namespaces are known, with a label each.
type town struct {
	cluster
	labels map[string]string
}

func (c town) Namespaces(context.Context) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for name, team := range c.labels {
		out[name] = map[string]string{"team": team}
	}
	return out, nil
}

const echoStore = "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: demo}\nspec: {provider: {echo: {value: v}}}"

func everywhere(spec string) string {
	return "apiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret\nmetadata: {name: all, annotations: {argocd.argoproj.io/sync-wave: \"3\"}}\nspec:\n  externalSecretName: api\n" +
		"  externalSecretSpec: {secretStoreRef: {kind: ClusterSecretStore, name: demo}, data: [{secretKey: value, remoteRef: {key: k}}]}\n  " + spec
}

// TestClusterExternalSecret: one object becomes a Secret in each namespace that
// it names or selects, and that the project permits.
func TestClusterExternalSecret(t *testing.T) {
	places := town{cluster{}, map[string]string{"shop": "web", "blog": "web", "billing": "db", "secret": "web"}}
	forbidSecret := func(o *manifest.Object) error {
		if o.Key.Namespace == "secret" {
			return errors.New("namespace secret is not for project x")
		}
		return nil
	}
	secret := func(namespace string) string { return "Secret " + namespace + "/api value=v wave=3\n" }
	for _, tt := range []struct {
		name, spec, more, want, leftOut, err string
		cluster                              town
		served                               []string
	}{
		{name: "by name", spec: "namespaces: [billing, shop, nowhere]", cluster: places, want: secret("billing") + secret("shop")},
		{name: "by label", spec: "namespaceSelectors: [{matchLabels: {team: db}}]", cluster: places, want: secret("billing")},
		{
			name: "either", spec: "namespaceSelectors: [{matchLabels: {team: db}}]\n  namespaces: [blog, blog]", cluster: places,
			want: secret("billing") + secret("blog"),
		},
		{
			name: "what the project forbids is left out, and said", spec: "namespaceSelectors: [{matchLabels: {team: web}}]", cluster: places,
			want: secret("blog") + secret("shop"), leftOut: "ClusterExternalSecret all: namespace secret: not permitted: namespace secret is not for project x",
		},
		{
			name: "the old field", spec: "namespaceSelector: {matchLabels: {team: db}}", cluster: places, want: secret("billing"),
		},
		{
			name: "an ExternalSecret of that name is there", spec: "namespaces: [shop, blog]", cluster: places,
			more: strings.Replace(esShop, "annotations:", "x-annotations:", 1),
			want: secret("blog") + "Secret shop/api-token value=v\n", leftOut: "namespace shop: there is an ExternalSecret of that name already",
		},
		{
			name: "a namespace of the same render counts by name", spec: "namespaces: [fresh]", cluster: places,
			more: "apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}", want: secret("fresh") + "Namespace /fresh\n",
		},
		{
			name: "but not by label", spec: "namespaceSelectors: [{matchLabels: {team: db}}]", cluster: places,
			more: "apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh, labels: {team: db}}", want: secret("billing") + "Namespace /fresh\n",
		},
		{name: "without a cluster by name", spec: "namespaces: [b, a]", want: secret("a") + secret("b")},
		{name: "without a cluster by label", spec: "namespaceSelectors: [{}]", err: "ClusterExternalSecret all: refused: the labels of namespaces are not known without a cluster"},
		{name: "no interval", spec: "refreshTime: often", cluster: places, err: `spec.refreshTime "often" is no duration`},
		{name: "it is served", spec: "namespaces: [shop]", cluster: places, served: []string{"ClusterExternalSecret", "ClusterSecretStore"}, want: "ClusterExternalSecret /all wave=3\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			app := Application{Name: "shop", Permit: forbidSecret}
			store := echoStore
			if tt.cluster.labels != nil {
				app.Cluster = tt.cluster
				tt.cluster.cluster["ClusterSecretStore /demo"] = "{spec: {provider: {echo: {value: v}}}}"
				tt.cluster.cluster["SecretStore shop/demo"] = "{spec: {provider: {echo: {value: v}}}}"
				store = ""
			}
			got, err := w.stage.Run(t.Context(), app, parse(t, everywhere(tt.spec), tt.more, store), serves(tt.served...))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, print(got.Set)); diff != "" {
				t.Error(diff)
			}
			if text := got.LeftOut.Error(); (text == "") != (tt.leftOut == "") || !strings.Contains(text, tt.leftOut) {
				t.Errorf("left out: %q, want %q", text, tt.leftOut)
			}
			if tt.served == nil && got.Next.After(w.now.Add(time.Hour)) {
				t.Errorf("namespaces are looked at again at %v", got.Next)
			}
		})
	}
}

// TestLeftOut: what only a controller could do is said, and all else is done.
func TestLeftOut(t *testing.T) {
	for _, tt := range []struct{ apiVersion, kind string }{
		{"external-secrets.io/v1alpha1", "PushSecret"},
		{"external-secrets.io/v1alpha1", "ClusterPushSecret"},
		{"generators.external-secrets.io/v1alpha1", "VaultDynamicSecret"},
	} {
		w := newWorld(t)
		object := "apiVersion: " + tt.apiVersion + "\nkind: " + tt.kind + "\nmetadata: {name: p, namespace: shop}"
		got, err := w.stage.Run(t.Context(), Application{Permit: permitAll}, parse(t, configMap, object), serves())
		if err != nil {
			t.Fatal(err)
		}
		if print(got.Set) != "ConfigMap shop/plain\n" {
			t.Errorf("%s: set %s", tt.kind, print(got.Set))
		}
		text := got.LeftOut.Error()
		for _, want := range []string{"shop/p", "does not serve " + tt.kind, "hint: install external-secrets"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", tt.kind, text, want)
			}
		}
	}
}

// TestMerge: data is added to a Secret that is another's.
func TestMerge(t *testing.T) {
	merging := func(policy string) string {
		return "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: api, namespace: shop}\nspec: {secretStoreRef: {kind: ClusterSecretStore, name: demo}, target: {name: db, creationPolicy: " + policy + "}, data: [{secretKey: value, remoteRef: {key: k}}]}"
	}
	const plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop, labels: {team: web}}\nstringData: {user: ann}"
	live := cluster{"Secret shop/db": "{metadata: {name: db}}", "ClusterSecretStore /demo": "{spec: {provider: {echo: {value: v}}}}"}
	without := cluster{"ClusterSecretStore /demo": live["ClusterSecretStore /demo"]}
	for _, tt := range []struct {
		name, policy, more, want, leftOut string
		cluster                           cluster
	}{
		{"into the cluster's", "Merge", "", "Secret shop/db value=v kept\n", "", live},
		{"there is none", "Merge", "", "", "adds to a Secret that is there, and it is not", without},
		{"there need be none", "CreateOrMerge", "", "Secret shop/db value=v kept\n", "", without},
		{"into the render's", "Merge", plain, "Secret shop/db user=ann value=v\n", "", without},
		{"into the render's, too", "CreateOrMerge", plain, "Secret shop/db user=ann value=v\n", "", live},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			got, err := w.stage.Run(t.Context(), Application{Permit: permitAll, Cluster: tt.cluster}, parse(t, merging(tt.policy), tt.more), serves())
			if err != nil {
				t.Fatal(err)
			}
			if text := printAll(got.Set); text != tt.want {
				t.Errorf("set %q, want %q", text, tt.want)
			}
			if text := got.LeftOut.Error(); (text == "") != (tt.leftOut == "") || !strings.Contains(text, tt.leftOut) {
				t.Errorf("left out: %q, want %q", text, tt.leftOut)
			}
			for _, o := range got.Set {
				if o.Labels["reconcile.external-secrets.io/managed"] != "true" || tt.more != "" && o.Labels["team"] != "web" {
					t.Errorf("labels %v", o.Labels)
				}
			}
		})
	}
}

// printAll prints Secrets with all their items, and whether they stay.
func printAll(set manifest.Set) string {
	var b strings.Builder
	for _, o := range set {
		b.WriteString(o.Key.Kind + " " + o.Key.Namespace + "/" + o.Key.Name)
		for _, key := range []string{"user", "value"} {
			if value, ok := o.Data()[key]; ok {
				b.WriteString(" " + key + "=" + string(value.Reveal()))
			}
		}
		if o.Annotations["argocd.argoproj.io/sync-options"] == orphanOptions {
			b.WriteString(" kept")
		}
		b.WriteString("\n")
	}
	return b.String()
}
