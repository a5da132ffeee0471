package api

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateApplicationSet returns what keeps an ApplicationSet from being rendered. See
// [ValidateApplication] for the form. The template is not looked at: it is checked once
// its parameters are filled in.
func ValidateApplicationSet(set *ApplicationSet) field.ErrorList {
	spec, p := &set.Spec, field.NewPath("spec")
	var errs field.ErrorList
	for i := range spec.Generators {
		errs = append(errs, validateGenerator(&spec.Generators[i], 0, p.Child("generators").Index(i))...)
	}
	return append(errs, validateStrategy(spec.Strategy, p.Child("strategy"))...)
}

// maxGeneratorDepth is how deep matrix and merge generators may be nested.
const maxGeneratorDepth = 2

// validateGenerator checks a generator that lies depth matrix or merge generators deep.
func validateGenerator(g *Generator, depth int, p *field.Path) field.ErrorList {
	set := g.Kinds()
	switch {
	case len(set) == 0:
		return field.ErrorList{field.Required(p, "no generator is set")}
	case len(set) > 1 && depth > 0:
		return field.ErrorList{invalid(p, fmt.Sprintf("more than one generator is set: %v", set))}
	case depth >= maxGeneratorDepth && (g.Matrix != nil || g.Merge != nil):
		return field.ErrorList{field.Forbidden(p, "matrix and merge can be nested once only")}
	}
	var errs field.ErrorList
	if g.Git != nil {
		errs = append(errs, validateGit(g.Git, p.Child("git"))...)
	}
	if g.SCMProvider != nil && g.SCMProvider.providers() != 1 {
		errs = append(errs, invalid(p.Child("scmProvider"), "exactly one provider is needed"))
	}
	if g.PullRequest != nil && g.PullRequest.providers() != 1 {
		errs = append(errs, invalid(p.Child("pullRequest"), "exactly one provider is needed"))
	}
	if g.Matrix != nil {
		errs = append(errs, validateMatrix(g.Matrix, depth, p.Child("matrix"))...)
	}
	if g.Merge != nil {
		errs = append(errs, validateMerge(g.Merge, depth, p.Child("merge"))...)
	}
	return errs
}

// Kinds returns the JSON names of the generators that are set.
func (g *Generator) Kinds() []string {
	var kinds []string
	add := func(set bool, kind string) {
		if set {
			kinds = append(kinds, kind)
		}
	}
	add(g.List != nil, "list")
	add(g.Clusters != nil, "clusters")
	add(g.Git != nil, "git")
	add(g.SCMProvider != nil, "scmProvider")
	add(g.ClusterDecisionResource != nil, "clusterDecisionResource")
	add(g.PullRequest != nil, "pullRequest")
	add(g.Matrix != nil, "matrix")
	add(g.Merge != nil, "merge")
	add(g.Plugin != nil, "plugin")
	return kinds
}

func validateGit(g *GitGenerator, p *field.Path) field.ErrorList {
	errs := required(p.Child("repoURL"), g.RepoURL)
	if len(g.Directories)+len(g.Files) == 0 {
		errs = append(errs, field.Required(p, "directories or files is needed"))
	}
	return errs
}

func validateMatrix(m *MatrixGenerator, depth int, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(m.Generators); n != 2 {
		errs = append(errs, invalid(p.Child("generators"), fmt.Sprintf("has %d generators; a matrix has two", n)))
	}
	return append(errs, validateChildren(m.Generators, depth, p.Child("generators"))...)
}

func validateMerge(m *MergeGenerator, depth int, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if n := len(m.Generators); n < 2 {
		errs = append(errs, invalid(p.Child("generators"), fmt.Sprintf("has %d generators; a merge has two or more", n)))
	}
	if len(m.MergeKeys) == 0 {
		errs = append(errs, field.Required(p.Child("mergeKeys"), "one key or more is needed"))
	}
	return append(errs, validateChildren(m.Generators, depth, p.Child("generators"))...)
}

func validateChildren(children []NestedGenerator, depth int, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, child := range children {
		g, err := child.Decode()
		if err != nil {
			errs = append(errs, invalid(p.Index(i), err.Error()))
			continue
		}
		errs = append(errs, validateGenerator(&g, depth+1, p.Index(i))...)
	}
	return errs
}

func validateStrategy(s *ApplicationSetStrategy, p *field.Path) field.ErrorList {
	if s == nil {
		return nil
	}
	var errs field.ErrorList
	if s.Type != "" && s.Type != StrategyAllAtOnce && s.Type != StrategyRollingSync {
		errs = append(errs, field.NotSupported(p.Child("type"), s.Type, []string{StrategyAllAtOnce, StrategyRollingSync}))
	}
	if o := s.DeletionOrder; o != "" && o != StrategyAllAtOnce && o != DeletionOrderReverse {
		errs = append(errs, field.NotSupported(p.Child("deletionOrder"), o, []string{StrategyAllAtOnce, DeletionOrderReverse}))
	}
	if s.RollingSync == nil {
		return errs
	}
	for i, step := range s.RollingSync.Steps {
		for j, match := range step.MatchExpressions {
			if match.Operator != "In" && match.Operator != "NotIn" {
				p := p.Child("rollingSync", "steps").Index(i).Child("matchExpressions").Index(j)
				errs = append(errs, field.NotSupported(p.Child("operator"), match.Operator, []string{"In", "NotIn"}))
			}
		}
	}
	return errs
}

// count returns how many of its arguments are true.
func count(set ...bool) int {
	n := 0
	for _, s := range set {
		if s {
			n++
		}
	}
	return n
}
