package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// made is what controllers have made, by Secret; it notes what is followed.
type made struct {
	contents map[string]values.Content
	followed string
}

func (m *made) Use(_ context.Context, user values.User, objects ...values.Object) (map[values.Object]values.Content, error) {
	m.followed = fmt.Sprint(user.Namespace, "/", user.Name, " ", objects)
	all := map[values.Object]values.Content{}
	for _, o := range objects {
		content, ok := m.contents[o.Name]
		if !ok {
			content.Err = fs.ErrNotExist
		}
		all[o] = content
	}
	return all, nil
}

const leftToControllers = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: locked, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, annotations: {tidelock.io/rollout-on: secrets}}
spec: {template: {spec: {containers: [{name: a, envFrom: [{secretRef: {name: db}}, {secretRef: {name: locked}}]}]}}}
`

// TestRolloutsOfControllers: the Secrets that controllers make are followed, and count
// as far as they are known; what cannot be read is said.
func TestRolloutsOfControllers(t *testing.T) {
	set, err := manifest.Parse([]byte(leftToControllers), manifest.Origin{File: "all.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	live := &made{contents: map[string]values.Content{"locked": {Err: errors.New("the right to read it is lacking")}}}
	p := passOver(read[api.Application](t, "{metadata: {name: shop, namespace: argocd}}"))
	stands := map[manifest.Key]string{}
	p.r.Rollouts = &Rollouts{
		Key: func(context.Context) ([]byte, error) { return make([]byte, 32), nil },
	}
	p.to.Target = destinations.Target{
		Live: live,
		Marks: func(_ context.Context, workloads manifest.Set) (map[manifest.Key]string, error) {
			if len(workloads) != 1 || workloads[0].Key.Name != "web" {
				t.Errorf("asked for the marks of %v", workloads)
			}
			return stands, nil
		},
	}
	mark := func() string {
		t.Helper()
		marks, err := p.rollouts(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		return sumOf(marks)
	}
	if got := mark(); got != "" {
		t.Errorf("before anything is made: %q", got)
	}
	if want := "argocd/shop [Secret shop/db Secret shop/locked]"; live.followed != want {
		t.Errorf("followed: %s, want %s", live.followed, want)
	}
	if got := p.report.of(ConditionRolloutWarning); got != "no workload restarts when Secret shop/locked changes, which a controller makes: the right to read it is lacking" {
		t.Errorf("said: %s", got)
	}
	live.contents["db"] = values.Content{Data: map[string]secrets.Value{"password": secrets.New([]byte("one"))}}
	first := mark()
	if !strings.HasPrefix(first, "apps/Deployment shop/web Secret/db=") {
		t.Errorf("once it is made: %q", first)
	}
	if again := mark(); again != first {
		t.Errorf("looked at again: %q, then %q", first, again)
	}
	live.contents["db"] = values.Content{Data: map[string]secrets.Value{"password": secrets.New([]byte("two"))}}
	if mark() == first {
		t.Error("another value gives the same mark")
	}
	stands[keyIn("apps/Deployment shop/web")] = "Secret/db=0123456789abcdef Secret/gone=0123456789abcdef"
	delete(live.contents, "db")
	if got := mark(); got != "apps/Deployment shop/web Secret/db=0123456789abcdef\n" {
		t.Errorf("away for a while: %q", got)
	}
	live.contents["db"] = values.Content{Err: errors.New("the API server is not there")}
	if got := mark(); got != "apps/Deployment shop/web Secret/db=0123456789abcdef\n" {
		t.Errorf("not readable for a while: %q", got)
	}
	p.r.unfollow("shop", p.to)
	if live.followed != "argocd/shop []" {
		t.Errorf("gone, it follows %s", live.followed)
	}
}

// TestRolloutsFail where it cannot be told who restarts: to leave a mark out would
// restart them, too.
func TestRolloutsFail(t *testing.T) {
	o := objectIn(t, "apps/Deployment shop/web", "{metadata: {annotations: {tidelock.io/rollout-on: secrets}}}")
	p := passOver(read[api.Application](t, "{metadata: {name: shop, namespace: argocd}}"))
	if _, err := p.rollouts(t.Context(), manifest.Set{o}); err == nil || !strings.Contains(err.Error(), "nothing restarts here") {
		t.Errorf("without a key: %v", err)
	}
	p.r.Rollouts = &Rollouts{Key: func(context.Context) ([]byte, error) { return nil, errors.New("no right") }}
	p.to.Live = &made{}
	if _, err := p.rollouts(t.Context(), manifest.Set{o}); err == nil || !strings.Contains(err.Error(), "it cannot be told which workloads restart: no right") {
		t.Errorf("without the right to it: %v", err)
	}
	if marks, err := p.rollouts(t.Context(), nil); err != nil || marks != nil {
		t.Errorf("without workloads: %v, %v", marks, err)
	}
}
