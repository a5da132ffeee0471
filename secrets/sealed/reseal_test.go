package sealed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sealedItem is an item of a strict SealedSecret shop/db for pair.
func sealedItem(t testing.TB, pair map[string][]byte, plain string) string {
	t.Helper()
	raw, err := Seal(pair["tls.crt"], "strict", "shop", "db", map[string][]byte{"k": []byte(plain)})
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Spec struct {
			EncryptedData map[string]string `json:"encryptedData"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	return in.Spec.EncryptedData["k"]
}

// TestFileKeepsItsLayout reseals files of many layouts. With the new items put
// back to the old ones the file must be the very same text.
func TestFileKeepsItsLayout(t *testing.T) {
	old, next := keyPair(t), keyPair(t)
	keys := parseKeys(t, old, next)
	a, b := sealedItem(t, old, canary), sealedItem(t, old, "second")
	head := "apiVersion: bitnami.com/v1alpha1 # which\nkind: SealedSecret\nmetadata:\n    namespace: shop   # odd indentation\n    name: db\n"
	for _, tt := range []struct {
		name, text string
		other      bool // its layout cannot be kept
	}{
		{name: "plain", text: head + "spec:\n    encryptedData:\n        # the first\n        k: " + a + " # of two\n\n        l: " + b + "\n    template: {type: Opaque}\n"},
		{name: "quoted", text: head + "spec:\n    encryptedData:\n        \"k\": \"" + a + "\"\n        'l': '" + b + "'   # end\n"},
		{name: "no newline at the end", text: head + "spec:\n    encryptedData:\n        k: " + a},
		{name: "carriage returns", text: strings.ReplaceAll(head+"spec:\n    encryptedData:\n        k: "+a+"\n        l: "+b+"\n", "\n", "\r\n")},
		{name: "json", text: `{"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1",` + "\n\t" + `"metadata": {"name": "db", "namespace": "shop", "labels": {"é": "ü"}}, "spec": {"encryptedData": {"k":"` + a + `", "l" : "` + b + `"}}}`},
		{name: "several documents", text: "# a file\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n" + head + "spec: {encryptedData: {k: " + a + "}}\n...\n---\n" + head + "spec:\n    encryptedData:\n        k: " + b + "\n"},
		{name: "list", text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: bitnami.com/v1alpha1\n  kind: SealedSecret\n  metadata: {namespace: shop, name: db}\n  spec:\n    encryptedData:\n      k: " + a + "\n"},
		{name: "on a line of its own", text: head + "spec:\n    encryptedData:\n        k:\n          " + a + "\n        l: " + b + "\n"},
		{name: "folded", text: head + "spec:\n    encryptedData:\n        k: >-\n            " + a + "\n        l: " + b + "\n", other: true},
		{name: "literal", text: head + "spec:\n    encryptedData:\n        k: |-\n            " + a + "\n\n    template: {type: Opaque}\n", other: true},
		{name: "wrapped", text: head + "spec:\n    encryptedData:\n        k: |\n            " + a[:70] + "\n            " + a[70:] + "\n        l: " + b + "\n", other: true},
		{name: "literal at the end", text: head + "spec:\n    encryptedData:\n        l: " + b + "\n        k: |\n            " + a + "\n", other: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, resealed := resealText(t, tt.text, WithKeys{Keys: keys, To: keys.held[1].Recipient}, WithKeys{Keys: keys, To: keys.held[0].Recipient})
			for item, value := range resealed {
				if strings.Count(text, value) != 1 {
					t.Errorf("%s is not there once", item)
				}
				text = strings.ReplaceAll(text, value, map[bool]string{true: a, false: b}[strings.HasPrefix(item, canary)])
			}
			if diff := cmp.Diff(tt.text, text); (diff != "") != tt.other {
				t.Errorf("other text: %s", diff)
			}
		})
	}
}

// resealText reseals a text with each resealer; one of them has nothing to do. It
// returns the text and the new items by their plain text and place.
func resealText(t *testing.T, text string, by ...Resealer) (string, map[string]string) {
	t.Helper()
	var changed []string
	items := map[string]string{}
	for _, resealer := range by {
		file, err := ReadFile([]byte(text), "a.yaml")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i, d := range file.Documents {
			news, err := resealer.Reseal(t.Context(), d.Object)
			if err != nil {
				t.Fatal(err)
			}
			for item, value := range news {
				d.Set(item, value)
				n++
				secret, err := Opener{Keys: resealer.(WithKeys).Keys}.Open(t.Context(), d.Object)
				if err != nil {
					t.Fatal(err)
				}
				items[fmt.Sprint(string(secret.Data()[item].Reveal()), i)] = value
			}
		}
		out, err := file.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			changed = append(changed, string(out))
		} else if string(out) != text {
			t.Errorf("nothing was set, and the text is other")
		}
	}
	if len(changed) != 1 {
		t.Fatalf("%d resealers found something to do, want one", len(changed))
	}
	file, err := ReadFile([]byte(changed[0]), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Documents {
		if _, err := (Opener{Keys: by[0].(WithKeys).Keys}).Open(t.Context(), d.Object); err != nil {
			t.Errorf("after it: %v", err)
		}
	}
	return changed[0], items
}

func TestResealRefuses(t *testing.T) {
	mine, foreign := keyPair(t), keyPair(t)
	keys := parseKeys(t, mine)
	to, _ := keys.Newest()
	o := newObject(t, seal1(t, foreign, "strict", "shop", "db", map[string][]byte{"k": []byte(canary)}))
	_, err := WithKeys{keys, to}.Reseal(t.Context(), o)
	checkError(t, err, ErrNoKey, `item "k"`, to.String())
	for name, answer := range map[string]string{"rubbish": "no", "another": `{"spec": {"encryptedData": {"x": "AAAA"}}}`, "not base64": `{"spec": {"encryptedData": {"k": "%"}}}`} {
		_, err := ByController{func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil }}.Reseal(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
	away := errors.New("away")
	_, err = ByController{func(context.Context, []byte) ([]byte, error) { return nil, away }}.Reseal(t.Context(), o)
	if !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
}

// TestControllerSeesNoTemplate: what is sent has nothing in it that could be run.
func TestControllerSeesNoTemplate(t *testing.T) {
	pair := keyPair(t)
	body := seal1(t, pair, "namespace-wide", "shop", "db", map[string][]byte{"k": []byte(canary)})
	set(body, "{{ .k }}", "spec", "template", "data", "conf")
	var sent string
	_, err := ByController{func(_ context.Context, raw []byte) ([]byte, error) {
		sent = string(raw)
		return raw, nil
	}}.Reseal(t.Context(), newObject(t, body))
	if err != nil || strings.Contains(sent, "{{") || !strings.Contains(sent, `"sealedsecrets.bitnami.com/namespace-wide":"true"`) {
		t.Errorf("sent %s, error %v", sent, err)
	}
}

func TestReadFile(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a template", "kind: SealedSecret\n{{ .Values.x }}: {a: b}: c", "no YAML"},
		{"no metadata", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n", "a.yaml:1: "},
		{"another kind", "kind: ConfigMap\n", ""},
		{"another group", "apiVersion: example.com/v1\nkind: SealedSecret\nmetadata: {name: a}\n", ""},
		{"a scalar", "just text", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file, err := ReadFile([]byte(tt.text), "a.yaml")
			switch {
			case tt.want == "" && (err != nil || len(file.Documents) > 0):
				t.Errorf("documents %v, error %v", file, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	file, err := ReadFile([]byte("a: &x AAAA\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {encryptedData: {k: *x}}\n"), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file.Documents[0].Set("k", "BBBB")
	if _, err := file.Bytes(); !errors.Is(err, ErrBroken) {
		t.Errorf("an alias was edited: %v", err)
	}
}

// FuzzFile holds that whatever is edited still says the same, but for the item.
func FuzzFile(f *testing.F) {
	f.Add([]byte("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec:\n  encryptedData:\n    k: >-\n      AAAA\n      BBBB\n    l: 'x'\n"))
	f.Add([]byte(`{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "a"}, "spec": {"encryptedData": {"k": "AAAA"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := ReadFile(text, "f.yaml")
		if err != nil || len(file.Documents) == 0 {
			return
		}
		d := file.Documents[0]
		data := field(d.node, "spec", "encryptedData")
		if data == nil || len(data.Content) < 2 {
			return
		}
		item := data.Content[0].Value
		d.Set(item, "AgBnew0+/=")
		out, err := file.Bytes()
		if err != nil {
			return
		}
		again, err := ReadFile(out, "f.yaml")
		if err != nil || len(again.Documents) != len(file.Documents) {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if got := field(again.Documents[0].node, "spec", "encryptedData", item); got == nil || got.Value != "AgBnew0+/=" {
			t.Fatalf("%q became %q", text, out)
		}
	})
}
