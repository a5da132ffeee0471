package cluster

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Untracked is what belongs to nobody: no application's object, no other object's
// child, and of the kinds that are asked for.
func TestUntracked(t *testing.T) {
	w := newWorld(t)
	ours := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: ours}}`)
	w.sync(ours)
	strays := w.git(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: copied}}
---
{apiVersion: v1, kind: Secret, metadata: {name: unwanted}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: parent}, spec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}`)
	for _, o := range strays {
		w.send(o)
		id := `null`
		if o.Key.Name == "copied" { // the mark of another object makes it nobody's
			id = w.app + ":/ConfigMap:" + w.namespace + "/ours"
		}
		w.edit(o, fmt.Sprintf(`{metadata: {annotations: {argocd.argoproj.io/tracking-id: %s}}}`, id))
	}
	wanted := func(kind schema.GroupKind) bool {
		return kind.Kind == "ConfigMap" || kind.Kind == "ReplicaSet" || kind.Kind == "Pod" || kind.Kind == "Namespace"
	}
	w.await("the Pod of the ReplicaSet", func() bool {
		list, err := w.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(w.namespace).List(w.ctx, metav1.ListOptions{})
		return err == nil && len(list.Items) == 1
	})
	var got []string
	w.await("what is untracked", func() bool {
		keys, err := w.Untracked(w.ctx, w.namespace, wanted)
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for _, key := range keys {
			got = append(got, strings.Replace(key.String(), " "+w.namespace+"/", " ", 1))
		}
		return len(got) >= 5 // the namespace's own ConfigMap comes a little later
	})
	if text, want := strings.Join(got, ", "), "ConfigMap a, ConfigMap b, ConfigMap copied, ConfigMap kube-root-ca.crt, apps/ReplicaSet parent"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if !w.Owned(ours[0].Key) || w.Owned(strays[0].Key) {
		t.Error("it is not known who owns what")
	}
}
