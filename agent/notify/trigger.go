package notify

import (
	"crypto/sha1" //nolint:gosec // it names a condition, as Argo CD does
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/argoproj/notifications-engine/pkg/triggers"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

type condition = triggers.Condition

// A Trigger says when to send what.
type Trigger struct{ conditions []compiled }

type compiled struct {
	condition
	key           string
	when, oncePer *vm.Program // oncePer is nil if there is none
}

// A Result is what a condition of a trigger has come to.
type Result = triggers.ConditionResult

func compileTrigger(conditions []condition) (*Trigger, error) {
	t := &Trigger{}
	for i, c := range conditions {
		sum := sha1.Sum([]byte(c.When)) //nolint:gosec // see above
		made := compiled{condition: c, key: fmt.Sprintf("[%d].%s", i, base64.RawURLEncoding.EncodeToString(sum[:]))}
		var err error
		when := c.When
		if when == "" {
			when = "false"
		}
		if made.when, err = expr.Compile(when); err != nil {
			return nil, fmt.Errorf("[%d].when: %w", i, err)
		}
		if c.OncePer != "" {
			if made.oncePer, err = expr.Compile(c.OncePer); err != nil {
				return nil, fmt.Errorf("[%d].oncePer: %w", i, err)
			}
		}
		t.conditions = append(t.conditions, made)
	}
	return t, nil
}

// Run asks each condition. One that cannot tell does not hold, and says why.
func (t *Trigger) Run(vars map[string]any) (results []Result, why []error) {
	for _, c := range t.conditions {
		r := Result{Key: c.key, Templates: c.Send}
		value, err := ask(c.when, vars)
		if err == nil {
			holds, ok := value.(bool)
			if r.Triggered = ok && holds; !ok {
				err = fmt.Errorf("%s is a %T, and no boolean", c.When, value)
			}
		}
		if r.Triggered && c.oncePer != nil {
			value, err = ask(c.oncePer, vars)
			if r.OncePer = oncePerOf(value); err != nil {
				r.OncePer, err = "", fmt.Errorf("oncePer: %w", err)
			}
		}
		results, why = append(results, r), append(why, err)
	}
	return results, why
}

// oncePerOf names what a condition is told once for, as Argo CD does.
func oncePerOf(value any) string { return fmt.Sprintf("%v", value) }

// ask runs an expression, which may call functions that panic.
func ask(program *vm.Program, vars map[string]any) (value any, err error) {
	err = crash.Guard("evaluate a condition", func() (err error) {
		value, err = expr.Run(program, vars)
		return err
	})
	return value, err
}

// Conditions are those of the trigger, in the order of what Run returns.
func (t *Trigger) Conditions() (all []triggers.Condition) {
	for _, c := range t.conditions {
		all = append(all, c.condition)
	}
	return all
}

func (t *Trigger) templates() (names []string) {
	for _, c := range t.conditions {
		names = append(names, c.Send...)
	}
	return names
}

// timed says that a trigger depends on what time it is.
func (t *Trigger) timed() bool {
	for _, c := range t.conditions {
		for _, text := range []string{c.When, c.OncePer} {
			if strings.Contains(text, "Now(") || strings.Contains(text, "now(") {
				return true
			}
		}
	}
	return false
}
