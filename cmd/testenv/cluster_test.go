package testenv

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func startCluster(t *testing.T, audit ...string) *Cluster {
	t.Helper()
	binaries, err := Build(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	c, err := StartCluster(t.Context(), binaries, t.TempDir(), audit...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// One cluster for all of this: a start takes seconds.
func TestCluster(t *testing.T) {
	user := ServiceAccountUser("argocd", "tidelock")
	c := startCluster(t, user)
	t.Run("definitions", func(t *testing.T) {
		if err := c.ApplyCRDs(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Dynamic.Resource(Applications).List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("until", func(t *testing.T) { testUntil(t, c) })
	t.Run("until the deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := c.Until(ctx, configMaps, "default", "never", Present)
		if err == nil || !strings.Contains(err.Error(), "last seen: absent") {
			t.Errorf("got %v, want what was seen last", err)
		}
	})
	t.Run("account and audit", func(t *testing.T) { testAccount(t, c) })
	t.Run("canaries", func(t *testing.T) { testCanaries(t, c) })
	t.Run("usage", func(t *testing.T) {
		usage, err := c.Usage()
		if err != nil || usage.Processes < 3 || usage.CPU == 0 || usage.Memory == 0 {
			t.Errorf("got %+v, %v", usage, err)
		}
	})
}

// Until sees an object come, and go.
func testUntil(t *testing.T, c *Cluster) {
	client := c.Typed.CoreV1().ConfigMaps("default")
	var g errgroup.Group
	g.Go(func() error { return c.Until(t.Context(), configMaps, "default", "shy", Present) })
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "shy"}}
	if _, err := client.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	g.Go(func() error { return c.Until(t.Context(), configMaps, "default", "shy", Absent) })
	if err := client.Delete(t.Context(), "shy", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// The account's kubeconfig works, and only its requests are counted.
func testAccount(t *testing.T, c *Cluster) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := c.ServiceAccount(t.Context(), "argocd", "tidelock", path); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := client.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Typed.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// The log has a request when it is answered, perhaps a moment after its client.
	seen := Requests{}
	for deadline := time.Now().Add(2 * time.Minute); seen.Total() < 3 && time.Now().Before(deadline); {
		more, err := c.Audit.Next()
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range more {
			seen[key] += n
		}
	}
	if seen.String() != "3 list secrets" {
		t.Errorf("counted %s", seen)
	}
}

// A control of the canary search: it finds what is planted, in every place.
func testCanaries(t *testing.T, c *Cluster) {
	canary := NewCanary("the one")
	canaries := NewCanaries(canary)
	search := func(allowed Allowed) (objects, dump []Finding) {
		t.Helper()
		objects, err := canaries.Objects(t.Context(), c, allowed)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := c.Dump(t.Context(), &text); err != nil {
			t.Fatal(err)
		}
		if text.Len() < 10_000 {
			t.Fatalf("the dump has %d bytes only", text.Len())
		}
		return objects, canaries.Dump(text.Bytes(), allowed)
	}
	if objects, dump := search(nil); len(objects)+len(dump) > 0 {
		t.Fatalf("found before it was planted: %v %v", objects, dump)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "meant"}, Data: map[string][]byte{"k": []byte("x=" + canary.Text)}}
	if _, err := c.Typed.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if objects, dump := search(Allowed{"default/meant": true}); len(objects)+len(dump) > 0 {
		t.Errorf("found where it may stand: %v %v", objects, dump)
	}
	if objects, dump := search(nil); len(objects) == 0 || len(dump) == 0 {
		t.Errorf("not found in a Secret that is not meant: %v %v", objects, dump)
	}
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: "leak"},
		InvolvedObject: corev1.ObjectReference{Kind: "Secret", Namespace: "default", Name: "meant"},
		Message:        "cannot parse " + canary.Text[4:20],
	}
	if _, err := c.Typed.CoreV1().Events("default").Create(t.Context(), event, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if objects, dump := search(Allowed{"default/meant": true}); len(objects) == 0 || len(dump) == 0 {
		t.Errorf("not found in an event: %v %v", objects, dump)
	}
}
