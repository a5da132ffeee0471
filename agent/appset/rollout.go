package appset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A Rollout is how far a rolling sync is, and what it does next.
type Rollout struct {
	// Status is that of each live Application of the set, by name.
	Status []api.RollingSyncStatus
	// Sync are the Applications that are to be synced now.
	Sync []string
	// Again is when to look again, if no Application changes; 0 if only that matters.
	Again time.Duration
	// Stale says that a step waits for a look at its Applications at the newest commits,
	// which may leave no trace in any of them.
	Stale bool

	steps Steps
	made  bool // there is something to sync at all
}

// A Rolling is what a rollout is judged by.
type Rolling struct {
	Set    *api.ApplicationSet
	Result *Result
	Plan   Plan
	// Owned are the live Applications of the set.
	Owned []*api.Application
	// Fresh says whether the status of an Application is about the newest commits that
	// are known. A step is not over before that is so of all its Applications: else a
	// commit might reach a later step first.
	Fresh func(app *api.Application) bool
	Now   metav1.Time

	owned   map[string]*api.Application
	stored  map[string]api.RollingSyncStatus
	updates map[string]bool // the set is about to change what they sync
	step    map[string]int
}

// Rollout takes a rolling sync a step further: from the status that the set has to the
// one that it is to have. That one must be stored before anything is done about it, for
// by it the next pass, in this process or in another, knows how far things are.
func (r Rolling) Rollout() Rollout {
	out := Rollout{steps: StepsOf(r.Set.Spec.Strategy, r.Result.Valid()), made: len(r.Result.Applications) > 0}
	r.index(out.steps)
	for _, app := range r.Owned {
		out.Status = append(out.Status, r.progress(app))
	}
	slices.SortFunc(out.Status, func(a, b api.RollingSyncStatus) int { return cmp.Compare(a.Application, b.Application) })
	r.promote(&out)
	for _, s := range out.Status {
		if app := r.owned[s.Application]; s.Status == api.RollingSyncPending && app.Operation == nil && !begunSince(app, s) {
			out.Sync = append(out.Sync, s.Application)
		}
	}
	return out
}

func (r *Rolling) index(steps Steps) {
	r.owned, r.stored = map[string]*api.Application{}, map[string]api.RollingSyncStatus{}
	r.updates, r.step = map[string]bool{}, map[string]int{}
	for _, app := range r.Owned {
		r.owned[app.Name], r.step[app.Name] = app, -1
	}
	for _, s := range r.Set.Status.ApplicationStatus {
		r.stored[s.Application] = s
	}
	for _, app := range r.Plan.Update {
		if live := r.owned[app.Name]; live != nil {
			r.updates[app.Name] = !equality.Semantic.DeepEqual(app.Spec, live.Spec)
		}
	}
	for i, step := range steps.Steps {
		for _, name := range step.Applications {
			r.step[name] = i + 1
		}
	}
}

// progress is how far one Application is by now, before others are looked at.
func (r Rolling) progress(app *api.Application) api.RollingSyncStatus {
	s, known := r.before(app)
	s.Step = strconv.Itoa(r.step[app.Name])
	turn := func(to api.RollingSyncState, why string) {
		if s.Status != to || s.Message != why {
			s.Status, s.Message, s.LastTransitionTime = to, why, &r.Now
		}
	}
	revisions := revisionsOf(app)
	moved, other := known && !equality.Semantic.DeepEqual(s.TargetRevisions, revisions), r.updates[app.Name]
	if moved || other {
		s.TargetRevisions = revisions
		turn(api.RollingSyncWaiting, pending(moved, other))
	}
	synced, healthy := app.Status.Sync.Status == api.SyncCodeSynced, app.Status.Health.Status == api.HealthHealthy
	switch {
	case s.Status == api.RollingSyncWaiting && synced && !other && compared(app) && healthy:
		turn(api.RollingSyncHealthy, "Application resource has synced, updating status to Healthy")
	case s.Status == api.RollingSyncWaiting && synced && !other && compared(app):
		turn(api.RollingSyncProgressing, "Application resource has synced, updating status to Progressing")
	case s.Status == api.RollingSyncPending && begunSince(app, s):
		turn(api.RollingSyncProgressing, begunText(app.Status.OperationState.Phase))
	case s.Status == api.RollingSyncPending && app.Operation == nil && unable(app):
		turn(api.RollingSyncProgressing, "Application resource has error and cannot sync, updating status to Progressing")
	case s.Status == api.RollingSyncProgressing && synced && healthy:
		turn(api.RollingSyncHealthy, "Application resource became Healthy, updating status from Progressing to Healthy")
	}
	return s
}

// before is the status that is stored, or the one of an Application that is new.
func (r Rolling) before(app *api.Application) (s api.RollingSyncStatus, known bool) {
	if s, known = r.stored[app.Name]; known {
		s.TargetRevisions = slices.Clone(s.TargetRevisions)
		return s, true
	}
	return api.RollingSyncStatus{
		Application: app.Name, TargetRevisions: revisionsOf(app), LastTransitionTime: &r.Now,
		Message: "No Application status found, defaulting status to Waiting", Status: api.RollingSyncWaiting,
	}, false
}

func pending(moved, other bool) string {
	switch {
	case moved && other:
		return "Application has pending changes (revision and spec differ), setting status to Waiting"
	case moved:
		return "Application has pending changes, setting status to Waiting"
	}
	return "Application has pending changes (spec differs), setting status to Waiting"
}

func begunText(phase api.OperationPhase) string {
	switch {
	case phase == api.OperationSucceeded:
		return "Application resource completed a sync successfully, updating status from Pending to Progressing"
	case phase.Completed():
		return "Application resource completed a sync, updating status from Pending to Progressing"
	}
	return "Application resource became Progressing, updating status from Pending to Progressing"
}

// revisionsOf are the commits that an Application's status is about: never nil, for the
// schema wants a list.
func revisionsOf(app *api.Application) []string {
	switch s := app.Status.Sync; {
	case len(s.Revisions) > 0:
		return slices.Clone(s.Revisions)
	case s.Revision != "":
		return []string{s.Revision}
	}
	return []string{}
}

// compared says that an Application's status is about its spec as it is.
func compared(app *api.Application) bool {
	return equality.Semantic.DeepEqual(app.Status.Sync.ComparedTo, app.Spec.ComparedTo())
}

// begunSince says that a sync began after it was decided on. A status tells seconds, so
// that one of the same second counts: see settled.
func begunSince(app *api.Application, s api.RollingSyncStatus) bool {
	op := app.Status.OperationState
	return op != nil && s.LastTransitionTime != nil && op.StartedAt.Unix() >= s.LastTransitionTime.Unix()
}

// unable says that an Application has an error for which it cannot be synced.
func unable(app *api.Application) bool {
	return slices.ContainsFunc(app.Status.Conditions, func(c api.Condition) bool {
		return c.Type == api.ConditionInvalidSpecError || c.Type == api.ConditionUnknownError
	})
}

// promote has Applications synced that wait, as many as may be: those of the first step
// that is not over, and of all steps before.
func (r Rolling) promote(out *Rollout) {
	at := map[string]int{}
	for j, s := range out.Status {
		at[s.Application] = j
	}
	for i, step := range out.steps.Steps {
		running := 0
		for _, s := range out.Status {
			if s.Step == strconv.Itoa(i+1) && (s.Status == api.RollingSyncPending || s.Status == api.RollingSyncProgressing) {
				running++
			}
		}
		for j := range out.Status {
			s := &out.Status[j]
			if running < step.Most && s.Step == strconv.Itoa(i+1) && s.Status == api.RollingSyncWaiting && r.ready(s.Application, out) {
				s.Status, s.LastTransitionTime = api.RollingSyncPending, &r.Now
				s.Message = "Application moved to Pending status, watching for the Application resource to start Progressing"
				running++
			}
		}
		if !r.over(step, at, out) {
			return
		}
	}
}

// ready says that an Application is known to need a sync, and that one which began now
// would be told from the last.
func (r Rolling) ready(name string, out *Rollout) bool {
	app := r.owned[name]
	if app.DeletionTimestamp != nil || r.updates[name] || !compared(app) || app.Status.Sync.Status != api.SyncCodeOutOfSync {
		return false
	}
	if op := app.Status.OperationState; op != nil && op.StartedAt.Unix() >= r.Now.Unix() {
		out.Again = time.Second
		return false
	}
	return true
}

// over says that the next step may begin.
func (r Rolling) over(step Step, at map[string]int, out *Rollout) bool {
	for _, name := range step.Applications {
		i, there := at[name]
		if !there || out.Status[i].Status != api.RollingSyncHealthy {
			return false
		}
		if !r.Fresh(r.owned[name]) {
			out.Stale = true
			return false
		}
	}
	return true
}

// say tells of the rollout by conditions.
func (r *Rollout) say(s *said) {
	if step := r.at(); step > 0 {
		s.say(api.ApplicationSetRolloutProgressing, true, api.ReasonSetModified, fmt.Sprintf("ApplicationSet is performing rollout of step %d", step))
	} else {
		s.say(api.ApplicationSetRolloutProgressing, false, api.ReasonRolloutComplete, "ApplicationSet Rollout has completed")
	}
	if wrong := r.wrong(); wrong != "" {
		s.say(api.ApplicationSetInvalidRolloutConfig, true, api.ReasonInvalidRolloutConfig, wrong)
	} else {
		s.say(api.ApplicationSetInvalidRolloutConfig, false, api.ReasonValidRolloutConfig, "Rolling Sync Configured correctly")
	}
}

// at is the first step that is not over, from 1; 0 if all are.
func (r *Rollout) at() int {
	for i := range r.steps.Steps {
		if slices.ContainsFunc(r.Status, func(s api.RollingSyncStatus) bool {
			return s.Step == strconv.Itoa(i+1) && s.Status != api.RollingSyncHealthy
		}) {
			return i + 1
		}
	}
	return 0
}

// wrong is what is wrong with the steps; "" if they are fine.
func (r *Rollout) wrong() string {
	if len(r.steps.Twice) > 0 {
		return fmt.Sprintf("more than one step selects %s: the first one counts", listed(r.steps.Twice))
	}
	for i, step := range r.steps.Steps {
		if step.Err != nil {
			return fmt.Sprintf("maxUpdate of step %d: %v", i+1, step.Err)
		}
	}
	for i, step := range r.steps.Steps {
		if len(step.Applications) == 0 && r.made {
			return fmt.Sprintf("step %d selects no Application", i+1)
		}
	}
	if len(r.steps.Left) > 0 {
		return fmt.Sprintf("no step selects %s: they are never synced", listed(r.steps.Left))
	}
	return ""
}
