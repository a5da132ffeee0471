package api

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// refName is what $ref in a value file's path can name.
var refName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// validateSources checks the sources that count; those that another field overrides are
// not looked at. In an Application that is chained, one source may have two blocks.
func validateSources(spec *ApplicationSpec, chained bool, p *field.Path) field.ErrorList {
	switch {
	case spec.SourceHydrator != nil:
		return validateHydrator(spec.SourceHydrator, p.Child("sourceHydrator"))
	case len(spec.Sources) > 0:
		return validateSourceList(spec.Sources, chained, p.Child("sources"))
	case spec.Source != nil:
		return validateSource(spec.Source, false, chained, p.Child("source"))
	}
	return field.ErrorList{field.Required(p.Child("source"), "one of source, sources and sourceHydrator is needed")}
}

// validateSource checks one source; among several, a ref alone will do.
func validateSource(s *Source, several, chained bool, p *field.Path) field.ErrorList {
	errs := required(p.Child("repoURL"), s.RepoURL)
	switch {
	case s.Chart != "" && s.TargetRevision == "":
		errs = append(errs, field.Required(p.Child("targetRevision"), "a chart needs a version"))
	case s.Chart == "" && s.Path == "" && several && s.Ref == "":
		errs = append(errs, field.Required(p, "path, chart or ref is needed"))
	case s.Chart == "" && s.Path == "" && !several:
		errs = append(errs, field.Required(p, "path or chart is needed"))
	}
	errs = append(errs, validateRepoPath(s.Path, p.Child("path"))...)
	return append(errs, validateRenderer(s, chained, p)...)
}

func validateRenderer(s *Source, chained bool, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if types := s.Types(); len(types) > 1 && (!chained || !s.IsHelmAndKustomize()) {
		text := fmt.Sprintf("more than one of helm, kustomize, directory, plugin is set: %v", types)
		if s.IsHelmAndKustomize() {
			text += fmt.Sprintf("; the annotation %s: %s has Kustomize build what Helm renders", AnnotationPostRender, PostRenderKustomize)
		}
		errs = append(errs, invalid(p, text))
	}
	if s.Kustomize != nil {
		for i, replica := range s.Kustomize.Replicas {
			errs = append(errs, validateCount(replica.Count, p.Child("kustomize", "replicas").Index(i).Child("count"))...)
		}
	}
	return errs
}

func validateSourceList(sources []Source, chained bool, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	refs, names := map[string]*Source{}, map[string]bool{}
	for i := range sources {
		s, p := &sources[i], p.Index(i)
		errs = append(errs, validateSource(s, true, chained, p)...)
		if s.Ref != "" && !refName.MatchString(s.Ref) {
			errs = append(errs, field.Invalid(p.Child("ref"), s.Ref, "only letters, digits, _ and - are allowed"))
		}
		if s.Ref != "" && refs[s.Ref] != nil {
			errs = append(errs, field.Duplicate(p.Child("ref"), s.Ref))
		}
		if s.Name != "" && names[s.Name] {
			errs = append(errs, field.Duplicate(p.Child("name"), s.Name))
		}
		refs[s.Ref], names[s.Name] = s, true
	}
	delete(refs, "")
	for i := range sources {
		if helm := sources[i].Helm; helm != nil {
			errs = append(errs, validateRefs(helm, refs, p.Index(i).Child("helm"))...)
		}
	}
	return errs
}

// validateRefs checks that each $ref/… of a chart names a sibling that has files.
func validateRefs(helm *HelmSource, refs map[string]*Source, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	check := func(file string, p *field.Path) {
		ref, _, _ := strings.Cut(file, "/")
		if ref, ok := strings.CutPrefix(ref, "$"); !ok {
			return
		} else if source := refs[ref]; source == nil {
			errs = append(errs, field.Invalid(p, file, fmt.Sprintf("no source has ref %q", ref)))
		} else if source.Chart != "" {
			errs = append(errs, field.Invalid(p, file, fmt.Sprintf("the source with ref %q is a chart, which cannot serve files", ref)))
		}
	}
	for i, file := range helm.ValueFiles {
		check(file, p.Child("valueFiles").Index(i))
	}
	for i, parameter := range helm.FileParameters {
		check(parameter.Path, p.Child("fileParameters").Index(i).Child("path"))
	}
	return errs
}

func validateHydrator(h *SourceHydrator, p *field.Path) field.ErrorList {
	dry, sync := p.Child("drySource"), p.Child("syncSource")
	errs := required(dry.Child("repoURL"), h.DrySource.RepoURL)
	errs = append(errs, validateRepoPath(h.DrySource.Path, dry.Child("path"))...)
	source := h.DrySource.Source()
	errs = append(errs, validateRenderer(&source, false, dry)...)
	errs = append(errs, required(sync.Child("targetBranch"), h.SyncSource.TargetBranch)...)
	errs = append(errs, validateRepoPath(h.SyncSource.Path, sync.Child("path"))...)
	if path := h.SyncSource.Path; path == "" || path == "." {
		errs = append(errs, field.Invalid(sync.Child("path"), path, "must not be the repository's root"))
	}
	if h.HydrateTo != nil {
		errs = append(errs, required(p.Child("hydrateTo", "targetBranch"), h.HydrateTo.TargetBranch)...)
	}
	return errs
}
