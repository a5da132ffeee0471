package inventory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

func TestFind(t *testing.T) {
	const sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b, annotations: {sealedsecrets.bitnami.com/%s: \"true\"}}\nspec: {encryptedData: {x: AgA=, z: AgB=}}\n"
	for _, tt := range []struct{ name, file, text, want string }{
		{"strict", "a.yaml", fmt.Sprintf(sealed, "other"), "SealedSecret b/a strict [] [x z]"},
		{"for a namespace", "a.yaml", fmt.Sprintf(sealed, "namespace-wide"), "SealedSecret b/a namespace-wide [] [x z]"},
		{"beside what is no object", "a.yaml", "a: b\n---\n" + fmt.Sprintf(sealed, "cluster-wide"), "SealedSecret   [] [] it cannot be read: a.yaml:1: not a Kubernetes object: it needs apiVersion and kind, and has apiVersion \"\" and kind \"\""},
		{"in a list", "a.yaml", "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf(sealed, "cluster-wide")), "\n", "\n  ") + "\n", "SealedSecret b/a cluster-wide [] [x z]"},
		{"a chart's", "templates/a.yaml", "{{- if .Values.on }}\nkind: SealedSecret\nmetadata: {name: {{ .Values.name }}}\n{{- end }}\n", "SealedSecret   [] [] it is a template: see what tidelock render makes of it"},
		{"a chart's that is broken", "a.yaml", "kind: SealedSecret\nmetadata: {name: [}\n", "SealedSecret   [] [] it cannot be read: a.yaml:1: not a Kubernetes object: malformed YAML: did not find expected node content: check the indentation and the quotes of this line and of those before it"},
		{"external", "a.yaml", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec:\n  secretStoreRef: {name: one}\n  data: [{secretKey: k}, {secretKey: l, sourceRef: {storeRef: {kind: ClusterSecretStore, name: two}}}]\n  dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}]\n", "ExternalSecret a  [SecretStore/one ClusterSecretStore/two Password/p] [k l]"},
		{"pushed", "a.yaml", "apiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nmetadata: {name: a}\nspec: {secretStoreRefs: [{name: one}]}\n", "PushSecret a  [SecretStore/one] [] PushSecrets are not acted on: only external-secrets' own controller does"},
		{"of another type", "a.yaml", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {data: 5}\n", "ExternalSecret a  [] [] its spec cannot be read: a field is of another type than its kind has"},
		{"mentioned", "a.md", "kind: SealedSecret\n", ""},
		{"no recipient", "a.yaml", "a: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\nsops:\n    lastmodified: \"2026-01-01T00:00:00Z\"\n    mac: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n    version: 3.13.3\n", "SOPS   [] [] malformed yaml, or malformed metadata"},
		{"malformed metadata", "a.yaml", "sops:\n    lastmodified: never\n    mac: x\n", "SOPS   [] [] malformed yaml, or malformed metadata"},
		{"quoted in a document", "a.md", "    sops:\n\nsops:\n    lastmodified: never\n    mac: x\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{tt.file: {Data: []byte(tt.text)}}
			found, err := inventory.Find(context.Background(), tree, ".", walk.Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range found.Items {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %v %v %s", i.Kind, i.Object, i.Scope, i.Stores, i.Items, i.Problem+i.Note)))
			}
			if text := strings.Join(got, "\n"); text != tt.want {
				t.Errorf("got\n%s\nwant\n%s", text, tt.want)
			}
		})
	}
}

func TestOpens(t *testing.T) {
	held := []recipients.Recipient{{Kind: "age", ID: "a", Key: "ka"}, {Kind: "age", ID: "b", Key: "kb"}, {Kind: "hc_vault", Key: "kv"}}
	group := func(n int, kinds ...string) (all []file.Recipient) {
		for _, k := range kinds {
			kind, id, _ := strings.Cut(k, " ")
			all = append(all, file.Recipient{Kind: kind, ID: id, Group: n})
		}
		return all
	}
	for _, tt := range []struct {
		name      string
		to        []file.Recipient
		threshold int
		ambient   bool
		want      recipients.Answer
		by        string
	}{
		{"one of them", group(0, "age x", "age a"), 0, false, recipients.Yes, "ka"},
		{"none", group(0, "age x", "pgp y"), 0, false, recipients.No, ""},
		{"a service that we log in to", group(0, "age x", "hc_vault v"), 0, false, recipients.Perhaps, ""},
		{"another service", group(0, "kms k"), 0, false, recipients.No, ""},
		{"another service, of a machine", group(0, "kms k"), 0, true, recipients.Perhaps, ""},
		{"both groups", append(group(1, "age a"), group(2, "age b")...), 2, false, recipients.Yes, "ka kb"},
		{"one group of two", append(group(1, "age a"), group(2, "age x")...), 2, false, recipients.No, ""},
		{"one group of two is enough", append(group(1, "age a"), group(2, "age x")...), 1, false, recipients.Yes, "ka"},
		{"a group and a service", append(group(1, "age a"), group(2, "hc_vault v")...), 2, false, recipients.Perhaps, "ka"},
		{"nobody", nil, 0, true, recipients.No, ""},
	} {
		item := &inventory.Item{Recipients: tt.to, Threshold: tt.threshold}
		if got, by := item.Opens(held, tt.ambient); got != tt.want || strings.Join(by, " ") != tt.by {
			t.Errorf("%s: %v by %q, want %v by %q", tt.name, got, by, tt.want, tt.by)
		}
	}
}
