package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A nameCheck says what is wrong with a name, of which prefix is only the
// beginning.
type nameCheck = apivalidation.ValidateNameFunc

var (
	isSubdomain nameCheck = apivalidation.NameIsDNSSubdomain
	isLabel     nameCheck = apivalidation.NameIsDNSLabel
	isService   nameCheck = apivalidation.NameIsDNS1035Label
	isSegment   nameCheck = segment
)

// segment is what a URL allows.
func segment(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	return content.IsPathSegmentName(name)
}

// nameRules are the kinds whose names are no DNS subdomains.
var nameRules = map[schema.GroupKind]nameCheck{
	{Kind: "Namespace"}: isLabel,
	{Kind: "Service"}:   serviceName,
	{Group: "rbac.authorization.k8s.io", Kind: "Role"}:               isSegment,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:        isSegment,
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:        isSegment,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: isSegment,
	{Group: "policy", Kind: "PodDisruptionBudget"}:                   isSegment,
	{Group: "batch", Kind: "CronJob"}:                                cronJobName,
	{Group: "batch", Kind: "Job"}:                                    jobName,
	{Group: "apps", Kind: "StatefulSet"}:                             statefulSetName,
}

func nameRule(kind schema.GroupKind) nameCheck {
	if check := nameRules[kind]; check != nil {
		return check
	}
	return isSubdomain
}

// serviceName holds for every version: from 1.34 on a digit may be its first.
func serviceName(name string, prefix bool) []string {
	if strings.TrimLeft(name, "0123456789") == name {
		return isService(name, prefix)
	}
	return isLabel(name, prefix)
}

// maxCronJobName leaves room for what the names of its Jobs end in.
const maxCronJobName = validation.DNS1035LabelMaxLength - 11

func cronJobName(name string, prefix bool) []string {
	errs := isSubdomain(name, prefix)
	if len(name) > maxCronJobName {
		errs = append(errs, validation.MaxLenError(maxCronJobName))
	}
	return errs
}

// jobName must do for the label of its Pods.
func jobName(name string, prefix bool) []string {
	errs := isSubdomain(name, prefix)
	if len(name) > validation.LabelValueMaxLength {
		errs = append(errs, validation.MaxLenError(validation.LabelValueMaxLength))
	}
	return errs
}

func statefulSetName(name string, prefix bool) []string { return isLabel(name, prefix) }

// metadata looks at names, labels and annotations.
func metadata(r *report, check nameCheck) {
	at := field.NewPath("metadata")
	meta, _ := r.object.Body()["metadata"].(map[string]any)
	if name := r.object.Key.Name; name != "" {
		r.names(RuleName, at.Child("name"), name, check(name, false))
	} else if prefix, _ := meta["generateName"].(string); prefix != "" {
		r.names(RuleName, at.Child("generateName"), prefix, check(prefix, true))
	}
	if namespace := r.object.Key.Namespace; namespace != "" {
		r.names(RuleNamespace, at.Child("namespace"), namespace, apivalidation.ValidateNamespaceName(namespace, false))
	}
	r.labels("metadata.labels", r.object.Labels)
	r.annotations(r.object.Annotations)
	r.podSecurity()
	r.finalizers(at.Child("finalizers"), meta["finalizers"])
}

func (r *report) names(rule string, at *field.Path, name string, errs []string) {
	for _, text := range errs {
		r.at(rule, at, "%.80q: %s", name, plainly(text))
	}
}

func (r *report) finalizers(at *field.Path, v any) {
	list, _ := v.([]any)
	for i, item := range list {
		if name, ok := item.(string); ok {
			r.names(RuleName, at.Index(i), name, validation.IsQualifiedName(name))
		}
	}
}

// labels looks at each, so that the one at fault is known.
func (r *report) labels(path string, of map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		for _, text := range validation.IsQualifiedName(key) {
			r.add(RuleLabel, keyed(path, key), "the key: "+plainly(text), "")
		}
		for _, text := range validation.IsValidLabelValue(of[key]) {
			r.add(RuleLabel, keyed(path, key), fmt.Sprintf("%.80q: %s", of[key], plainly(text)), "")
		}
	}
}

func (r *report) annotations(of map[string]string) {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(of)) {
		size += len(key) + len(of[key])
		for _, text := range validation.IsQualifiedName(strings.ToLower(key)) {
			r.add(RuleAnnotation, keyed("metadata.annotations", key), "the key: "+plainly(text), "")
		}
	}
	if size > apivalidation.TotalAnnotationSizeLimitB {
		r.add(RuleAnnotation, "metadata.annotations", fmt.Sprintf("%d bytes: they can have %d together", size, apivalidation.TotalAnnotationSizeLimitB), "")
	}
}

// plainly leaves out the regular expression that the API machinery explains with.
func plainly(text string) string {
	if before, after, ok := strings.Cut(text, ", regex used for validation is '"); ok {
		if _, rest, ok := strings.Cut(after, "')"); ok {
			return before + ")" + rest
		}
	}
	return text
}

// podSecurity looks at the labels by which a Namespace chooses what its pods may
// do.
func (r *report) podSecurity() {
	if r.object.APIVersion() != "v1" || r.object.Key.Kind != "Namespace" {
		return
	}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		key := "pod-security.kubernetes.io/" + mode
		if level, ok := r.object.Labels[key]; ok && !slices.Contains(securityLevels, level) {
			r.add(RuleValue, keyed("metadata.labels", key), fmt.Sprintf("%.60q is none of %s", level, strings.Join(securityLevels, ", ")), meant(level, securityLevels))
		}
	}
}

var securityLevels = []string{"privileged", "baseline", "restricted"}

// required demands a text that is a name of its kind.
func (r *report) required(rule string, at *field.Path, text string, check func(string) []string) {
	if text == "" {
		r.at(RuleRequired, at, "it must not be empty")
		return
	}
	r.names(rule, at, text, check(text))
}
