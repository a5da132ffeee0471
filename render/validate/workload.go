package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) replicas(n *int32) {
	if n != nil {
		r.notNegative(spec.Child("replicas"), *n)
	}
}

func (r *report) history(n *int32) {
	if n != nil {
		r.notNegative(spec.Child("revisionHistoryLimit"), *n)
	}
}

func (r *report) notNegative(at *field.Path, n int32) {
	if n < 0 {
		r.at(RuleValue, at, "%d: it must not be negative", n)
	}
}

// template looks at the pods of a workload, whose restart policy must be one of
// its own.
func (r *report) template(t *corev1.PodTemplateSpec, at *field.Path, restart corev1.RestartPolicy, claims map[string]bool) {
	r.labels(at.Child("metadata", "labels").String(), t.Labels)
	if restart != "" && t.Spec.RestartPolicy != "" && t.Spec.RestartPolicy != restart {
		r.at(RuleConflict, at.Child("spec", "restartPolicy"), "it must be %s for a %s, and is %s", restart, r.object.Key.Kind, t.Spec.RestartPolicy)
	}
	if t.Spec.ActiveDeadlineSeconds != nil && restart == corev1.RestartPolicyAlways {
		r.at(RuleConflict, at.Child("spec", "activeDeadlineSeconds"), "it cannot be there in a %s", r.object.Key.Kind)
	}
	(&pod{r: r, spec: &t.Spec, at: at.Child("spec"), claims: claims}).check()
}

// selects compares a workload's selector with the labels of its pods.
func (r *report) selects(s *metav1.LabelSelector, on map[string]string) {
	at := spec.Child("selector")
	if s == nil {
		return // the schema demands it
	}
	r.selector(at, s)
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		r.at(RuleSelector, at, "an empty selector is not allowed here")
		return
	}
	compiled, err := metav1.LabelSelectorAsSelector(s)
	if err != nil || compiled.Matches(labels.Set(on)) {
		return
	}
	r.unmatched(at.Child("matchLabels"), s.MatchLabels, on)
	if len(s.MatchExpressions) > 0 && !r.has(RuleSelector) {
		r.at(RuleSelector, at.Child("matchExpressions"), "the labels of the template do not match it")
	}
}

func (r *report) plainSelector(s, on map[string]string) {
	r.unmatched(spec.Child("selector"), s, on)
}

// unmatched names the labels that the template lacks.
func (r *report) unmatched(at *field.Path, s, on map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		has, ok := on[key]
		switch {
		case !ok:
			r.add(RuleSelector, keyed(at.String(), key), "the template has no such label", "add it to spec.template.metadata.labels")
		case has != s[key]:
			r.add(RuleSelector, keyed(at.String(), key), fmt.Sprintf("it is %q, and in the template %q", s[key], has), "make them the same")
		}
	}
}

func (r *report) selector(at *field.Path, s *metav1.LabelSelector) {
	if s != nil {
		r.take(RuleLabel, metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, at))
	}
}

// share is a number, or a percentage of the replicas.
func (r *report) share(at *field.Path, v *intstr.IntOrString, capped bool) {
	if v == nil {
		return
	}
	if v.Type == intstr.Int {
		r.notNegative(at, v.IntVal)
		return
	}
	if len(validation.IsValidPercent(v.StrVal)) > 0 {
		r.at(RuleFormat, at, "%.20q is neither a whole number nor a percentage such as 25%%", v.StrVal)
		return
	}
	if capped && len(strings.TrimLeft(v.StrVal, "0")) > 4 || capped && len(v.StrVal) == 4 && v.StrVal > "100%" {
		r.at(RuleValue, at, "%s: it cannot be more than 100%%", v.StrVal)
	}
}

func isZero(v *intstr.IntOrString) bool {
	return v != nil && (v.Type == intstr.Int && v.IntVal == 0 || v.Type == intstr.String && strings.Trim(v.StrVal, "0") == "%")
}

func (r *report) job(j *batchv1.JobSpec, at *field.Path) {
	for name, n := range map[string]*int32{
		"parallelism": j.Parallelism, "completions": j.Completions, "backoffLimit": j.BackoffLimit,
		"ttlSecondsAfterFinished": j.TTLSecondsAfterFinished, "backoffLimitPerIndex": j.BackoffLimitPerIndex,
	} {
		if n != nil {
			r.notNegative(at.Child(name), *n)
		}
	}
	if j.MaxFailedIndexes != nil {
		r.notNegative(at.Child("maxFailedIndexes"), *j.MaxFailedIndexes)
		if j.BackoffLimitPerIndex == nil {
			r.at(RuleRequired, at.Child("backoffLimitPerIndex"), "it must be there when there are maxFailedIndexes")
		}
	}
	if indexed := j.CompletionMode != nil && *j.CompletionMode == batchv1.IndexedCompletion; j.BackoffLimitPerIndex != nil && !indexed {
		r.at(RuleConflict, at.Child("backoffLimitPerIndex"), "it is for the completion mode Indexed")
	}
	if j.CompletionMode != nil && *j.CompletionMode == batchv1.IndexedCompletion && j.Completions == nil {
		r.at(RuleRequired, at.Child("completions"), "it must be there when the completion mode is Indexed")
	}
	if n := j.ActiveDeadlineSeconds; n != nil && *n < 0 {
		r.at(RuleValue, at.Child("activeDeadlineSeconds"), "%d: it must not be negative", *n)
	}
	r.template(&j.Template, at.Child("template"), "", nil)
	policy := at.Child("template", "spec", "restartPolicy")
	switch j.Template.Spec.RestartPolicy {
	case "", corev1.RestartPolicyAlways:
		r.at(RuleConflict, policy, "it must be OnFailure or Never for a Job")
	case corev1.RestartPolicyOnFailure:
		if j.PodFailurePolicy != nil {
			r.at(RuleConflict, policy, "it must be Never when there is a podFailurePolicy")
		}
	}
}

// schedule reads a cron line as the controller does.
func (r *report) schedule(at *field.Path, line string, zone *string) {
	if strings.Contains(line, "TZ") {
		r.add(RuleFormat, at.String(), "a schedule cannot name a time zone", "put it into timeZone")
	} else if _, err := cron.ParseStandard(line); err != nil {
		r.at(RuleFormat, at, "%.60q is no schedule: %v", line, err)
	}
	if zone == nil {
		return
	}
	if _, err := time.LoadLocation(*zone); err != nil || *zone == "" || strings.EqualFold(*zone, "local") {
		r.at(RuleValue, spec.Child("timeZone"), "%.40q is no time zone", *zone)
	}
}
