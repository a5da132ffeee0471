package cluster

import (
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What another process has done is known after a refresh, though no watch tells of it:
// of the applications that are asked for, and of no others.
func TestRefresh(t *testing.T) {
	refreshes(t, func(w *world, apps []string) error { return w.Refresh(w.ctx, apps) })
}

// Likewise, if somebody has seen more than the watches tell of.
func TestAwait(t *testing.T) {
	refreshes(t, func(w *world, apps []string) error {
		if newest := w.Newest(); !w.Reached(w.ctx, newest) || newest["ConfigMap"] == "" {
			t.Errorf("of its own records, %v, it does not know yet", newest)
		}
		return w.Await(w.ctx, map[string]string{"ConfigMap": "9999999999"}, apps)
	})
}

func refreshes(t *testing.T, refresh func(w *world, apps []string) error) {
	t.Helper()
	w := newWorld(t)
	f := w.faulty()
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: edited}, data: {a: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: deleted}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: made}}`)
	w.sync(set[:2])
	w.caughtUp(set[:2])
	f.set(func(r *http.Request) (int, string) {
		// What is followed is listed with a version, or from one on; what is to be known now, without.
		if isWatch(r) || r.URL.Query().Has("resourceVersion") {
			return http.StatusServiceUnavailable, broken
		}
		return 0, ""
	}, nil)
	f.cut()
	w.edit(set[0], `{data: {a: "2"}}`)
	if err := w.resource(set[1]).Delete(w.ctx, "deleted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.send(set[2])
	blind := "create ConfigMap " + w.namespace + "/made"
	for _, others := range [][]string{nil, {"another"}} {
		if err := refresh(w, others); err != nil {
			t.Fatal(err)
		}
		if got := w.verdicts(set); got != blind {
			t.Fatalf("blind, and of %v it says %q", others, got)
		}
	}
	if err := refresh(w, []string{"another", w.app}); err != nil {
		t.Fatal(err)
	}
	live := w.Snapshot(w.app, set)
	if edited := live[set[0].Key]; edited.Digest == edited.Baseline.Digest {
		t.Error("the edit is not known")
	}
	if live[set[2].Key] == nil {
		t.Error("what was made is not known")
	}
	w.await("the deletion", func() bool { return w.Snapshot(w.app, set)[set[1].Key] == nil })
}
