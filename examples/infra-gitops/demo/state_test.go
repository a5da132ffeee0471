package main

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := new(unstructured.Unstructured)
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

const tracked = "metadata: {name: NAME, namespace: api, annotations: {argocd.argoproj.io/tracking-id: 'x'}}\n"

func TestStateLine(t *testing.T) {
	line := func(text string) string {
		t.Helper()
		got, err := stateLine(parse(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	secret := func(name, value string) string {
		return line("kind: Secret\n" + strings.ReplaceAll(tracked, "NAME", name) + "data: {token: " + value + "}\n")
	}
	if a, b := secret("smtp-bg5cm5fgc7", "YQ=="), secret("smtp-k6k46dk86k", "Yg=="); a != b {
		t.Errorf("a random value and a hash tell two runs apart:\n%s\n%s", a, b)
	}
	if strings.Contains(secret("s", "c2VjcmV0"), "c2VjcmV0") {
		t.Error("the state holds a secret's value")
	}
	config := "kind: ConfigMap\n" + tracked + "data: {level: LEVEL}\n"
	if line(strings.ReplaceAll(config, "LEVEL", "info")) == line(strings.ReplaceAll(config, "LEVEL", "debug")) {
		t.Error("another value in a ConfigMap is the same state")
	}
}

func TestStateLeavesOutCopies(t *testing.T) {
	for _, text := range []string{
		"kind: EndpointSlice\nmetadata: {name: api, labels: {tidelock.io/app: api}}\n",
		"kind: ReplicaSet\nmetadata: {name: api, annotations: {argocd.argoproj.io/tracking-id: x}, ownerReferences: [{name: api}]}\n",
	} {
		if _, err := stateLine(parse(t, text)); !errors.Is(err, errCopied) {
			t.Errorf("%s: got %v, want errCopied", text, err)
		}
	}
}
