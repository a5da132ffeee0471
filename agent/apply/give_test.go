package apply

import (
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// extra applies a ConfigMap, and returns the change that would prune it.
func (w *world) extra() diff.Change {
	w.t.Helper()
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`)
	w.mustSync(set)
	w.caughtUp(set)
	changes := w.changes(nil)
	if len(changes) != 1 || changes[0].Verdict != diff.Extra {
		w.t.Fatalf("changes %v", changes)
	}
	return changes[0]
}

// An object that has become another application's since the plan saw it is not
// pruned; one that has only changed is.
func TestPruneOfAnObjectThatHasChanged(t *testing.T) {
	w := newWorld(t)
	extra := w.extra()
	theirs := w.gitOf("another", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "2"}}`)[0]
	if _, _, err := w.apply(w.ctx, theirs, false); err != nil {
		t.Fatal(err)
	}
	results := w.Delete(w.ctx, []diff.Change{extra}, metav1.DeletePropagationForeground)
	if r := results[0]; r.Err != nil || r.Code != api.ResultPruneSkipped || r.Message != "ignored (it belongs to another application by now)" {
		t.Errorf("%+v", r)
	}
	if uid := string(w.live(theirs).GetUID()); uid != extra.Live.UID {
		t.Errorf("uid %s, want %s", uid, extra.Live.UID)
	}

	w = newWorld(t)
	extra = w.extra()
	ours := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)[0]
	w.edit(ours, "someone", `{data: {b: "3"}}`)
	if r := w.Delete(w.ctx, []diff.Change{extra}, metav1.DeletePropagationBackground)[0]; r.Err != nil || r.Code != api.ResultPruned {
		t.Errorf("%+v", r)
	}
}

// What is given is the other's, by its marks alone, and its next apply makes it so
// as a whole.
func TestGive(t *testing.T) {
	w := newWorld(t)
	extra := w.extra()
	theirs := w.gitOf("another", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {b: "2"}}`)
	id := theirs[0].Annotations[api.AnnotationTrackingID]
	for range 2 { // the second time it is theirs already
		if err := w.Give(w.ctx, extra.Live, "another", id); err != nil {
			t.Fatal(err)
		}
		live := w.live(theirs[0])
		if live.GetLabels()[api.LabelApp] != "another" || live.GetAnnotations()[api.AnnotationTrackingID] != id {
			t.Errorf("marks %v %v", live.GetLabels(), live.GetAnnotations())
		}
	}
	if left := w.changes(nil); len(left) > 0 {
		t.Errorf("still this application's: %v", left)
	}
	w.app = "another"
	w.mustSync(theirs)
	w.caughtUp(theirs)
	if c := w.changes(theirs)[0]; c.Verdict != diff.Same {
		t.Errorf("after an apply: %s", c)
	}
	data := w.live(theirs[0]).Object["data"].(map[string]any)
	if len(data) != 1 || data["b"] != "2" {
		t.Errorf("data %v", data)
	}
}
