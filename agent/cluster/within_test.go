package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func TestOutside(t *testing.T) {
	two := Bounds{Namespaces: []string{"a", "b"}}
	wide := Bounds{Namespaces: []string{"a", "b"}, Clusterwide: true}
	for _, tt := range []struct {
		name       string
		bounds     Bounds
		namespace  string
		namespaced bool
		want       string
	}{
		{"all of a cluster", Bounds{}, "c", true, ""},
		{"all of a cluster, cluster-wide", Bounds{}, "", false, ""},
		{"within", two, "b", true, ""},
		{"elsewhere", two, "c", true, `out of bounds: namespace "c" is none of those that the agent is confined to: a, b`},
		{"in none", two, "", false, "out of bounds: the agent is confined to namespaces a, b, and the object is in none"},
		{"in none, which it may be", wide, "", false, ""},
		{"elsewhere all the same", wide, "c", true, `out of bounds: namespace "c" is none of those that the agent is confined to: a, b`},
		{"in all", two, "", true, `out of bounds: namespace "" is none of those that the agent is confined to: a, b`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			err := tt.bounds.Outside(tt.namespace, tt.namespaced)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || err != nil && !errors.Is(err, ErrOutside) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// confined gives the world a Cluster with the rights of a Role in each of some
// namespaces, and no others. What is refused for want of a right fails the test.
func (w *world) confined(namespaces ...string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := env.Person(w.ctx, w.namespace, "confined", path); err != nil {
		w.t.Fatal(err)
	}
	for _, namespace := range namespaces {
		if err := env.CreateNamespace(w.ctx, namespace); err != nil {
			w.t.Fatal(err)
		}
		meta := metav1.ObjectMeta{Name: "confined", Namespace: namespace}
		role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
		}}
		if _, err := env.Typed.RbacV1().Roles(namespace).Create(w.ctx, role, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "confined"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: w.namespace, Name: "confined"}},
		}
		if _, err := env.Typed.RbacV1().RoleBindings(namespace).Create(w.ctx, binding, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.await("the rights", func() bool { return mayList(w.ctx, cfg, namespaces) })
	var mu sync.Mutex // guards refused
	var refused []string
	w.t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(refused) > 0 {
			w.t.Errorf("refused for want of rights:\n%s", strings.Join(refused, "\n"))
		}
	})
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && answer.StatusCode == http.StatusForbidden {
				mu.Lock()
				refused = append(refused, r.Method+" "+r.URL.String())
				mu.Unlock()
			}
			return answer, err
		})
	})
	w.bounds = Bounds{Namespaces: namespaces}
	w.connectBy(cfg)
}

func mayList(ctx context.Context, cfg *rest.Config, namespaces []string) bool {
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return false
	}
	for _, namespace := range namespaces {
		if _, err := client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{}); err != nil {
			return false
		}
	}
	return true
}

// A Cluster that is confined to namespaces needs no right outside of them: to follow
// what is in them, to judge it by other rules, and to learn of new kinds.
func TestConfined(t *testing.T) {
	w := newWorld(t)
	other := w.namespace + "-b"
	w.confined(w.namespace, other)
	set := w.git(fmt.Sprintf(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: here}, data: {a: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: there, namespace: %s}, data: {a: b}}`, other))
	w.sync(set)
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("as applied:\n%s", got)
	}
	record := func(i int) string {
		if live := w.Snapshot(w.app, set)[set[i].Key]; live != nil {
			return string(live.Health.Code)
		}
		return "none"
	}
	w.edit(set[1], `{data: {a: drifted}}`)
	w.await("the drift", func() bool { return strings.Contains(w.verdicts(set), "there") })
	w.Configure(Rules{Health: scripts(t, "ConfigMap", `return {status = "Degraded"}`)})
	w.await("the verdict of the script", func() bool { return record(0) == "Degraded" && record(1) == "Degraded" })
	if err := w.resource(set[0]).Delete(w.ctx, "here", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.await("the end of one, and not of the other", func() bool { return record(0) == "none" && record(1) != "none" })
}

// What is out of bounds is refused here, without a request.
func TestConfinedRefuses(t *testing.T) {
	w := newWorld(t)
	w.confined(w.namespace)
	node := schema.GroupVersionKind{Version: "v1", Kind: "Node"}
	if err := w.Watch(w.ctx, node); err != nil {
		t.Errorf("watch what is out of bounds: %v", err)
	}
	objects := Objects{Cluster: w.Cluster, Client: env.Typed}
	looker := w.Looker(env.Config)
	permit := func(manifest.Key, bool) error { return nil }
	for name, ask := range map[string]func() error{
		"get": func() error {
			_, err := w.Get(w.ctx, schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "kube-system", "kube-root-ca.crt")
			return err
		},
		"get what is in none": func() error {
			_, err := w.Get(w.ctx, node, "", "node")
			return err
		},
		"token": func() error {
			_, err := objects.Token(w.ctx, "kube-system", "default", nil)
			return err
		},
		"untracked": func() error {
			_, err := w.Untracked(w.ctx, "kube-system", func(schema.GroupKind) bool { return true })
			return err
		},
		"lookup": func() error {
			_, err := looker.Find(w.ctx, "", sdk.Object{APIVersion: "v1", Kind: "Namespace"}, permit)
			return err
		},
	} {
		if err := ask(); !errors.Is(err, ErrOutside) {
			t.Errorf("%s: %v", name, err)
		}
	}
	namespaces, err := objects.Namespaces(w.ctx)
	if err != nil || len(namespaces) != 1 || namespaces[w.namespace] == nil {
		t.Errorf("namespaces: %v, %v", namespaces, err)
	}
}
