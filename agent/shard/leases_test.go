package shard

import (
	"reflect"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestLease: a Lease says of a member what that is.
func TestLease(t *testing.T) {
	t.Parallel()
	for _, m := range []Member{
		{ID: "a-1", Version: "7", Place: "here", Address: "10.0.0.7:8083", Print: "ab", Room: []string{"b-2"}},
		{ID: "a-1", Leaving: &Leaving{}},
		{ID: "a-1", Leaving: &Leaving{
			At:    []types.NamespacedName{{Namespace: "argocd", Name: "shop"}, {Namespace: "team", Name: "web"}},
			Seen:  Marks{"https://kubernetes.default.svc": {"Deployment.apps": "41", "ConfigMap": "7"}},
			Among: []string{"a-1", "b-2"},
		}},
	} {
		lease := &coordinationv1.Lease{}
		if err := (namespaceLeases{term: 15 * time.Second}).write(lease, m); err != nil {
			t.Fatal(err)
		}
		m.Term = 15 * time.Second
		if got := read(lease); !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, want %+v", got, m)
		}
	}
}

// TestStrangeLease: who cannot be made sense of has made no room, and does not leave.
func TestStrangeLease(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"", "{", "[]", `{"at":["shop"]}`, `{"seen":[]}`} {
		lease := &coordinationv1.Lease{}
		lease.Annotations = map[string]string{annotationLeaving: word, annotationRoom: word}
		if m := read(lease); m.Leaving != nil || len(m.Room) > 0 || m.Term != 0 {
			t.Errorf("of %q it reads %+v", word, m)
		}
	}
}
