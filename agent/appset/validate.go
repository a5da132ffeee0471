package appset

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tidelock-io/tidelock/agent/api"
)

// validate marks the Applications that must be left alone.
func (g *generation) validate() {
	by := map[string][]int{}
	for i, made := range g.result.Applications {
		by[made.App.Name] = append(by[made.App.Name], i)
	}
	for i := range g.result.Applications {
		made := &g.result.Applications[i]
		made.Field, made.Invalid = g.invalid(made, by[made.App.Name])
	}
}

// nameField is where the name of an Application comes from.
const nameField = "spec.template.metadata.name"

// invalid says what is wrong with an Application, and where in the set that comes from.
func (g *generation) invalid(made *Generated, named []int) (field string, err error) {
	name, field := made.App.Name, nameField
	if name == "" {
		return field, errors.New("it has no name")
	}
	if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
		return field, fmt.Errorf("%q is no name: it may have %d lower case letters, digits, dashes and dots, and begins and ends with a letter or a digit", clip(name), validation.DNS1123SubdomainMaxLength)
	}
	if len(named) > 1 {
		return field, fmt.Errorf("%d Applications have the name %s: of parameters %s", len(named), name, g.which(named))
	}
	if errs := api.ValidateApplication(made.App); len(errs) > 0 {
		return "spec.template." + errs[0].Field, errs.ToAggregate()
	}
	return "", nil
}

// which names the parameters of some Applications.
func (g *generation) which(indices []int) string {
	const most = 3
	var names []string
	for _, i := range indices[:min(most, len(indices))] {
		made := g.result.Applications[i]
		text := made.Parameters
		if len(g.spec.Generators) > 1 {
			text += fmt.Sprintf(" of generator %d", made.Generator)
		}
		names = append(names, text)
	}
	if len(indices) > most {
		names = append(names, "…")
	}
	return strings.Join(names, " and ")
}

// rollout looks at the steps of a rolling sync.
func (g *generation) rollout() {
	if g.spec.Strategy == nil || g.spec.Strategy.Type != api.StrategyRollingSync {
		return
	}
	steps := StepsOf(g.spec.Strategy, g.result.Valid())
	const field = "spec.strategy.rollingSync"
	if len(steps.Steps) == 0 {
		g.problem(ProblemStep, field, "there are no steps, and nothing is ever synced", "")
		return
	}
	for i, step := range steps.Steps {
		at := fmt.Sprintf("%s.steps[%d]", field, i)
		if len(step.Applications) == 0 && len(g.result.Applications) > 0 {
			g.problem(ProblemStep, at, "it selects no Application", "")
		}
		if step.Err != nil {
			g.problem(ProblemStep, at+".maxUpdate", step.Err.Error(), "")
		}
	}
	if len(steps.Left) > 0 {
		g.problem(ProblemStep, field+".steps", fmt.Sprintf("no step selects %s: they are never synced", listed(steps.Left)), "")
	}
	if len(steps.Twice) > 0 {
		g.problem(ProblemStep, field+".steps", fmt.Sprintf("more than one step selects %s: the first one counts", listed(steps.Twice)), "")
	}
}
