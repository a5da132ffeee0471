package appset

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

func conditionsText(list []api.ApplicationSetCondition) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%s=%s %s: %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	health := HealthOf(list)
	fmt.Fprintf(&b, "health %s: %s\n", health.Status, health.Message)
	return b.String()
}

func TestConditions(t *testing.T) {
	boom := errors.New("boom")
	steps := Steps{Steps: []Step{{Applications: []string{"a"}}, {}}, Left: []string{"x"}}
	for _, tt := range []struct {
		name    string
		outcome Outcome
		old     []api.ApplicationSetCondition
		want    string
	}{
		{"all is well", Outcome{Generated: true}, nil, `ErrorOccurred=False ApplicationSetUpToDate: All applications have been generated successfully
ParametersGenerated=True ParametersGenerated: Successfully generated parameters for all Applications
ResourcesUpToDate=True ApplicationSetUpToDate: All applications have been generated successfully
health Healthy: All applications have been generated successfully
`},
		{
			"nothing can be generated: what is held and rolled out stands", Outcome{Err: boom, Reason: api.ReasonGenerationError},
			[]api.ApplicationSetCondition{
				{Type: api.ApplicationSetDeletionHeld, Status: "True", Reason: "DeletionHeld", Message: "held"},
				{Type: api.ApplicationSetResourcesUpToDate, Status: "True"},
			},
			`DeletionHeld=True DeletionHeld: held
ErrorOccurred=True ApplicationGenerationFromParamsError: boom
ParametersGenerated=False ErrorOccurred: boom
ResourcesUpToDate=False ErrorOccurred: boom
health Degraded: boom
`,
		},
		{
			"once it can, nothing is held any more", Outcome{Generated: true, Problems: []Problem{{Field: "spec.x", Message: "is odd", Hint: "write y"}, {Field: "spec.z", Message: "too"}}},
			[]api.ApplicationSetCondition{{Type: api.ApplicationSetDeletionHeld, Status: "True", Reason: "DeletionHeld", Message: "held"}},
			`ErrorOccurred=False ApplicationSetUpToDate: All applications have been generated successfully
GenerationWarning=True GenerationSuspicious: spec.x: is odd (write y); spec.z: too
ParametersGenerated=True ParametersGenerated: Successfully generated parameters for all Applications
ResourcesUpToDate=True ApplicationSetUpToDate: All applications have been generated successfully
health Healthy: All applications have been generated successfully
`,
		},
		{"a rollout", Outcome{Generated: true, Rollout: &Rollout{steps: steps, made: true, Status: []api.RollingSyncStatus{{Application: "a", Step: "1", Status: api.RollingSyncPending}}}}, nil, `ErrorOccurred=False ApplicationSetUpToDate: All applications have been generated successfully
InvalidRolloutConfig=True ApplicationSetInvalidRolloutConfig: step 2 selects no Application
ParametersGenerated=True ParametersGenerated: Successfully generated parameters for all Applications
ResourcesUpToDate=True ApplicationSetUpToDate: All applications have been generated successfully
RolloutProgressing=True ApplicationSetModified: ApplicationSet is performing rollout of step 1
health Progressing: ApplicationSet is performing rollout of step 1
`},
		{"what strangers wrote is shown as one line of text", Outcome{Err: errors.New("a\x1b[31m\u202eb"), Reason: api.ReasonUpdateError, Generated: true}, nil, `ErrorOccurred=True UpdateApplicationError: a [31m b
ParametersGenerated=True ParametersGenerated: Successfully generated parameters for all Applications
ResourcesUpToDate=False ErrorOccurred: a [31m b
health Degraded: a [31m b
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			then, now := metav1.NewTime(rolloutNow.Add(-time.Hour)), rolloutNow
			list := tt.outcome.Conditions(tt.old, then)
			if diff := cmp.Diff(tt.want, conditionsText(list)); diff != "" {
				t.Error(diff)
			}
			for _, c := range tt.outcome.Conditions(list, now) {
				if c.LastTransitionTime == nil && len(tt.old) > 0 {
					continue // it has none of old
				}
				if !c.LastTransitionTime.Equal(&then) {
					t.Errorf("%s is of another time, though nothing changed", c.Type)
				}
			}
		})
	}
}

// TestFirstReason: the first thing that went wrong is told.
func TestFirstReason(t *testing.T) {
	set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "apps"}}
	result := &Result{}
	for _, app := range liveApps("a A_ B_") {
		result.Applications = append(result.Applications, Generated{App: app, Parameters: "0 (x)"})
	}
	g := &generation{set: set, spec: &set.Spec, result: result}
	g.validate()
	var o Outcome
	o.Of(result, Plan{Held: "2 of 2 Applications would be deleted: x, y", Hash: "0123", Foreign: []string{"a"}})
	const want = `ApplicationValidationError: of parameters 0 (x): spec.template.metadata.name: "B_" is no name: it may have 253 lower case letters, digits, dashes and dots, and begins and ends with a letter or a digit (and 1 more)`
	if got := o.Reason + ": " + o.Err.Error(); got != want {
		t.Error(cmp.Diff(want, got))
	}
	if want := "2 of 2 Applications would be deleted: x, y: approve with annotation tidelock.io/approve: 0123"; o.Held != want {
		t.Errorf("held: %s", o.Held)
	}
}

// TestApproved: by the hash, or by a time since when it is held; what was approved is
// these very deletions.
func TestApproved(t *testing.T) {
	set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "apps"}}
	plan := func() Plan {
		t.Helper()
		p, err := PlanOf(set, &Result{}, liveApps("a b c"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := plan()
	var o Outcome
	o.Of(&Result{}, first)
	set.Status.Conditions = o.Conditions(nil, rolloutNow)
	for annotation, want := range map[string]bool{
		api.AnnotationApprove + "=" + first.Hash:                      true,
		api.AnnotationApprove + "=0123":                               false,
		api.AnnotationDeletionApproved + "=2026-11-26T12:00:00Z":      true,
		api.AnnotationDeletionApproved + "=2026-11-26T13:00:01+01:00": true,
		api.AnnotationDeletionApproved + "=2026-11-26T11:59:59Z":      false,
		api.AnnotationDeletionApproved + "=true":                      false,
	} {
		key, value, _ := strings.Cut(annotation, "=")
		set.Annotations = map[string]string{key: value}
		if got := plan(); (got.Held == "") != want || (len(got.Delete) == 3) != want {
			t.Errorf("%s: %s", annotation, got)
		}
	}
	set.Annotations = map[string]string{api.AnnotationApprove: first.Hash}
	if p, err := PlanOf(set, &Result{}, liveApps("a b c d")); err != nil || p.Held == "" || p.Hash == first.Hash {
		t.Errorf("another deletion is not approved: %s %v", p, err)
	}
}

func TestResourcesOf(t *testing.T) {
	var owned []*api.Application
	for i := range mostResources + 2 {
		owned = append(owned, &api.Application{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("a%05d", mostResources-i+2)}})
	}
	list, count := ResourcesOf(owned)
	if len(list) != mostResources || count != mostResources+2 || list[0].Name != "a00001" || list[0].Kind != "Application" || list[0].Version != "v1alpha1" {
		t.Errorf("%d of %d, %+v", len(list), count, list[0])
	}
}
