package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// annotations looks at what objects say to the engine: a word that it does not know does
// not count, and nothing tells.
func (c *check) annotations() {
	for _, m := range c.Members {
		for _, o := range m.Set {
			c.annotated(m, o)
		}
	}
	for _, o := range c.Loose {
		c.annotated(nil, o)
	}
}

func (c *check) annotated(m *Member, o *manifest.Object) {
	c.unnamed(m, o)
	if len(o.Annotations) == 0 && o.Labels[api.LabelApp] == "" {
		return
	}
	say := func(rule, name, message, hint string) {
		c.of(m, o, rule, annotation(name), message, hint)
	}
	names(o, say)
	hookWords(o, say)
	number(o, say)
	duration(o, api.AnnotationHookTimeout, say)
	for _, text := range api.LintSyncOptions(o.Annotations[api.AnnotationSyncOptions]) {
		_, message, _ := strings.Cut(text, ": ")
		say(validate.RuleSyncOption, api.AnnotationSyncOptions, message, "")
	}
	if text, ok := o.Annotations[api.AnnotationRolloutOn]; ok {
		if _, err := rollout.ParseOn(text); err != nil {
			say(validate.RuleSyncOption, api.AnnotationRolloutOn, strings.TrimPrefix(err.Error(), api.AnnotationRolloutOn+": "), "")
		}
	}
	if isApplication(o) {
		duration(o, api.AnnotationSyncTimeout, say)
	}
	c.tracked(m, o)
}

func annotation(name string) string { return "metadata.annotations[" + name + "]" }

type sayer func(rule, name, message, hint string)

// names looks for annotations that nobody reads.
func names(o *manifest.Object, say sayer) {
	for _, name := range slices.Sorted(maps.Keys(o.Annotations)) {
		message, near := api.LintAnnotation(name)
		if message == "" {
			continue
		}
		hint := "remove it"
		if near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		say(validate.RuleAnnotationName, name, message, hint)
	}
}

// unnamed tells of a generateName, which only hooks may have.
func (c *check) unnamed(m *Member, o *manifest.Object) {
	if o.Key.Name == "" && !api.IsHook(o.Annotations) {
		c.of(m, o, validate.RuleHook, "metadata.generateName", "only a hook may have generateName and no name: each sync would make another object", "give it a name")
	}
}

// tracked tells of marks that the agent writes.
func (c *check) tracked(m *Member, o *manifest.Object) {
	const hint = "remove it: it came with an export from a cluster"
	if id, ok := o.Annotations[api.AnnotationTrackingID]; ok {
		c.of(m, o, validate.RuleTracking, annotation(api.AnnotationTrackingID), fmt.Sprintf("it says whose the object is (%.80s), which the agent does by itself", id), hint)
	}
	if app := o.Labels[api.LabelApp]; app != "" {
		c.of(m, o, validate.RuleTracking, "metadata.labels["+api.LabelApp+"]", fmt.Sprintf("it says that the object is of Application %.80s, which the agent does by itself", app), hint)
	}
}

var (
	hookTypes = words[api.HookType](api.HookPreSync, api.HookSync, api.HookPostSync, api.HookSyncFail, api.HookSkip, api.HookPreDelete, api.HookPostDelete)
	policies  = words[api.HookDeletePolicy](api.HookDeleteBeforeCreation, api.HookDeleteSucceeded, api.HookDeleteFailed)
	helmHooks = []string{"crd-install", "post-delete", "post-install", "post-rollback", "post-upgrade", "pre-delete", "pre-install", "pre-rollback", "pre-upgrade", "test", "test-failure", "test-success"}
	helmRules = []string{"before-hook-creation", "hook-failed", "hook-succeeded"}
)

func words[T ~string](all ...T) (list []string) {
	for _, word := range all {
		list = append(list, string(word))
	}
	return list
}

// hookWords looks at the moments and the delete policies of a hook. Argo CD's annotation
// of policies takes Helm's words, too.
func hookWords(o *manifest.Object, say sayer) {
	hooks := api.ParseList(o.Annotations[api.AnnotationHook])
	outcome := "the others count"
	if !everMade(o) {
		outcome = "the object is never made"
	}
	for _, word := range hooks {
		switch {
		case !slices.Contains(hookTypes, word):
			say(validate.RuleHook, api.AnnotationHook, fmt.Sprintf("%.80q is no moment of a sync: %s", word, outcome), meant(word, hookTypes))
		case word == string(api.HookSkip) && len(hooks) > 1:
			say(validate.RuleHook, api.AnnotationHook, "Skip counts only alone", "leave the others out, or it")
		}
	}
	for _, word := range api.ParseList(o.Annotations[api.AnnotationHelmHook]) {
		if !slices.Contains(helmHooks, word) {
			say(validate.RuleHook, api.AnnotationHelmHook, fmt.Sprintf("%.80q is no hook of Helm's: %s", word, outcome), meant(word, helmHooks))
		}
	}
	deletePolicies(o, api.AnnotationHookDeletePolicy, slices.Concat(policies, helmRules), say)
	deletePolicies(o, api.AnnotationHelmHookDeletePolicy, slices.Concat(helmRules, policies), say)
}

// everMade says that some moment of a sync, or of the deletion, makes an object.
func everMade(o *manifest.Object) bool {
	for _, upgrade := range []bool{false, true} {
		objects, hooks := plan.Split(manifest.Set{o}, upgrade)
		if len(objects) > 0 || slices.ContainsFunc(hooks, func(h plan.Hook) bool { return len(h.Types) > 0 }) {
			return true
		}
	}
	return false
}

func deletePolicies(o *manifest.Object, name string, known []string, say sayer) {
	list := api.ParseList(o.Annotations[name])
	if len(list) > 0 && !api.IsHook(o.Annotations) {
		say(validate.RuleHook, name, "the object is no hook, so that it is not deleted by this", "remove it, or name the hook's moment in "+api.AnnotationHook)
		return
	}
	for _, word := range list {
		if !slices.Contains(known, word) {
			say(validate.RuleHook, name, fmt.Sprintf("%.80q is no delete policy, and does not count", word), meant(word, known[:3]))
		}
	}
}

// meant is the word that was most likely meant, or all of them.
func meant(word string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return fmt.Sprintf("did you mean %s?", k)
		}
	}
	if near := api.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "it is one of " + strings.Join(known, ", ")
}

// number looks at waves.
func number(o *manifest.Object, say sayer) {
	for _, name := range []string{api.AnnotationSyncWave, api.AnnotationHelmHookWeight} {
		if text, ok := o.Annotations[name]; ok {
			if _, err := strconv.Atoi(text); err != nil {
				say(validate.RuleHook, name, fmt.Sprintf("%.80q is no whole number, and counts as 0", text), "")
			}
		}
	}
}

func duration(o *manifest.Object, name string, say sayer) {
	text, ok := o.Annotations[name]
	if d, err := time.ParseDuration(text); ok && (err != nil || d <= 0) {
		say(validate.RuleHook, name, fmt.Sprintf("%.80q is no duration such as 90s or 15m, and does not count", text), "")
	}
}
