package stores_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate/stores"
)

// object has a line: GROUP/VERSION KIND NAMESPACE/NAME SPEC, of which a namespace of "-"
// is none.
func object(line string) string {
	words := strings.SplitN(line, " ", 4)
	namespace, name, _ := strings.Cut(words[2], "/")
	meta := "name: " + name
	if namespace != "-" {
		meta += ", namespace: " + namespace
	}
	name, more, ok := strings.Cut(words[3], "|")
	if ok {
		meta += ", " + strings.TrimSpace(name)
	} else {
		more = words[3]
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {%s}\n%s\n", words[0], words[1], meta, strings.TrimSpace(more))
}

func setOf(t *testing.T, lines []string) manifest.Set {
	t.Helper()
	var texts []string
	for _, line := range lines {
		texts = append(texts, object(line))
	}
	set, err := manifest.Parse([]byte(strings.Join(texts, "---\n")), manifest.Origin{File: "a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// check returns a line for each problem.
func check(t *testing.T, lines []string, has func(schema.GroupKind, string, string) bool) string {
	t.Helper()
	var b strings.Builder
	for _, p := range stores.Check(t.Context(), setOf(t, lines), has) {
		fmt.Fprintf(&b, "%s %s %s: %s", p.Object.Key.Name, p.Rule, p.Path, p.Message)
		if p.Hint != "" {
			b.WriteString("; " + p.Hint)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const (
	external = "external-secrets.io/v1 ExternalSecret "
	store    = "external-secrets.io/v1 SecretStore "
	cluster  = "external-secrets.io/v1 ClusterSecretStore "
)

func TestStores(t *testing.T) {
	vault := cluster + "-/vault spec: {provider: {vault: {}}}"
	own := store + "shop/own spec: {provider: {vault: {}}}"
	for _, tt := range []struct {
		name    string
		objects []string
		want    string
	}{
		{"its own", []string{own, external + "shop/a spec: {secretStoreRef: {name: own}}"}, ""},
		{"that of all", []string{vault, external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"}, ""},
		{"that of all, to which a renderer gave a namespace", []string{cluster + "platform/vault spec: {provider: {vault: {}}}", external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"}, ""},
		{"none at all here", []string{external + "shop/a spec: {secretStoreRef: {name: vault}}"}, ""},
		{"no reference", []string{vault, external + "shop/a spec: {data: []}"}, ""},
		{"one that is not here", []string{own, external + "shop/a spec: {secretStoreRef: {name: platform, kind: ClusterSecretStore}}"}, "a secret-store-unknown spec.secretStoreRef.name: there is no ClusterSecretStore platform in what is rendered for its cluster\n"},
		{"of another namespace", []string{store + "web/platform spec: {}", external + "shop/a spec: {secretStoreRef: {name: platform}}"}, "a secret-store-unknown spec.secretStoreRef.name: there is no SecretStore platform in namespace shop in what is rendered for its cluster\n"},
		{"misspelt", []string{own, external + "shop/a spec: {secretStoreRef: {name: onw}}"}, "a secret-store spec.secretStoreRef.name: there is no SecretStore onw in namespace shop; did you mean own?\n"},
		{"of the other kind", []string{vault, external + "shop/a spec: {secretStoreRef: {name: vault}}"}, "a secret-store spec.secretStoreRef: there is no SecretStore vault in namespace shop; there is a ClusterSecretStore of this name: say kind: ClusterSecretStore\n"},
		{"of no such kind", []string{vault, external + "shop/a spec: {secretStoreRef: {name: vault, kind: Store}}"}, "a secret-store spec.secretStoreRef.kind: \"Store\" is neither SecretStore nor ClusterSecretStore\n"},
		{"without a name", []string{vault, external + "shop/a spec: {secretStoreRef: {kind: ClusterSecretStore}}"}, "a secret-store spec.secretStoreRef: it has no name\n"},
		{
			"of single items", []string{own, external + "shop/a spec: {data: [{secretKey: k}, {secretKey: l, sourceRef: {storeRef: {name: onw}}}], dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}, {sourceRef: {storeRef: {name: owm}}}]}"},
			"a secret-store spec.data[1].sourceRef.storeRef.name: there is no SecretStore onw in namespace shop; did you mean own?\na secret-store spec.dataFrom[1].sourceRef.storeRef.name: there is no SecretStore owm in namespace shop; did you mean own?\n",
		},
		{"of another type", []string{own, external + "shop/a spec: {secretStoreRef: [1]}"}, ""},
		{
			"not for its namespace", []string{cluster + "-/vault spec: {conditions: [{namespaces: [web]}], provider: {vault: {}}}", external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"},
			"a secret-store-refused spec.secretStoreRef.name: ClusterSecretStore vault at a.yaml:1: ",
		},
		{
			"for namespaces with a label, which it has not", []string{"v1 Namespace -/shop labels: {secrets: none} |", cluster + "-/vault spec: {conditions: [{namespaceSelector: {matchLabels: {secrets: allowed}}}], provider: {vault: {}}}", external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"},
			"a secret-store-refused spec.secretStoreRef.name: ClusterSecretStore vault at a.yaml:",
		},
		{
			"for namespaces with a label, which it has", []string{"v1 Namespace -/shop labels: {secrets: allowed} |", cluster + "-/vault spec: {conditions: [{namespaceSelector: {matchLabels: {secrets: allowed}}}], provider: {vault: {}}}", external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"},
			"",
		},
		{"for namespaces with a label, which is not known", []string{cluster + "-/vault spec: {conditions: [{namespaceSelector: {matchLabels: {secrets: allowed}}}], provider: {vault: {}}}", external + "shop/a spec: {secretStoreRef: {name: vault, kind: ClusterSecretStore}}"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := check(t, tt.objects, nil)
			if got != tt.want && (strings.HasSuffix(tt.want, "\n") || tt.want == "" || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// What is known to be made elsewhere is asked for by its kind, its namespace if it has
// one, and its name.
func TestStoresElsewhere(t *testing.T) {
	var asked []string
	has := func(kind schema.GroupKind, namespace, name string) bool {
		asked = append(asked, fmt.Sprintf("%s %s/%s", kind, namespace, name))
		return name == "platform"
	}
	got := check(t, []string{
		store + "shop/own spec: {}",
		external + "shop/a spec: {secretStoreRef: {name: platform, kind: ClusterSecretStore}}",
		external + "shop/b spec: {secretStoreRef: {name: platform}}",
		external + "shop/c spec: {secretStoreRef: {name: elsewhere, kind: ClusterSecretStore}}",
		external + "shop/d spec: {secretStoreRef: {name: own}}",
	}, has)
	if want := "c secret-store-unknown spec.secretStoreRef.name: there is no ClusterSecretStore elsewhere in what is rendered for its cluster\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	want := "ClusterSecretStore.external-secrets.io /platform, SecretStore.external-secrets.io shop/platform, ClusterSecretStore.external-secrets.io /elsewhere"
	if all := strings.Join(asked, ", "); all != want {
		t.Errorf("it asks for %s\nwant %s", all, want)
	}
}

func TestTwice(t *testing.T) {
	sealed := func(where, meta string) string {
		return "bitnami.com/v1alpha1 SealedSecret " + where + " " + meta + "| spec: {}"
	}
	for _, tt := range []struct {
		name    string
		objects []string
		want    string
	}{
		{"each its own", []string{sealed("shop/a", ""), external + "shop/b spec: {}", "v1 Secret shop/c data: {}"}, ""},
		{"in two namespaces", []string{sealed("shop/a", ""), external + "web/a spec: {}"}, ""},
		{"two of one name", []string{sealed("shop/a", ""), external + "shop/a spec: {}"}, "a secret-twice : it makes Secret a, which bitnami.com/SealedSecret shop/a at a.yaml:1 makes, too; give one of them another name\n"},
		{"by its target", []string{"v1 Secret shop/db data: {}", external + "shop/a spec: {target: {name: db}}"}, "a secret-twice spec.target.name: it makes Secret db, which Secret shop/db at a.yaml:1 makes, too; give one of them another name\n"},
		{"one that adds to it", []string{sealed("shop/db", ""), external + "shop/a spec: {target: {name: db, creationPolicy: Merge}}"}, ""},
		{"one that makes none", []string{sealed("shop/db", ""), external + "shop/a spec: {target: {name: db, creationPolicy: None}}"}, ""},
		{"one that leaves it behind", []string{sealed("shop/db", ""), external + "shop/a spec: {target: {name: db, creationPolicy: Orphan}}"}, "a secret-twice spec.target.name: it makes Secret db, which bitnami.com/SealedSecret shop/db at a.yaml:1 makes, too; give one of them another name\n"},
		{"one that makes something else of it", []string{sealed("shop/db", ""), external + "shop/a spec: {target: {name: db, manifest: {apiVersion: v1, kind: ConfigMap}}}"}, ""},
		{"a Secret that may be taken over", []string{"v1 Secret shop/a annotations: {sealedsecrets.bitnami.com/managed: 'true'} | data: {}", sealed("shop/a", "")}, ""},
		{"a Secret that may be added to", []string{"v1 Secret shop/a annotations: {sealedsecrets.bitnami.com/patch: 'true'} | data: {}", sealed("shop/a", "")}, ""},
		{"a Secret that may not", []string{"v1 Secret shop/a annotations: {sealedsecrets.bitnami.com/patch: 'no'} | data: {}", sealed("shop/a", "")}, "a secret-twice : it makes Secret a, which Secret shop/a at a.yaml:1 makes, too; give one of them another name\n"},
		{"one object, stated twice", []string{sealed("shop/a", ""), sealed("shop/a", "")}, ""},
		{"where it goes to is not known", []string{sealed("-/a", ""), external + "-/a spec: {}"}, ""},
		{"of another type", []string{sealed("shop/a", ""), external + "shop/a spec: {target: [1]}"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := check(t, tt.objects, nil); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}
