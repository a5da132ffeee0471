package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/secrets/crash"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// configured returns the configuration, compiled anew if it has changed.
func (n *Notifier) configured() (*Config, string) {
	source, version := n.Source()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.config == nil || n.version != version {
		n.config, n.version = Compile(source), version
		for _, err := range n.config.Mistakes {
			n.Log.Warn("part of the configuration of notifications has no effect", "error", err)
		}
	}
	return n.config, n.version
}

// Between finds out what is to be told of an Application, notes in it that this is told,
// and has it sent. No pass over the Application may be made meanwhile.
func (n *Notifier) Between(ctx context.Context, name types.NamespacedName) {
	if !n.mine(name) {
		return
	}
	err := crash.Guard("notify", func() error { return n.between(ctx, name) })
	if err != nil && ctx.Err() == nil {
		n.Log.Error("notify", "application", name, "error", err)
	}
}

func (n *Notifier) between(ctx context.Context, name types.NamespacedName) error {
	app := n.Store.Application(name.Namespace, name.Name)
	if app == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.apps, name)
		return nil
	}
	if !n.subscribed(app) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if k := n.apps[name]; k != nil {
			k.moments = nil
		}
		return nil
	}
	configs, version := n.configsOf(app)
	project := n.ofProject(app)
	seen := fmt.Sprint(app.UID, app.ResourceVersion, " ", version, " ", project)
	moments, found, due := n.take(name, seen, n.timed(configs, app, project))
	if !due {
		return nil
	}
	v, err := n.evaluateAll(configs, app, moments, found, project)
	if err != nil {
		return err
	}
	n.complain(app, v.mistakes)
	if v.changed {
		if noted, err := n.tell(ctx, app, v, moments); !noted {
			return err
		}
	}
	n.settle(app, found)
	return nil
}

// settle forgets what was found before the last operation of an Application ended, for
// that was told.
func (n *Notifier) settle(app *api.Application, found Found) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := n.of(nameOf(app)); k.found.At.Equal(found.At) && found.before(app.Status.OperationState) {
		k.found = Found{}
	}
}

// timed says that a trigger that somebody has subscribed to depends on what time it is.
func (c *Config) timed(to map[string][]destination) bool {
	for name := range to {
		if t := c.triggers[name]; t != nil && t.timed() {
			return true
		}
	}
	return false
}

// take takes what is to be evaluated, if there is anything.
func (n *Notifier) take(name types.NamespacedName, seen string, timed bool) (moments []moment, found Found, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.of(name)
	due = len(k.moments) > 0 || k.seen != seen || k.again || timed
	moments, k.moments, k.seen, k.again = k.moments, nil, seen, false
	return moments, k.found, due
}

// evaluate runs the triggers over what an Application was meanwhile, and what it is.
func (n *Notifier) evaluate(config *Config, app *api.Application, state State, moments []moment, found Found, to map[string][]destination) (Evaluation, error) {
	var all []map[string]any
	for _, m := range append(slices.Clone(moments), moment{app: app}) {
		if !reported(m.app) {
			continue
		}
		if m.opened != nil && !n.open(m.app) {
			m.opened = nil
		}
		vars, err := config.Vars(Moment{App: m.app, Opened: m.opened, Found: found, Commit: n.Commit})
		if err != nil {
			return Evaluation{}, err
		}
		all = append(all, vars)
	}
	e := config.Evaluate(state, to, all, n.Now())
	for trigger, conditions := range e.Ran {
		for _, holds := range conditions {
			n.Evaluated(trigger, holds)
		}
	}
	return e, nil
}

// reported says that what a status says of sync and health is no older than the end of
// the operation in it: else it would be told of what was before.
func reported(app *api.Application) bool {
	op := app.Status.OperationState
	if op == nil || !op.Phase.Completed() {
		return true
	}
	return op.FinishedAt != nil && app.Status.ReconciledAt != nil && !app.Status.ReconciledAt.Before(op.FinishedAt)
}

// open says that the sync windows let an Application sync.
func (n *Notifier) open(app *api.Application) bool {
	schedule, err := n.Store.Windows(app.Spec.ProjectName())
	return err == nil && schedule.For(window.TargetOf(app)).At(n.Now(), !app.Spec.SyncPolicy.IsAutomated()).Allowed
}

// tell notes in the Application what is told, and has it sent. If somebody else has
// written meanwhile, nothing is sent: it is found out anew.
func (n *Notifier) tell(ctx context.Context, app *api.Application, v verdict, moments []moment) (noted bool, err error) {
	var notified any // null removes it
	if text := v.state.String(); text != "" {
		notified = text
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": app.ResourceVersion, "annotations": map[string]any{api.AnnotationNotified: notified},
	}})
	if err != nil {
		return false, fmt.Errorf("encode what was told: %w", err)
	}
	now, err := n.Store.Patch(ctx, app.Namespace, app.Name, patch)
	if err != nil {
		n.putBack(nameOf(app), moments)
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			n.Wake(nameOf(app))
			return false, nil
		}
		return false, fmt.Errorf("note what is told of application %s: %w", app.Name, err)
	}
	n.mu.Lock()
	k := n.of(nameOf(app))
	k.seen = strings.Replace(k.seen, app.ResourceVersion, now.ResourceVersion, 1)
	n.mu.Unlock()
	for _, l := range v.letters {
		n.post.add(l)
	}
	return true, nil
}

// putBack remembers what could not be noted, for the next time.
func (n *Notifier) putBack(name types.NamespacedName, moments []moment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.of(name)
	k.moments, k.again = append(moments, k.moments...), true
	k.moments = k.moments[max(0, len(k.moments)-maxMoments):]
}

// tick has Applications looked at that may have something to tell though nothing has
// happened to them.
func (n *Notifier) tick() {
	for _, app := range n.Store.List() {
		if !n.mine(nameOf(app)) || !n.subscribed(app) {
			continue
		}
		configs, _ := n.configsOf(app)
		n.mu.Lock()
		again := n.of(nameOf(app)).again
		n.mu.Unlock()
		if again || n.timed(configs, app, n.ofProject(app)) {
			n.Wake(nameOf(app))
		}
	}
}
