package appset

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

// rolloutNow is when all rollouts of the tests are looked at.
var rolloutNow = metav1.NewTime(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))

// rollingApps reads "name=env", and behind it what an Application is like, after commas:
// @REVISION (of its status), out (OutOfSync), ill (Progressing), asked (an operation is
// asked for), began=SECONDS (an operation began so long ago), error (InvalidSpecError),
// stale (a newer commit is known), other (its status is about another spec), update (the
// set is about to change its spec), relabel (and nothing but its labels).
func rollingApps(r *Rolling, text string) {
	stale := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		parts := strings.Split(word, ",")
		name, env, _ := strings.Cut(parts[0], "=")
		app := &api.Application{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"env": env}}}
		app.Spec = api.ApplicationSpec{Project: "default", Source: &api.Source{RepoURL: "r", Path: name}, Destination: api.Destination{Name: "in-cluster"}}
		app.Status.Sync = api.SyncStatus{Status: api.SyncCodeSynced, Revision: "r1", ComparedTo: app.Spec.ComparedTo()}
		app.Status.Health.Status = api.HealthHealthy
		r.Result.Applications = append(r.Result.Applications, Generated{App: app.DeepCopy()})
		for _, is := range parts[1:] {
			switch key, value, _ := strings.Cut(is, "="); {
			case key[0] == '@':
				app.Status.Sync.Revision = key[1:]
			case key == "out":
				app.Status.Sync.Status = api.SyncCodeOutOfSync
			case key == "ill":
				app.Status.Health.Status = api.HealthProgressing
			case key == "asked":
				app.Operation = &api.Operation{}
			case key == "began":
				seconds, _ := strconv.Atoi(value)
				app.Status.OperationState = &api.OperationState{Phase: api.OperationSucceeded, StartedAt: metav1.NewTime(rolloutNow.Add(-time.Duration(seconds) * time.Second))}
			case key == "error":
				app.Status.Conditions = []api.Condition{{Type: api.ConditionInvalidSpecError}}
			case key == "stale":
				stale[name] = true
			case key == "other":
				app.Status.Sync.ComparedTo.Source.Path = "elsewhere"
			case key == "update":
				to := app.DeepCopy()
				to.Spec.Source.Path = "other"
				r.Plan.Update = append(r.Plan.Update, to)
			case key == "relabel":
				r.Plan.Update = append(r.Plan.Update, app.DeepCopy())
			case key == "missing":
				app = nil
			}
		}
		if app != nil {
			r.Owned = append(r.Owned, app)
		}
	}
	r.Fresh = func(app *api.Application) bool { return !stale[app.Name] }
}

// stored reads "name=State@REVISION", of ten seconds ago.
func storedRollout(text string) (all []api.RollingSyncStatus) {
	then := metav1.NewTime(rolloutNow.Add(-10 * time.Second))
	for word := range strings.FieldsSeq(text) {
		name, rest, _ := strings.Cut(word, "=")
		state, revision, _ := strings.Cut(rest, "@")
		all = append(all, api.RollingSyncStatus{
			Application: name, Status: api.RollingSyncState(state), TargetRevisions: []string{revision}, LastTransitionTime: &then, Message: "before",
		})
	}
	return all
}

func rolloutText(r Rollout) string {
	var b strings.Builder
	for _, s := range r.Status {
		word := fmt.Sprintf("%s %s step %s", s.Application, s.Status, s.Step)
		if s.Message == "before" {
			word += " as before"
		}
		fmt.Fprintln(&b, word)
	}
	if len(r.Sync) > 0 {
		fmt.Fprintln(&b, "sync", strings.Join(r.Sync, " "))
	}
	if r.Stale {
		fmt.Fprintln(&b, "stale")
	}
	if r.Again > 0 {
		fmt.Fprintln(&b, "again in", r.Again)
	}
	return b.String()
}

const twoSteps = `{type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev]}]}, {matchExpressions: [{key: env, operator: In, values: [prod]}], maxUpdate: 1}]}}`

func TestRollout(t *testing.T) {
	for _, tt := range []struct{ name, stored, apps, want string }{
		{"new ones wait, and the first step begins", "", "a=dev,out b=prod,out", "a Pending step 1\nb Waiting step 2\nsync a\n"},
		{"one that is not made yet holds the next step", "", "a=dev,missing b=prod,out", "b Waiting step 2\n"},
		{"one that is not compared yet is not synced", "", "a=dev,out,other b=prod,out", "a Waiting step 1\nb Waiting step 2\n"},
		{"what is synced already needs no sync", "", "a=dev b=prod,ill", "a Healthy step 1\nb Progressing step 2\n"},
		{"a sync was asked for, and is not asked for again", "a=Pending@r1", "a=dev,out,asked", "a Pending step 1 as before\n"},
		{"one that was decided on and not asked for, for the agent died, is", "a=Pending@r1", "a=dev,out,began=60", "a Pending step 1 as before\nsync a\n"},
		{"its sync has begun", "a=Pending@r1", "a=dev,out,began=5", "a Progressing step 1\n"},
		{"in the same second", "a=Pending@r1", "a=dev,out,began=10", "a Progressing step 1\n"},
		{"it cannot be synced", "a=Pending@r1", "a=dev,out,error", "a Progressing step 1\n"},
		{"it is synced and not healthy yet", "a=Progressing@r1", "a=dev,ill b=prod,out", "a Progressing step 1 as before\nb Waiting step 2\n"},
		{"it is healthy: the next step begins, one at a time", "a=Progressing@r1 b=Waiting@r1 c=Waiting@r1", "a=dev b=prod,out c=prod,out", "a Healthy step 1\nb Pending step 2\nc Waiting step 2 as before\nsync b\n"},
		{"the next of the step", "a=Healthy@r1 b=Progressing@r1 c=Waiting@r1", "a=dev b=prod c=prod,out", "a Healthy step 1 as before\nb Healthy step 2\nc Pending step 2\nsync c\n"},
		{"another commit", "a=Healthy@r1 b=Healthy@r1", "a=dev,@r2,out b=prod,@r2,out", "a Pending step 1\nb Waiting step 2\nsync a\n"},
		{"another commit that changes nothing of it", "a=Healthy@r1 b=Healthy@r1", "a=dev,@r2 b=prod,@r2,out", "a Healthy step 1\nb Pending step 2\nsync b\n"},
		{"a commit is known that the first step was not compared with", "a=Healthy@r1 b=Healthy@r1", "a=dev,stale b=prod,@r2,out", "a Healthy step 1 as before\nb Waiting step 2\nstale\n"},
		{"another commit in the middle of a sync", "a=Progressing@r1", "a=dev,@r2,out,began=5", "a Pending step 1\nsync a\n"},
		{"which has begun in this very second: the next could not be told from it", "a=Progressing@r1", "a=dev,@r2,out,began=0", "a Waiting step 1\nagain in 1s\n"},
		{"the set is about to change it", "a=Healthy@r1 b=Healthy@r1", "a=dev,update b=prod,update", "a Waiting step 1\nb Waiting step 2\n"},
		{"but not what it syncs", "a=Healthy@r1", "a=dev,relabel", "a Healthy step 1 as before\n"},
		{"the change is made, and not compared yet", "a=Waiting@r1", "a=dev,other", "a Waiting step 1 as before\n"},
		{"drift is left alone", "a=Healthy@r1", "a=dev,out", "a Healthy step 1 as before\n"},
		{"no step's is never synced", "", "a=dev x=other,out", "a Healthy step 1\nx Waiting step -1\n"},
		{"what is gone is not listed", "a=Healthy@r1 gone=Progressing@r1", "a=dev", "a Healthy step 1 as before\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Rolling{Set: &api.ApplicationSet{}, Result: &Result{}, Now: rolloutNow}
			r.Set.Spec.Strategy = &api.ApplicationSetStrategy{}
			read(t, twoSteps, r.Set.Spec.Strategy)
			r.Set.Status.ApplicationStatus = storedRollout(tt.stored)
			rollingApps(&r, tt.apps)
			before := r.Set.DeepCopy()
			got := r.Rollout()
			if diff := cmp.Diff(tt.want, rolloutText(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, r.Set); diff != "" {
				t.Errorf("it changed its argument: %s", diff)
			}
			// Looked at again, with what it says stored and nothing else changed, it says
			// the same.
			r.Set.Status.ApplicationStatus = got.Status
			if again := rolloutText(r.Rollout()); again != strings.ReplaceAll(tt.want, " as before", "") && again != rolloutText(got) {
				t.Errorf("it is not at rest afterwards:\n%s", again)
			}
		})
	}
}

// TestRequested: a rolling sync asks for what an automatic sync would do.
func TestRequested(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"by hand", `{}`, `{initiatedBy: {username: applicationset-controller, automated: true}, retry: {limit: 5}, sync: {}}`},
		{
			"automatic", `{syncPolicy: {automated: {prune: true}, syncOptions: [A=b], retry: {limit: 2}}}`,
			`{initiatedBy: {username: applicationset-controller, automated: true}, retry: {limit: 2}, sync: {prune: true, syncOptions: [A=b]}}`,
		},
		{"switched off", `{syncPolicy: {automated: {prune: true, enabled: false}}}`, `{initiatedBy: {username: applicationset-controller, automated: true}, retry: {limit: 5}, sync: {}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app, want := &api.Application{}, &api.Operation{}
			read(t, tt.spec, &app.Spec)
			read(t, tt.want, want)
			got := Requested(app)
			if len(got.Info) != 1 || got.Info[0].Name != "Reason" {
				t.Errorf("info %v", got.Info)
			}
			got.Info = nil
			if diff := cmp.Diff(text(t, want), text(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRollingChildren: a rolling sync's Applications are not synced automatically, and a
// plan is at rest once they are as it says.
func TestRollingChildren(t *testing.T) {
	set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "apps"}}
	set.Spec.Strategy = &api.ApplicationSetStrategy{}
	read(t, twoSteps, set.Spec.Strategy)
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	read(t, `{project: default, syncPolicy: {automated: {prune: true}}}`, &app.Spec)
	result := &Result{Applications: []Generated{{App: app}}}
	plan, err := PlanOf(set, result, nil)
	if err != nil || len(plan.Create) != 1 {
		t.Fatal(plan, err)
	}
	live := plan.Create[0]
	if live.Spec.SyncPolicy.IsAutomated() || !live.Spec.SyncPolicy.Automated.Prunes() {
		t.Errorf("got %s", text(t, live.Spec))
	}
	if plan, err = PlanOf(set, result, []*api.Application{live}); err != nil || plan.String() != "" {
		t.Errorf("it is not at rest: %s%v", plan, err)
	}
	if app.Spec.SyncPolicy.Automated.Enabled != nil {
		t.Error("it changed its argument")
	}
}
