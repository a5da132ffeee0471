package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// ConditionRolloutWarning says of workloads that restart when their Secrets change
// what they wait for, or what they cannot follow.
const ConditionRolloutWarning api.ConditionType = "RolloutWarning"

// Rollouts are what is needed to restart workloads when what they use has changed.
type Rollouts struct {
	// Key is the installation's: the same after a restart, and for all agents that
	// share the Applications.
	Key func(ctx context.Context) ([]byte, error)
}

// rollouts returns the marks of the workloads that opted in (see package rollout).
func (p *pass) rollouts(ctx context.Context, set manifest.Set) (map[manifest.Key]string, error) {
	on, err := rollout.ParseOn(p.app.Annotations[api.AnnotationRolloutOn])
	if _, stated := p.app.Annotations[api.AnnotationRolloutOn]; stated && err != nil {
		p.report.add(ConditionRolloutWarning, err.Error())
	}
	workloads, mistakes := rollout.Workloads(set, on)
	for _, text := range mistakes {
		p.report.add(ConditionRolloutWarning, text)
	}
	owned := rollout.NewOwned(set)
	keys := owned.Made(workloads)
	live, err := p.made(ctx, keys)
	if err != nil || len(workloads) == 0 {
		return nil, err
	}
	if p.r.Rollouts == nil {
		return nil, fmt.Errorf("annotation %s: nothing restarts here", api.AnnotationRolloutOn)
	}
	key, err := p.r.Rollouts.Key(ctx)
	if err != nil {
		return nil, fmt.Errorf("it cannot be told which workloads restart: %w", err)
	}
	before, err := p.before(ctx, workloads, len(live) < len(keys))
	if err != nil {
		return nil, err
	}
	marks := map[manifest.Key]string{}
	p.follows = map[manifest.Key][]manifest.Key{}
	for _, w := range workloads {
		p.follows[w.Object.Key] = owned.Stated(w)
		if mark := owned.Mark(key, w, live, before[w.Object.Key]); mark != "" {
			marks[w.Object.Key] = mark
		}
	}
	return marks, nil
}

// made reads what controllers have made of the Application's objects, and follows it
// from now on. What cannot be read is said, and restarts nothing.
func (p *pass) made(ctx context.Context, keys []manifest.Key) (map[manifest.Key]rollout.Data, error) {
	if p.r.Rollouts == nil || p.to.Live == nil {
		return nil, nil
	}
	objects := make([]values.Object, len(keys))
	for i, key := range keys {
		objects[i] = values.Object{Kind: values.Secret, Namespace: key.Namespace, Name: key.Name}
	}
	found, err := p.to.Live.Use(ctx, rolloutUser(p.app.Namespace, p.app.Name), objects...)
	if err != nil {
		return nil, err
	}
	live := map[manifest.Key]rollout.Data{}
	for i, key := range keys {
		switch content := found[objects[i]]; {
		case content.Err == nil:
			live[key] = content.Data
		case !errors.Is(content.Err, fs.ErrNotExist): // what is not there yet will be told of
			p.report.add(ConditionRolloutWarning, fmt.Sprintf("no workload restarts when %s changes, which a controller makes: %v", key, content.Err))
		}
	}
	return live, nil
}

// before are the marks that stand on workloads. They are only asked for if something
// that the workloads use is not known.
func (p *pass) before(ctx context.Context, workloads []rollout.Workload, needed bool) (map[manifest.Key]string, error) {
	if !needed {
		return nil, nil
	}
	var set manifest.Set
	for _, w := range workloads {
		set = append(set, w.Object)
	}
	return p.to.Marks(ctx, set)
}

// rolloutUser is an Application that follows what controllers make.
func rolloutUser(namespace, name string) values.User {
	return values.User{Namespace: namespace, Name: name, Purpose: "rollout"}
}

// unfollow follows nothing for an Application that is gone from a destination.
func (r *Reconciler) unfollow(instance string, to goal) {
	if to.Live == nil {
		return
	}
	namespace, name := api.ParseInstanceName(instance, r.Namespace)
	_, _ = to.Live.Use(context.Background(), rolloutUser(namespace, name)) // of no objects there is nothing to wait for
}

// sumOf is one text for all marks.
func sumOf(marks map[manifest.Key]string) string {
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(marks), manifest.Key.Compare) {
		fmt.Fprintf(&b, "%s %s\n", key, marks[key])
	}
	return b.String()
}

// restarts says which workloads wait for a sync to restart, and why they do.
func (p *pass) restarts(changes []diff.Change) {
	if op := p.status.OperationState; op != nil && !op.Phase.Completed() && op.Message == "" {
		return // it is about to
	}
	for _, c := range changes {
		if why := c.Restarts(); why != "" {
			p.report.add(ConditionRolloutWarning, fmt.Sprintf("%s %s, at the next sync", c.Key, why))
		}
	}
}
