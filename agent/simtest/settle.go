package simtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// converged says what is not yet as Git says; "" if all is.
func (w *world) converged(name string) string {
	app := w.app(name)
	if app == nil {
		return "no application " + name
	}
	switch op := app.Status.OperationState; {
	case app.Status.Sync.Status != api.SyncCodeSynced || app.Status.Health.Status != api.HealthHealthy:
		return fmt.Sprintf("%s is %s and %s: %v", name, app.Status.Sync.Status, app.Status.Health.Status, app.Status.Conditions)
	case app.Operation != nil || op != nil && !op.Phase.Completed():
		return fmt.Sprintf("an operation of %s is not over: %v", name, op)
	case app.Status.Sync.Revision != w.git.head():
		return fmt.Sprintf("%s was compared with %.7s", name, app.Status.Sync.Revision)
	}
	return w.agrees(app)
}

// agrees compares the cluster with Git, by itself.
func (w *world) agrees(app *api.Application) string {
	set, err := w.git.set(app, w.git.head())
	if err != nil {
		return err.Error()
	}
	stated := map[string]bool{}
	for _, o := range set {
		if statedAsHook(o) {
			continue
		}
		stated[o.Key.String()] = true
		var want any
		if err := utiljson.Unmarshal(o.Reveal(), &want); err != nil {
			return err.Error()
		}
		live := w.find(o.Key.String())
		if live == nil {
			return fmt.Sprintf("%s is not there", o.Key)
		}
		if at := lacks("", want, any(live.Body)); at != "" {
			return fmt.Sprintf("%s is not as Git states it: %s", o.Key, at)
		}
	}
	for _, o := range w.server.All() {
		keeps := api.ParseSyncOptions(annotation(o, api.AnnotationSyncOptions)).Has(api.SyncOptionPruneFalse)
		key := keyOf(o).String()
		if ownerOf(o) == app.Name && label(o, api.LabelApp) != "" && !stated[key] && !isHook(o) && !keeps {
			return fmt.Sprintf("%s is there, and Git does not state it", key)
		}
		if isHook(o) && ownerOf(o) == app.Name && label(o, api.LabelApp) != "" {
			if slices.Contains(finalizersOf(o), any(api.FinalizerHook)) {
				return fmt.Sprintf("hook %s has its finalizer yet", key)
			}
		}
	}
	return ""
}

// lacks names a field of want that got does not have as well.
func lacks(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for name, value := range w {
			if at := lacks(path+"."+name, value, g[name]); at != "" {
				return at
			}
		}
		return ""
	case []any:
		g, _ := got.([]any)
		if len(g) < len(w) {
			return fmt.Sprintf("%s has %d items", path, len(g))
		}
		for i, value := range w {
			if at := lacks(fmt.Sprintf("%s[%d]", path, i), value, g[i]); at != "" {
				return at
			}
		}
		return ""
	}
	if !equality.Semantic.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %v, not %v", strings.TrimPrefix(path, "."), got, want)
	}
	return ""
}
