package manifest

import (
	"fmt"
	"strings"
	"testing"
)

func parseSet(t *testing.T, docs ...string) Set {
	t.Helper()
	set, err := Parse([]byte(strings.Join(docs, "\n---\n")), Origin{File: "x.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestUnique(t *testing.T) {
	const job = "{apiVersion: batch/v1, kind: Job, metadata: {generateName: j-}}"
	set := parseSet(t, configMap("a"), configMap("b"), job, configMap("a"), job)
	unique, duplicates := set.Unique()
	if got, want := listing(unique), "v1 ConfigMap b @x.yaml:6\nbatch/v1 batch/Job  @x.yaml:11\nv1 ConfigMap a @x.yaml:13\nbatch/v1 batch/Job  @x.yaml:18"; got != want {
		t.Errorf("Unique\n got %q\nwant %q", got, want)
	}
	if got, want := fmt.Sprint(duplicates), "[ConfigMap a: stated at x.yaml:1 and at x.yaml:13; the last one counts]"; got != want {
		t.Errorf("duplicates\n got %s\nwant %s", got, want)
	}
	if len(set) != 5 {
		t.Error("Unique changed its receiver")
	}
}

func TestPlace(t *testing.T) {
	set := parseSet(t,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: none}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: own, namespace: theirs}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: ns, namespace: wrong}}",
		"{apiVersion: e.io/v1, kind: Cluster, metadata: {name: custom, namespace: wrong}}",
		"{apiVersion: e.io/v1, kind: Unknown, metadata: {name: unknown}}",
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: clusters.e.io}, spec: {group: e.io, scope: Cluster, names: {kind: Cluster}}}",
	)
	placed, err := set.Place("app", set.Scopes())
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range placed {
		keys = append(keys, o.Key.String())
	}
	want := []string{
		"ConfigMap app/none", "ConfigMap theirs/own", "Namespace ns", "e.io/Cluster custom", "e.io/Unknown app/unknown",
		"apiextensions.k8s.io/CustomResourceDefinition clusters.e.io",
	}
	if fmt.Sprint(keys) != fmt.Sprint(want) {
		t.Errorf("Place\n got %q\nwant %q", keys, want)
	}
}

func TestYAML(t *testing.T) {
	set := parseSet(t, "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: hunter2}}", configMap("b"))
	masked, err := set.YAML(false)
	if err != nil || strings.Contains(string(masked), "aHVudGVyMg") || strings.Contains(string(masked), "hunter2") || !strings.Contains(string(masked), "k: (hidden ") {
		t.Errorf("masked: %v\n%s", err, masked)
	}
	shown, err := set.YAML(true)
	if want := "---\napiVersion: v1\ndata:\n  k: aHVudGVyMg==\nkind: Secret\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n"; err != nil || string(shown) != want {
		t.Errorf("shown: %v\n%s", err, shown)
	}
}

// TestKeep: an object that is as it was, and where it was, is the one from before.
func TestKeep(t *testing.T) {
	before := parseSet(t, "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: MQ==}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: b}, data: {k: MQ==}}\n")
	after := parseSet(t, "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: MQ==}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: b}, data: {k: Mg==}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n")
	kept := after.Keep(before)
	if kept[0] != before[0] || kept[1] != after[1] || kept[2] != after[2] {
		t.Errorf("of %v kept %v", after, kept)
	}
	moved := parseSet(t, "\n\n{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: MQ==}}\n")
	if got := moved.Keep(before); got[0] != moved[0] {
		t.Error("an object that moved within its file is the one from before")
	}
}
