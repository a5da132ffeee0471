package appset

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Steps are the order of a rolling sync.
type Steps struct {
	Steps []Step
	// Left are the Applications that no step selects: they are never synced.
	Left []string
	// Twice are those that several steps select: the first one counts.
	Twice []string
}

// A Step is synced when all before it are Healthy.
type Step struct {
	Applications []string
	// Most is how many are synced at a time.
	Most int
	// Err is why maxUpdate cannot be read; then all are synced at a time.
	Err error
}

// StepsOf says which Application a rolling sync syncs in which step. A label that an
// Application lacks is not in any values.
func StepsOf(s *api.ApplicationSetStrategy, apps []*api.Application) Steps {
	if s == nil || s.Type != api.StrategyRollingSync || s.RollingSync == nil {
		return Steps{}
	}
	all := Steps{Steps: make([]Step, len(s.RollingSync.Steps))}
	for _, app := range apps {
		selected := 0
		for i, step := range s.RollingSync.Steps {
			if !selects(step, app.Labels) {
				continue
			}
			if selected++; selected == 1 {
				all.Steps[i].Applications = append(all.Steps[i].Applications, app.Name)
			}
		}
		switch {
		case selected == 0:
			all.Left = append(all.Left, app.Name)
		case selected > 1:
			all.Twice = append(all.Twice, app.Name)
		}
	}
	for i := range all.Steps {
		step := &all.Steps[i]
		step.Most, step.Err = most(s.RollingSync.Steps[i].MaxUpdate, len(step.Applications))
	}
	return all
}

// Of returns the step of an Application, from 1, or -1 if it has none.
func (s Steps) Of(name string) int {
	for i, step := range s.Steps {
		if slices.Contains(step.Applications, name) {
			return i + 1
		}
	}
	return -1
}

func selects(step api.RollingSyncStep, labels map[string]string) bool {
	return !slices.ContainsFunc(step.MatchExpressions, func(m api.ApplicationMatchExpression) bool {
		value, ok := labels[m.Key]
		in := ok && slices.Contains(m.Values, value)
		return in != (m.Operator == "In")
	})
}

// most is how many of a step may be synced at a time: a percentage is rounded down, but
// not to nothing.
func most(limit *intstr.IntOrString, of int) (int, error) {
	if limit == nil {
		return of, nil
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(limit, of, false)
	switch {
	case err != nil:
		return of, fmt.Errorf("%q is neither a number nor a percentage", limit.String())
	case n < 1 && limit.Type == intstr.String && limit.StrVal != "0%":
		return 1, nil
	}
	return n, nil
}
