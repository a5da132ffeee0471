package appset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

func TestSteps(t *testing.T) {
	for _, tt := range []struct{ name, strategy, apps, want string }{
		{"none", `{}`, "a=x", ""},
		{"all at once", `{type: AllAtOnce, rollingSync: {steps: [{}]}}`, "a=x", ""},
		{"in order", `{type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev, qa]}]}, {matchExpressions: [{key: env, operator: In, values: [prod]}], maxUpdate: 1}]}}`, "a=prod b=dev c=prod d=qa", "1: b d (2)\n2: a c (1)\n"},
		{"nobody's step", `{type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev]}]}]}}`, "a=dev b=prod c=", "1: a (1)\nleft: b c\n"},
		{"two steps", `{type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev]}]}, {}]}}`, "a=dev b=prod", "1: a (1)\n2: b (1)\ntwice: a\n"},
		{"a label that is not there is in no values", `{type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}]}}`, "a=dev b=prod c=", "1: b c (2)\nleft: a\n"},
		{"a percentage is rounded down", `{type: RollingSync, rollingSync: {steps: [{maxUpdate: 40%}]}}`, "a= b= c= d=", "1: a b c d (1)\n"},
		{"but not to nothing", `{type: RollingSync, rollingSync: {steps: [{maxUpdate: 10%}]}}`, "a= b=", "1: a b (1)\n"},
		{"unless it says so", `{type: RollingSync, rollingSync: {steps: [{maxUpdate: 0%}]}}`, "a= b=", "1: a b (0)\n"},
		{"and by a number", `{type: RollingSync, rollingSync: {steps: [{maxUpdate: 0}]}}`, "a= b=", "1: a b (0)\n"},
		{"what is no number", `{type: RollingSync, rollingSync: {steps: [{maxUpdate: some}]}}`, "a= b=", "1: a b (2) \"some\" is neither a number nor a percentage\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s api.ApplicationSetStrategy
			read(t, tt.strategy, &s)
			var apps []*api.Application
			for word := range strings.FieldsSeq(tt.apps) {
				app := &api.Application{}
				name, env, _ := strings.Cut(word, "=")
				if app.Name = name; env != "" {
					app.Labels = map[string]string{"env": env}
				}
				apps = append(apps, app)
			}
			steps := StepsOf(&s, apps)
			if got := stepsText(steps); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			for _, name := range steps.Left {
				if steps.Of(name) != -1 {
					t.Errorf("%s is in step %d", name, steps.Of(name))
				}
			}
			for i, step := range steps.Steps {
				for _, name := range step.Applications {
					if steps.Of(name) != i+1 {
						t.Errorf("%s is in step %d", name, steps.Of(name))
					}
				}
			}
		})
	}
}

func stepsText(s Steps) string {
	var b strings.Builder
	for i, step := range s.Steps {
		fmt.Fprintf(&b, "%d: %s (%d)", i+1, strings.Join(step.Applications, " "), step.Most)
		if step.Err != nil {
			fmt.Fprintf(&b, " %v", step.Err)
		}
		fmt.Fprintln(&b)
	}
	if len(s.Left) > 0 {
		fmt.Fprintln(&b, "left:", strings.Join(s.Left, " "))
	}
	if len(s.Twice) > 0 {
		fmt.Fprintln(&b, "twice:", strings.Join(s.Twice, " "))
	}
	return b.String()
}
