package sealed

import (
	"encoding/json"
	"testing"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestDeprecated opens what was sealed in one piece, if it is told to.
func TestDeprecated(t *testing.T) {
	pair := keyPair(t)
	keys := parseKeys(t, pair)
	to, _ := keys.Newest()
	in, err := ssv1alpha1.NewSealedSecretV1(scheme.Codecs, to.public, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", Labels: map[string]string{"app": "shop"}},
		Data:       map[string][]byte{"password": []byte(canary)}, Type: "example.com/login",
	})
	if err != nil {
		t.Fatal(err)
	}
	in.TypeMeta = metav1.TypeMeta{APIVersion: "bitnami.com/v1alpha1", Kind: "SealedSecret"}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	read := func(edit func(map[string]any)) map[string]any {
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		edit(body)
		return body
	}
	told := Opener{Keys: keys, Deprecated: true}
	o := newObject(t, read(func(map[string]any) {}))
	secret, err := told.Open(t.Context(), o)
	checkSecret(t, secret, err, "shop", "db")
	if secret.Labels["app"] != "shop" || secret.Body()["type"] != "example.com/login" {
		t.Errorf("the Secret is %s", secret.JSON())
	}
	_, err = Opener{Keys: keys}.Open(t.Context(), o)
	checkError(t, err, ErrBroken, "spec.data")
	_, err = told.Open(t.Context(), newObject(t, read(func(b map[string]any) { set(b, "other", "metadata", "name") })))
	checkError(t, err, ErrNoKey, "strict shop/other")
	_, err = told.Open(t.Context(), newObject(t, read(func(b map[string]any) { set(b, "AAAA", "spec", "encryptedData", "k") })))
	checkError(t, err, ErrBroken, "both")
}

// TestNewest: keys are in the order of their certificates, whatever the order
// they are given in.
func TestNewest(t *testing.T) {
	a, b := keyPair(t), keyPair(t)
	keys := parseKeys(t, a, b)
	keys.held[1].NotBefore = keys.held[1].NotBefore.AddDate(0, 1, 0)
	newer := keys.held[1].Recipient
	for _, joined := range []Keys{keys.Join(Keys{}), Keys{keys.held[:1]}.Join(Keys{keys.held[1:]}), Keys{keys.held[1:]}.Join(keys)} {
		if got, ok := joined.Newest(); !ok || got.String() != newer.String() || len(joined.held) != 2 {
			t.Errorf("the newest of %v is %v, want %v", joined, got, newer)
		}
	}
	if _, ok := (Keys{}).Newest(); ok {
		t.Error("no keys have a newest")
	}
}
