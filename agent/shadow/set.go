package shadow

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// CompareSet sets what we would make of an ApplicationSet beside what Argo CD has made of
// it: they are the same if there is nothing to be done. The error is why it cannot be
// told.
func CompareSet(set *api.ApplicationSet, plan appset.Plan, err error) Set {
	s := Set{
		Namespace: set.Namespace, Name: set.Name, Outcome: Same,
		Create: namesOf(plan.Create), Update: namesOf(plan.Update), Delete: plan.Delete, Held: plan.Held,
	}
	if len(s.Create)+len(s.Update)+len(s.Delete) > 0 || s.Held != "" {
		s.Outcome = Differs
	}
	if err != nil {
		s.Error, s.Outcome = err.Error(), Differs
	}
	return s
}

func namesOf(apps []*api.Application) (names []string) {
	for _, app := range apps {
		names = append(names, app.Name)
	}
	return names
}
