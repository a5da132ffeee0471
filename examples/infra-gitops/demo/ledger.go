package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// watched are the kinds that the example's Applications have. Kinds of
// cluster scope and those of platform alone have no waves to show.
var watched = []schema.GroupVersionResource{
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "services"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "batch", Version: "v1", Resource: "jobs"},
}

// A ledger writes down, by watches, in which order objects came to be, and prints
// it with what becomes of the Applications.
type ledger struct {
	out    *terminal
	begun  time.Time // what the clock counts from
	cancel context.CancelFunc
	group  *errgroup.Group

	mu      sync.Mutex // guards the fields below
	entries map[string]entry
	status  map[string]string // of Applications, as it was printed last
}

// An entry is an object's first appearance, in resource versions, which count
// all changes of the cluster.
type entry struct {
	app, name string // name is Kind/name
	wave      int
	created   string
	available string // of a Deployment: when it first was
}

// newLedger begins to watch.
func newLedger(ctx context.Context, s *stage) (*ledger, error) {
	ctx, cancel := context.WithCancel(ctx)
	l := &ledger{
		out: s.out, cancel: cancel,
		entries: map[string]entry{}, status: map[string]string{},
	}
	l.group, ctx = errgroup.WithContext(ctx)
	for _, resource := range watched {
		if err := l.follow(ctx, s.cluster, resource, api.LabelApp, l.object); err != nil {
			cancel()
			return nil, err
		}
	}
	l.begun = time.Now() // nothing is there yet to be seen
	return l, l.follow(ctx, s.cluster, testenv.Applications, "", l.application)
}

// follow calls see with each state of the resource's objects from now on.
func (l *ledger) follow(ctx context.Context, cluster *testenv.Cluster, resource schema.GroupVersionResource, selector string, see func(*unstructured.Unstructured)) error {
	events, err := cluster.Dynamic.Resource(resource).Watch(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return err
	}
	l.group.Go(func() error {
		defer events.Stop()
		for event := range events.ResultChan() {
			object, isObject := event.Object.(*unstructured.Unstructured)
			if isObject && (event.Type == watch.Added || event.Type == watch.Modified) {
				see(object)
			}
		}
		return nil
	})
	return nil
}

// stop ends the watches.
func (l *ledger) stop() error {
	l.cancel()
	return l.group.Wait()
}

func (l *ledger) object(object *unstructured.Unstructured) {
	app := object.GetLabels()[api.LabelApp]
	id := app + " " + object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.entries[id]
	if !known {
		e = entry{
			app: app, name: object.GetKind() + "/" + object.GetName(), wave: api.SyncWave(object.GetAnnotations()),
			created: object.GetResourceVersion(),
		}
		l.out.line("%s  %-20s wave %2d  %s", l.clock(), app, e.wave, e.name)
	}
	if e.available == "" && available(object) {
		e.available = object.GetResourceVersion()
		l.out.line("%s  %-20s          %s is available", l.clock(), app, e.name)
	}
	l.entries[id] = e
}

func available(object *unstructured.Unstructured) bool {
	if object.GetKind() != "Deployment" {
		return false
	}
	wanted, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	have, _, _ := unstructured.NestedInt64(object.Object, "status", "availableReplicas")
	return wanted > 0 && have >= wanted
}

func (l *ledger) application(object *unstructured.Unstructured) {
	app, err := testenv.ReadApplication(object)
	if err != nil {
		l.out.line("%v", err)
		return
	}
	text := fmt.Sprintf("%s, %s", app.Status.Sync.Status, app.Status.Health.Status)
	for _, condition := range app.Status.Conditions {
		text += "; " + string(condition.Type) + ": " + condition.Message
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if app.Status.Sync.Status != "" && l.status[app.Name] != text {
		l.status[app.Name] = text
		l.out.line("%s  %-20s %s", l.clock(), app.Name, text)
	}
}

func (l *ledger) clock() string { return fmt.Sprintf("%6.2f s", time.Since(l.begun).Seconds()) }

// checkWaves checks that in an Application no object came before all objects of
// earlier waves were there and their Deployments available.
func (l *ledger) checkWaves(app string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var entries []entry
	for _, e := range l.entries {
		if e.app == app {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.wave - b.wave })
	for _, later := range entries {
		for _, earlier := range entries {
			if earlier.wave >= later.wave {
				continue
			}
			if err := inOrder(earlier, later); err != nil {
				return "", err
			}
		}
	}
	return waves(entries), nil
}

func inOrder(earlier, later entry) error {
	ready := earlier.created
	if strings.HasPrefix(earlier.name, "Deployment/") {
		ready = earlier.available
	}
	if ready == "" {
		return fmt.Errorf("%s of wave %d came, but %s of wave %d never was available", later.name, later.wave, earlier.name, earlier.wave)
	}
	order, err := resourceversion.CompareResourceVersion(ready, later.created)
	if err == nil && order >= 0 {
		err = fmt.Errorf("%s of wave %d came before %s of wave %d was ready", later.name, later.wave, earlier.name, earlier.wave)
	}
	return err
}

// waves lists the waves of sorted entries with their numbers of objects.
func waves(entries []entry) string {
	var parts []string
	for len(entries) > 0 {
		wave := entries[0].wave
		n := 0
		for n < len(entries) && entries[n].wave == wave {
			n++
		}
		parts = append(parts, fmt.Sprintf("wave %d: %d", wave, n))
		entries = entries[n:]
	}
	return strings.Join(parts, ", ")
}
