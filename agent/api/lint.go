package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// LintApplication returns what works, but hardly as it was meant: one sentence each,
// beginning with the field's path.
func LintApplication(app *Application) []string {
	var w warnings
	p := field.NewPath("spec")
	options := app.Spec.SyncPolicy.Options()
	w.lintSyncOptions(options, p.Child("syncPolicy", "syncOptions"))
	if i := slices.Index(options, SyncOptionForce); i >= 0 {
		w.addf(p.Child("syncPolicy", "syncOptions").Index(i), "%s works in an object's annotation only", SyncOptionForce)
	}
	w.lintSources(&app.Spec, p)
	w.lintIgnoreDifferences(app.Spec.IgnoreDifferences, p.Child("ignoreDifferences"))
	if policy := app.Spec.SyncPolicy; policy != nil {
		w.lintSyncPolicy(policy, p.Child("syncPolicy"))
	}
	approved := app.Annotations[AnnotationDeletionApproved]
	if _, err := time.Parse(time.RFC3339, approved); approved != "" && err != nil {
		w.addf(field.NewPath("metadata", "annotations").Key(AnnotationDeletionApproved), "%q is not an RFC 3339 time, and approves nothing", clip(approved))
	}
	w.lintRequireApproval(app.Annotations)
	w.lintLookup(app.Annotations)
	return w
}

func (w *warnings) lintRequireApproval(annotations map[string]string) {
	value, ok := annotations[AnnotationRequireApproval]
	if ok && value != "true" && value != "false" {
		w.addf(field.NewPath("metadata", "annotations").Key(AnnotationRequireApproval), "%q is neither true nor false, and taken for true", clip(value))
	}
}

// LintProject is [LintApplication] for projects.
func LintProject(project *AppProject) []string {
	var w warnings
	w.lintRequireApproval(project.Annotations)
	p := field.NewPath("spec", "syncWindows")
	for i, window := range project.Spec.SyncWindows {
		if _, err := time.LoadLocation(window.TimeZone); err != nil {
			w.addf(p.Index(i).Child("timeZone"), "unknown time zone %q: nothing is synced until it is corrected (Argo CD reads it as UTC)", clip(window.TimeZone))
		}
	}
	return w
}

// LintSyncOptions returns what is wrong with the sync-options annotation of an object.
func LintSyncOptions(annotation string) []string {
	var w warnings
	p := field.NewPath("metadata", "annotations").Key(AnnotationSyncOptions)
	w.lintSyncOptions(ParseSyncOptions(annotation), p)
	return w
}

// warnings is a list of sentences.
type warnings []string

func (w *warnings) addf(p *field.Path, format string, args ...any) {
	*w = append(*w, p.String()+": "+fmt.Sprintf(format, args...))
}

func (w *warnings) lintSyncOptions(options SyncOptions, p *field.Path) {
	for i, option := range options {
		if knownSyncOption(option) {
			continue
		}
		if near, ok := nearestSyncOption(option); ok {
			w.addf(p.Index(i), "%q is not a sync option and has no effect; did you mean %q?", clip(option), near)
		} else {
			w.addf(p.Index(i), "%q is not a sync option and has no effect", clip(option))
		}
	}
}

func (w *warnings) lintSources(spec *ApplicationSpec, p *field.Path) {
	if spec.SourceHydrator != nil && (spec.Source != nil || len(spec.Sources) > 0) {
		w.addf(p.Child("sourceHydrator"), "source and sources are ignored beside it")
	} else if spec.Source != nil && len(spec.Sources) > 0 {
		w.addf(p.Child("source"), "ignored, since sources is set")
	}
	for i, s := range spec.Sources {
		if s.Ref != "" && s.Chart != "" {
			w.addf(p.Child("sources").Index(i).Child("ref"), "a chart cannot serve files to other sources")
		}
	}
	for i, s := range spec.AllSources() {
		if s.Helm != nil && s.Helm.Values != "" && s.Helm.ValuesObject != nil {
			w.addf(sourcePath(spec, i, p).Child("helm", "values"), "ignored, since valuesObject is set")
		}
	}
}

// sourcePath is the path of entry i of AllSources.
func sourcePath(spec *ApplicationSpec, i int, p *field.Path) *field.Path {
	if spec.HasMultipleSources() {
		return p.Child("sources").Index(i)
	}
	return p.Child("source")
}

func (w *warnings) lintIgnoreDifferences(ignores []IgnoreDifference, p *field.Path) {
	for i, ignore := range ignores {
		p := p.Index(i)
		if len(ignore.JSONPointers)+len(ignore.JQPathExpressions)+len(ignore.ManagedFieldsManagers) == 0 {
			w.addf(p, "names no fields, and ignores nothing")
		}
		for j, pointer := range ignore.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				w.addf(p.Child("jsonPointers").Index(j), "%q does not begin with a slash, and matches nothing", clip(pointer))
			}
		}
	}
}

func (w *warnings) lintSyncPolicy(policy *SyncPolicy, p *field.Path) {
	if policy.ManagedNamespaceMetadata != nil && !policy.SyncOptions.Has(SyncOptionCreateNamespace) {
		w.addf(p.Child("managedNamespaceMetadata"), "has no effect without %s", SyncOptionCreateNamespace)
	}
	if r := policy.Retry; r != nil && r.Backoff != nil && r.Backoff.Factor != nil && *r.Backoff.Factor < 1 {
		w.addf(p.Child("retry", "backoff", "factor"), "below 1: from the second retry on there is no wait")
	}
}
