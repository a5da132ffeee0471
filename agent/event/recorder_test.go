package event

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/tidelock-io/tidelock/agent/api"
)

func application() *api.Application {
	return &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop", UID: "u1"}}
}

// TestRecorder: Events are written about the Application, in its namespace, those
// too that were told before it ran.
func TestRecorder(t *testing.T) {
	client := fake.NewClientset()
	events, err := client.CoreV1().Events("").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(client, nil)
	r.Record(application(), Event{Reason: "SecretOpened", Message: "web/db.yaml: decrypted with age1a"})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.Record(application(), Event{Warning: true, Reason: "SecretNotOpened", Message: strings.Repeat("é", maxMessage)})
	got := map[string]*corev1.Event{}
	for len(got) < 2 {
		e := <-events.ResultChan()
		if e.Type == watch.Added {
			got[e.Object.(*corev1.Event).Reason] = e.Object.(*corev1.Event)
		}
	}
	opened, failed := got["SecretOpened"], got["SecretNotOpened"]
	about := opened.InvolvedObject
	if about.Kind != "Application" || about.APIVersion != "argoproj.io/v1alpha1" || about.Name != "shop" || about.UID != "u1" || opened.Namespace != "argocd" {
		t.Errorf("about %+v in %s", about, opened.Namespace)
	}
	if opened.Type != "Normal" || failed.Type != "Warning" || opened.Source.Component != "tidelock" || opened.Message != "web/db.yaml: decrypted with age1a" {
		t.Errorf("%+v\n%+v", opened, failed)
	}
	if len(failed.Message) > maxMessage || !utf8.ValidString(failed.Message) || !strings.HasSuffix(failed.Message, "é…") {
		t.Errorf("a message of %d bytes", len(failed.Message))
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFull: who tells does not wait for the cluster.
func TestFull(t *testing.T) {
	dropped := 0
	r := newRecorder(fake.NewClientset(), func(Event) { dropped++ })
	for range queue + 3 {
		r.Record(application(), Event{Reason: "x"})
	}
	if dropped != 3 {
		t.Errorf("%d were dropped, want 3", dropped)
	}
}
