package api

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateApplication returns what keeps an Application from working as it is written,
// each with its field's path, such as
//
//	spec.destination: Invalid value: both server and name are set
//
// It needs no cluster and no repository. What is odd but works is found by
// [LintApplication]. Values that may hold credentials (URLs) are not repeated.
func ValidateApplication(app *Application) field.ErrorList {
	errs := validateOwnAnnotations(app.Annotations, field.NewPath("metadata", "annotations"))
	return append(errs, ValidateApplicationSpec(&app.Spec, app.Annotations, field.NewPath("spec"))...)
}

// ValidateApplicationSpec is [ValidateApplication] for a spec at any path, of an
// Application with these annotations.
func ValidateApplicationSpec(spec *ApplicationSpec, annotations map[string]string, p *field.Path) field.ErrorList {
	errs := validateDestination(spec.Destination, p.Child("destination"))
	errs = append(errs, validateSources(spec, IsChained(annotations), p)...)
	errs = append(errs, validateSyncPolicy(spec.SyncPolicy, p.Child("syncPolicy"))...)
	if limit := spec.RevisionHistoryLimit; limit != nil && *limit < 0 {
		errs = append(errs, field.Invalid(p.Child("revisionHistoryLimit"), *limit, "must be 0 or more"))
	}
	for i, ignore := range spec.IgnoreDifferences {
		if ignore.Kind == "" {
			errs = append(errs, field.Required(p.Child("ignoreDifferences").Index(i).Child("kind"), "use * for any kind"))
		}
	}
	return errs
}

// ValidateOperation returns what keeps a request to sync from being carried out.
func ValidateOperation(op *Operation) field.ErrorList {
	p := field.NewPath("operation")
	errs := validateBackoff(op.Retry.Backoff, p.Child("retry", "backoff"))
	if op.Sync == nil {
		return append(errs, field.Required(p.Child("sync"), "a sync is the only operation"))
	}
	sync, p := op.Sync, p.Child("sync")
	if sources, revisions := len(sync.Sources), len(sync.Revisions); sources > 0 && revisions > 0 && sources != revisions {
		errs = append(errs, invalid(p.Child("revisions"), fmt.Sprintf("%d revisions for %d sources", revisions, sources)))
	}
	if len(sync.Manifests) > 0 {
		errs = append(errs, field.Forbidden(p.Child("manifests"), "only what Git holds is synced: commit the manifests, or see what they would do with tidelock diff"))
	}
	for i := range sync.Resources {
		r, p := &sync.Resources[i], p.Child("resources").Index(i)
		errs = append(errs, required(p.Child("kind"), r.Kind)...)
		errs = append(errs, required(p.Child("name"), r.Name)...)
	}
	return errs
}

func validateDestination(d Destination, p *field.Path) field.ErrorList {
	switch {
	case d.Server != "" && d.Name != "":
		return field.ErrorList{invalid(p, "both server and name are set")}
	case d.Server == "" && d.Name == "":
		return field.ErrorList{field.Required(p, "server or name is needed")}
	}
	return nil
}

func validateSyncPolicy(policy *SyncPolicy, p *field.Path) field.ErrorList {
	if policy == nil || policy.Retry == nil {
		return nil
	}
	return validateBackoff(policy.Retry.Backoff, p.Child("retry", "backoff"))
}

func validateBackoff(b *Backoff, p *field.Path) field.ErrorList {
	if b == nil {
		return nil
	}
	errs := validateDuration(b.Duration, p.Child("duration"))
	return append(errs, validateDuration(b.MaxDuration, p.Child("maxDuration"))...)
}

func validateDuration(s string, p *field.Path) field.ErrorList {
	if s == "" {
		return nil
	}
	if _, err := ParseDuration(s); err != nil {
		return field.ErrorList{invalid(p, err.Error())}
	}
	return nil
}

// validateOwnAnnotations checks the annotations that nobody but this agent reads.
func validateOwnAnnotations(annotations map[string]string, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	oneOf := func(key string, values ...string) {
		if value, ok := annotations[key]; ok && !slices.Contains(values, value) {
			errs = append(errs, field.NotSupported(p.Key(key), clip(value), values))
		}
	}
	oneOf(AnnotationSealedSecrets, SecretsResolve, SecretsApply)
	oneOf(AnnotationExternalSecrets, SecretsResolve, SecretsApply)
	oneOf(AnnotationWait, "true", "false")
	oneOf(AnnotationPostRender, PostRenderKustomize)
	return errs
}

// invalid is a field.Error that does not repeat the field's value.
func invalid(p *field.Path, detail string) *field.Error {
	return field.Invalid(p, field.OmitValueType{}, detail)
}

// clip cuts a value to a length that can be shown.
func clip(value string) string {
	const most = 80
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "…"
}

func required(p *field.Path, value string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(p, "")}
	}
	return nil
}

// validateRepoPath checks a path that has to stay inside a repository.
func validateRepoPath(dir string, p *field.Path) field.ErrorList {
	switch clean := path.Clean(dir); {
	case path.IsAbs(dir):
		return field.ErrorList{field.Invalid(p, dir, "must be relative to the repository's root")}
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return field.ErrorList{field.Invalid(p, dir, "leads out of the repository")}
	}
	return nil
}

func validateCount(count intstr.IntOrString, p *field.Path) field.ErrorList {
	if count.Type == intstr.String {
		if _, err := strconv.Atoi(count.StrVal); err != nil {
			return field.ErrorList{field.Invalid(p, count.StrVal, "must be a whole number")}
		}
	}
	return nil
}
