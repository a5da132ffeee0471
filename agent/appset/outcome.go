package appset

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

// An Outcome is what came of a pass over a set.
type Outcome struct {
	// Err is why not all is as it is to be, and Reason what kind of thing that is: one
	// of those that conditions of ApplicationSets have.
	Err    error
	Reason string
	// Generated says that the parameters were found.
	Generated bool
	// Problems are what most likely was not meant.
	Problems []Problem
	// Held is why Applications are not deleted for now; "" if none is held.
	Held string
	// Rollout is nil if the set is no rolling sync.
	Rollout *Rollout
}

// Fail notes why not all is as it is to be. The first reason counts.
func (o *Outcome) Fail(reason string, err error) {
	if err != nil && o.Err == nil {
		o.Reason, o.Err = reason, err
	}
}

// Of notes what a generation and the plan from it say.
func (o *Outcome) Of(result *Result, plan Plan) {
	o.Generated, o.Problems = true, result.Problems
	o.Fail(api.ReasonValidationError, invalid(result))
	if len(plan.Foreign) > 0 {
		o.Fail(api.ReasonUpdateError, fmt.Errorf("%s: the Application is somebody else's: it is left as it is", listed(plan.Foreign)))
	}
	if plan.Held != "" {
		o.Held = howToApprove(plan)
		o.Fail(api.ReasonDeleteError, errors.New("deletions are held: "+o.Held))
	}
}

// invalid is what is wrong with generated Applications: with the last, by name, in full,
// and of how many others.
func invalid(result *Result) error {
	var all []Generated
	for _, g := range result.Applications {
		if g.Invalid != nil {
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		return nil
	}
	last := slices.MaxFunc(all, func(a, b Generated) int { return cmp.Compare(a.App.Name, b.App.Name) })
	err := fmt.Errorf("of parameters %s: %s: %w", strings.TrimSpace(last.Parameters), last.Field, last.Invalid)
	if len(all) > 1 {
		err = fmt.Errorf("%w (and %d more)", err, len(all)-1)
	}
	return err
}

// ReasonOf is the reason of a generation that failed.
func ReasonOf(err error) string {
	if errors.Is(err, ErrTemplate) {
		return api.ReasonRenderTemplateError
	}
	return api.ReasonGenerationError
}

// Conditions are those that tell of it, in the words of Argo CD where it has any. One that
// was there before, in the same words, keeps its time. As long as nothing can be
// generated, what was said of deletions and of a rollout stands.
func (o Outcome) Conditions(old []api.ApplicationSetCondition, now metav1.Time) []api.ApplicationSetCondition {
	s := said{old: old, now: now}
	const generated, all = "Successfully generated parameters for all Applications", "All applications have been generated successfully"
	if o.Err != nil {
		s.say(api.ApplicationSetErrorOccurred, true, o.Reason, o.Err.Error())
		s.say(api.ApplicationSetResourcesUpToDate, false, api.ReasonErrorOccurred, o.Err.Error())
	} else {
		s.say(api.ApplicationSetErrorOccurred, false, api.ReasonSetUpToDate, all)
		s.say(api.ApplicationSetResourcesUpToDate, true, api.ReasonSetUpToDate, all)
	}
	if !o.Generated {
		s.say(api.ApplicationSetParametersGenerated, false, api.ReasonErrorOccurred, o.Err.Error())
		s.stand()
		return s.sorted()
	}
	s.say(api.ApplicationSetParametersGenerated, true, api.ReasonParametersGenerated, generated)
	if o.Held != "" {
		s.say(api.ApplicationSetDeletionHeld, true, api.ReasonDeletionHeld, o.Held)
	}
	if len(o.Problems) > 0 {
		s.say(api.ApplicationSetGenerationWarning, true, api.ReasonGenerationSuspicious, problemsText(o.Problems))
	}
	if o.Rollout != nil {
		o.Rollout.say(&s)
	}
	return s.sorted()
}

// said are the conditions of one pass.
type said struct {
	old, list []api.ApplicationSetCondition
	now       metav1.Time
}

func (s *said) say(kind api.ApplicationSetConditionType, is bool, reason, message string) {
	c := api.ApplicationSetCondition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: legible(message), LastTransitionTime: &s.now}
	if is {
		c.Status = metav1.ConditionTrue
	}
	same := func(o api.ApplicationSetCondition) bool {
		return o.Type == kind && o.Status == c.Status && o.Reason == reason && o.Message == c.Message && o.LastTransitionTime != nil
	}
	if i := slices.IndexFunc(s.old, same); i >= 0 {
		c.LastTransitionTime = s.old[i].LastTransitionTime
	}
	s.list = append(s.list, c)
}

// stand says again what was said of what this pass says nothing of.
func (s *said) stand() {
	for _, o := range s.old {
		if !slices.ContainsFunc(s.list, func(c api.ApplicationSetCondition) bool { return c.Type == o.Type }) {
			s.list = append(s.list, o)
		}
	}
}

func (s *said) sorted() []api.ApplicationSetCondition {
	slices.SortFunc(s.list, func(a, b api.ApplicationSetCondition) int { return cmp.Compare(a.Type, b.Type) })
	return s.list
}

// legible is a message without control characters, and not longer than a status should
// have: much of it was written by strangers.
func legible(message string) string {
	return clipText(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, message))
}

// problemsText is a sentence for each problem.
func problemsText(problems []Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Field + ": " + p.Message
		if p.Hint != "" {
			texts[i] += " (" + p.Hint + ")"
		}
	}
	return strings.Join(texts, "; ")
}

// HealthOf is the health of a set, as its conditions say, which Argo CD reads so.
func HealthOf(conditions []api.ApplicationSetCondition) api.HealthStatus {
	for _, judged := range []struct {
		kind   api.ApplicationSetConditionType
		health api.HealthCode
	}{
		{api.ApplicationSetErrorOccurred, api.HealthDegraded},
		{api.ApplicationSetRolloutProgressing, api.HealthProgressing},
		{api.ApplicationSetResourcesUpToDate, api.HealthHealthy},
	} {
		for _, c := range conditions {
			if c.Type == judged.kind && c.Status == metav1.ConditionTrue {
				return api.HealthStatus{Status: judged.health, Message: c.Message}
			}
		}
	}
	return api.HealthStatus{Status: api.HealthUnknown, Message: "Waiting for health status to be determined"}
}

// mostResources is how many Applications a status lists.
const mostResources = 5000

// ResourcesOf lists the live Applications of a set, as its status does, and counts them.
func ResourcesOf(owned []*api.Application) (resources []api.ResourceStatus, count int64) {
	for _, app := range owned {
		resources = append(resources, api.ResourceStatus{
			Group: api.Group, Version: api.GroupVersion.Version, Kind: api.ApplicationKind, Namespace: app.Namespace, Name: app.Name,
			Status: app.Status.Sync.Status, Health: &api.HealthStatus{Status: app.Status.Health.Status},
		})
	}
	slices.SortFunc(resources, func(a, b api.ResourceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return resources[:min(len(resources), mostResources)], int64(len(resources))
}
